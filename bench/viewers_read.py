"""The viewers' endpoints with 7 days of 100 streams (12 million samples), over HTTP.

One client. Peers, in turns: the same endpoints with one day of one stream (history must not
slow them down), and the same query of the raw samples in SQL.
"""

from __future__ import annotations

import os
import time
from statistics import median
from typing import Final

import psycopg

from bench.kit import ADMIN_DSN, bench_database, heading, line, percentile
from bench.stats import REQUESTS, ROUNDS, measured

DAYS: Final = int(os.environ.get("BENCH_DAYS", "7"))
STREAMS: Final = 100
PATHS: Final = (
    "/api/webtv/viewers",
    "/api/webtv/stats",
    "/api/webtv/hourly",
    "/api/webtv/viewers?stream=s1",
    "/api/webtv/stats?stream=s1",
    "/api/webtv/hourly?stream=s1",
)
# Every stream, and their sum as stream "total", has a sample each 5 s up to now.
FILL_STREAMS: Final = """
    INSERT INTO webtv_stream (name, title, preset, url, stream_key, path, body_format, headers,
        "user", subtract_publisher, enabled, created_at)
    SELECT 's' || n, '', 'generic', 'http://127.0.0.1/', '', 'viewers', 'json', '{}', '', false,
        false, now()
    FROM generate_series(1, %s) AS n
"""
FILL_SAMPLES: Final = """
    INSERT INTO webtv_viewersample (stream_id, at, viewers)
    SELECT stream.id, to_timestamp(tick), (tick / 60 + stream.id * 7) %% 300
    FROM generate_series(
        extract(epoch FROM now())::bigint / 5 * 5 - %s * 86400,
        extract(epoch FROM now())::bigint / 5 * 5 + 900, 5
    ) AS tick, webtv_stream AS stream
"""
FILL_ROLLUPS: Final = """
    INSERT INTO webtv_viewerrollup
        (stream_id, span_s, start_at, samples, viewers_sum, min_viewers, peak_viewers)
    SELECT stream_id, span, start, count(*), sum(viewers), min(viewers), max(viewers)
    FROM webtv_viewersample, LATERAL (VALUES
        (300, to_timestamp(extract(epoch FROM at)::bigint / 300 * 300)),
        (3600, to_timestamp(extract(epoch FROM at)::bigint / 3600 * 3600)),
        (86400, date_trunc('day', at AT TIME ZONE 'Europe/Rome') AT TIME ZONE 'Europe/Rome')
    ) AS spans (span, start)
    GROUP BY 1, 2, 3
"""
RAW: Final = """
    SELECT date_trunc('day', at AT TIME ZONE 'Europe/Rome') AS day, extract(hour FROM at),
        min(viewers), max(viewers), avg(viewers)
    FROM webtv_viewersample JOIN webtv_stream ON webtv_stream.id = stream_id
    WHERE name = 'total' AND at >= now() - interval '2 days'
    GROUP BY 1, 2
"""


def main() -> None:
    heading(
        f"Viewers' endpoints with {DAYS} days of {STREAMS} streams, beside one day of one "
        f"(milliseconds, {ROUNDS * REQUESTS} requests each)"
    )
    with bench_database() as url:
        name = url.rpartition("/")[2]
        with psycopg.connect(f"{ADMIN_DSN}/postgres", autocommit=True) as admin:
            from django.db import connections

            fill(url, 1, 1)
            connections.close_all()  # a database can be copied only while it is unused
            admin.execute(f"CREATE DATABASE {name}_small TEMPLATE {name}")
            try:
                compare(url, f"{url}_small")
            finally:
                admin.execute(f"DROP DATABASE {name}_small WITH (FORCE)")


def compare(url: str, small_url: str) -> None:
    line("samples", f"{fill(url, DAYS, STREAMS):,}")
    times: dict[str, dict[str, list[float]]] = {url: {}, small_url: {}}
    raw_ms: list[float] = []
    for _ in range(ROUNDS):
        for one in (small_url, url):
            for path, ms in measured(one, PATHS).items():
                times[one].setdefault(path, []).extend(ms)
        raw_ms.append(raw(url))
    for path in PATHS:
        few, many = times[small_url][path], times[url][path]
        line(
            path,
            f"p50 {median(many):.1f} p99 {percentile(many, 0.99):.1f}",
            f"p50 {median(many) / median(few):.2f}x that of one day",
        )
    stats = median(times[url]["/api/webtv/stats"])
    line(
        "stats from raw samples, SQL alone",
        f"{median(raw_ms):.1f}",
        f"{median(raw_ms) / stats:.0f}x ours",
    )


def fill(url: str, days: int, streams: int) -> int:
    """So many samples and their rollups; returns how many samples there are."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE webtv_viewersample, webtv_viewerrollup")
        connection.execute("DELETE FROM webtv_stream WHERE name <> 'total'")
        cursor = psycopg.ClientCursor(connection)
        cursor.execute(FILL_STREAMS, [streams])
        cursor.execute(FILL_SAMPLES, [days])
        connection.execute(FILL_ROLLUPS)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        (count,) = connection.execute("SELECT count(*) FROM webtv_viewersample").fetchone() or (0,)
        return int(count)


def raw(url: str) -> float:
    """Milliseconds of the same query without rollups."""
    with psycopg.connect(url, autocommit=True) as connection:
        began = time.perf_counter()
        connection.execute(RAW).fetchall()
        return (time.perf_counter() - began) * 1_000
