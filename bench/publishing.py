"""Ingest with live events on PostgreSQL and Redis, and the time from a commit to its events.

Beside it the same without the outbox: events wait in memory for the commit, and are lost if the
process is killed before they are in Redis.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

import redis

from bench.ingest import BATCH, fill, fresh_batches, ingest, records
from bench.kit import bench_database, heading, interleaved, line, percentile, timed

PORT = int(os.environ.get("BENCH_REDIS_PORT", "8793"))
BATCHES, BEFORE = 100, 20_000
PER_S, SECONDS = 200, 5


def main() -> None:
    heading("Ingest with live events, PostgreSQL and Redis")
    with redis_server() as url, bench_database(redis_url=url):
        fill(BEFORE)
        fresh = fresh_batches()
        sides = {"from memory, without the outbox": from_memory, "with the outbox": with_outbox}
        rates = interleaved({name: partial(rate, side, fresh) for name, side in sides.items()})
        base = next(iter(rates))
        for name, figure in rates.items():
            line(name, f"{figure:,.0f} calls/s", f"{figure / rates[base]:.2f}")
        for name, side in sides.items():
            with side():
                delays = delays_ms(url, fresh)
            line(
                f"commit to log at {PER_S}/s, {name.split(',')[0]}",
                f"p50 {median(delays):.2f} p99 {percentile(delays, 0.99):.2f} ms",
                f"{len(delays)} of {PER_S * SECONDS}",
            )


@contextmanager
def redis_server() -> Iterator[str]:
    command = ["redis-server", "--port", str(PORT), "--save", "", "--logfile", os.devnull]
    with subprocess.Popen(command) as server:
        client = redis.Redis(port=PORT)
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        try:
            yield f"redis://127.0.0.1:{PORT}/0"
        finally:
            server.terminate()


@contextmanager
def with_outbox() -> Iterator[None]:
    yield


@contextmanager
def from_memory() -> Iterator[None]:
    from django.db import transaction

    from core.realtime.publish import get_log

    def publish_on_commit(*events: Any) -> None:
        bodies = [(event.type, event.body()) for event in events]
        transaction.on_commit(lambda: get_log().append(bodies))

    with patch("webcom.ingest.publish_on_commit", publish_on_commit):
        yield


def rate(side: Any, fresh: Iterator[list[bytes]]) -> float:
    """Calls stored and published a second, until all are in the log."""
    from core.realtime.publish import close

    ready = [next(fresh) for _ in range(BATCHES)]

    def work() -> None:
        for batch in ready:
            ingest(batch)
        close()

    with side():
        return BATCHES * BATCH / timed(work)


def delays_ms(url: str, fresh: Iterator[list[bytes]]) -> list[float]:
    """From the end of each call's transaction to the arrival of its event at a reader."""
    from core.realtime.redis_log import STREAM
    from webcom.ingest import store_calls

    arrived: dict[str, float] = {}
    client = redis.Redis.from_url(url)
    last = client.xrevrange(STREAM, count=1)[0][0]
    done = threading.Event()

    def read() -> None:
        import orjson

        at = last
        while not done.is_set():
            for _, rows in client.xread({STREAM: at}, block=200):
                now = time.perf_counter()
                at = rows[-1][0]
                for _, fields in rows:
                    arrived[orjson.loads(fields[b"b"])["id"]] = now

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    calls = [call for _ in range(PER_S * SECONDS // BATCH) for call in records(next(fresh))]
    committed: dict[str, float] = {}
    began = time.perf_counter()
    for number, call in enumerate(calls):
        time.sleep(max(0.0, began + number / PER_S - time.perf_counter()))
        store_calls([call])
        committed[call.id] = time.perf_counter()
    time.sleep(1)
    done.set()
    reader.join()
    return [(arrived[id] - at) * 1000 for id, at in committed.items() if id in arrived]
