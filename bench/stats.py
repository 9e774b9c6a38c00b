"""The statistics endpoints with 10,000 and 10,000,000 calls over 400 days, over HTTP.

One client. The peer is the same endpoint with a thousandth of the calls, in turn: history must not
slow it down.
"""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import psycopg

from bench.kit import ADMIN_DSN, bench_database, heading, line, percentile
from bench.rest import KEY, OURS, PEERS, PORT, REDIS, running

FEW, MANY = 10_000, int(os.environ.get("BENCH_STATS", "10000000"))
ROUNDS, REQUESTS = 4, 200
PATHS = (
    "/api/webcom/stats/today",
    "/api/webcom/stats/daily?days=7",
    "/api/webcom/stats/daily?days=30",
    "/api/webcom/stats/hourly",
    "/api/webcom/stats/5min",
)
# One call is of this moment: a gateway in use always has a bucket that is counted live.
FILL = """
    INSERT INTO webcom_call (id, line_id, line_number, line_type, state, stage, revision, direction,
        caller, called, caller_operator, cost, duration_s, started_at, ended_at, extra, stored_at)
    SELECT 'bench' || n, 'L' || n %% 60, '899' || n %% 60,
        CASE WHEN n %% 5 < 2 THEN 'Green' ELSE 'Vas' END, 'Ok', 90, 3,
        'Entering', '33' || n %% 10000000, '899' || n %% 60, 'TIM', n %% 700 / 100.0, n %% 900, at,
        at + interval '1 minute', '{}', at
    FROM (
        SELECT n, now() - sign(n - 1) * random() * interval '400 days' AS at
        FROM generate_series(1, %s) AS n
    ) AS made
"""


def main() -> None:
    heading(
        f"Statistics with {MANY:,} calls over 400 days, beside {FEW:,} "
        f"(milliseconds, {ROUNDS * REQUESTS} requests each)"
    )
    with bench_database() as url, small_database(url) as small_url:
        prepare(url, MANY)
        times: dict[str, dict[str, list[float]]] = {}
        for _ in range(ROUNDS):
            for one in (small_url, url):
                for path, ms in measured(one).items():
                    times.setdefault(one, {}).setdefault(path, []).extend(ms)
    few, many = times[small_url], times[url]
    for path in PATHS:
        line(
            path,
            f"p50 {median(many[path]):.1f} p99 {percentile(many[path], 0.99):.1f}",
            f"p50 {median(many[path]) / median(few[path]):.2f}x that of {FEW:,}",
        )


@contextmanager
def small_database(url: str) -> Iterator[str]:
    """A copy of the database at `url`, made when it had FEW calls."""
    from django.db import connections

    prepare(url, FEW)
    connections.close_all()  # a database can be copied only while it is unused
    name = url.rpartition("/")[2]
    with psycopg.connect(f"{ADMIN_DSN}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}_small TEMPLATE {name}")
        try:
            yield f"{url}_small"
        finally:
            admin.execute(f"DROP DATABASE {name}_small WITH (FORCE)")


def prepare(url: str, calls: int) -> None:
    """So many calls, their figures counted, the disk quiet again."""
    from webcom import rollups

    fill(url, calls)
    while rollups.recount():
        continue
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def measured(url: str, paths: Sequence[str] = PATHS) -> dict[str, list[float]]:
    """Milliseconds of every request of one round, by path."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "REDIS_URL": REDIS,
        "API_KEY_1": KEY,
        "RATE_LIMIT_PER_MINUTE": "1000000000",
    }
    with running(PEERS[OURS], environment), psycopg.connect(url, autocommit=True) as writer:
        client = http.client.HTTPConnection("127.0.0.1", PORT)
        return {
            path: [uncached_ms(path, client, writer) for _ in range(REQUESTS)] for path in paths
        }


def fill(url: str, calls: int) -> None:
    """So many calls, their five minutes all dirty; indexes come afterwards, as it is faster."""
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename = 'webcom_call' AND indexname <> 'webcom_call_pkey'"
        ).fetchall()
        connection.execute("TRUNCATE webcom_call, webcom_callrollup, webcom_dirtybucket")
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        psycopg.ClientCursor(connection).execute(FILL, [calls])
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute(
            "INSERT INTO webcom_dirtybucket"
            " SELECT DISTINCT to_timestamp(extract(epoch from started_at)::bigint / 300 * 300)"
            " FROM webcom_call"
        )


def uncached_ms(path: str, client: http.client.HTTPConnection, writer: psycopg.Connection) -> float:
    """Milliseconds of a request just after a commit: no response is cached."""
    writer.execute("SELECT pg_current_xact_id()")
    began = time.perf_counter()
    client.request("GET", path, headers={"X-API-Key": KEY})
    response = client.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:200]!r}")
    return (time.perf_counter() - began) * 1000
