"""One Redis Stream beside NATS JetStream as the event log, through the same interface.

Each server is started for it, with a file as its storage (Redis: appendonly, everysec). Events are
those of calls. A follower in the same process reads along: what counts is what has arrived.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from bench.kit import cpu_s, heading, interleaved, line, percentile, rss_mb
from bench.peers.event import TYPE, event_json
from core.realtime.log import Parcel

PORT = int(os.environ.get("BENCH_LOGS_PORT", "8794"))
LENGTH = 20_000
BULK, SINGLES, PER_S, SECONDS = 20_000, 2_000, 200, 4


class Side(NamedTuple):
    command: list[str]
    make: Callable[[], Any]


def main() -> None:
    heading("The event log in one Redis Stream and in NATS JetStream")
    with tempfile.TemporaryDirectory() as folder:
        running = {
            name: (side, subprocess.Popen(side.command, stderr=subprocess.DEVNULL))
            for name, side in sides(folder).items()
        }
        time.sleep(1)
        try:
            compare(running)
        finally:
            for _, server in running.values():
                server.terminate()
                server.wait(10)


def sides(folder: str) -> dict[str, Side]:
    from bench.peers.jetstream_log import JetStreamLog
    from core.realtime.redis_log import RedisLog

    redis, jetstream = f"redis://127.0.0.1:{PORT}/0", f"nats://127.0.0.1:{PORT + 1}"
    found = {
        "Redis Stream": Side(
            ["redis-server", "--port", str(PORT), "--dir", folder, "--appendonly", "yes",
             "--save", "", "--logfile", os.devnull],
            partial(RedisLog, redis, LENGTH),
        )
    }  # fmt: skip
    if nats := shutil.which("nats-server", path=f"{os.environ.get('PATH')}:/usr/sbin"):
        found["JetStream"] = Side(
            [nats, "-a", "127.0.0.1", "-p", str(PORT + 1), "-js", "-sd", f"{folder}/nats"],
            partial(JetStreamLog, jetstream, LENGTH, name="bench"),
        )
    return found


def compare(running: dict[str, tuple[Side, Any]]) -> None:
    before = {name: rss_mb(server.pid) for name, (_, server) in running.items()}
    logs = {name: side.make() for name, (side, _) in running.items()}
    for what, work in (("parcels of 100", bulk), ("one event a write", singles)):
        rates = interleaved({name: partial(rate, log, work) for name, log in logs.items()})
        base = next(iter(rates))
        for name, figure in rates.items():
            line(f"{name}, {what}", f"{figure:,.0f} events/s", f"{figure / rates[base]:.2f}")
    for name, log in logs.items():
        used = cpu_s(running[name][1].pid)
        delays = delays_ms(log)
        line(
            f"{name}, append to follower at {PER_S}/s",
            f"p50 {median(delays):.2f} p99 {percentile(delays, 0.99):.2f} ms",
            f"server {1e6 * (cpu_s(running[name][1].pid) - used) / len(delays):.0f} µs an event",
        )
    for name, (_, server) in running.items():
        after = rss_mb(server.pid)
        line(
            f"{name}, memory with {LENGTH:,} events", f"{after:.0f} MB", f"from {before[name]:.0f}"
        )
        logs[name].close()


def rate(log: Any, work: Callable[[Any, str], int]) -> float:
    """Events that reach a follower, a second."""
    with following(log) as arrived:
        began, writer = time.perf_counter(), str(time.monotonic_ns())
        count = work(log, writer)
        while len(arrived) < count:
            time.sleep(0.001)
        return count / (time.perf_counter() - began)


def bulk(log: Any, writer: str) -> int:
    body = event_json(1).encode()
    for number in range(1, BULK // 100 + 1):
        log.write([Parcel(writer, number, [(TYPE, body)] * 100)])
    return BULK


def singles(log: Any, writer: str) -> int:
    body = event_json(1).encode()
    for number in range(1, SINGLES + 1):
        log.write([Parcel(writer, number, [(TYPE, body)])])
    return SINGLES


def delays_ms(log: Any) -> list[float]:
    """From `append` to the follower, at a steady rate."""
    sent = []
    with following(log) as arrived:
        began = time.perf_counter()
        for number in range(PER_S * SECONDS):
            time.sleep(max(0.0, began + number / PER_S - time.perf_counter()))
            sent.append(time.perf_counter())
            log.append([(TYPE, event_json(number).encode())])
        time.sleep(1)
    return [
        (after - before) * 1000 for before, after in zip(sent, arrived, strict=False)
    ]  # the last one ends it


@contextmanager
def following(log: Any) -> Iterator[list[float]]:
    """When each event that is written in the block has arrived (`perf_counter`)."""
    arrived: list[float] = []
    ready, ended = threading.Event(), threading.Event()

    async def follow() -> None:
        batches = log.follow()
        position = log.position()
        async for batch in batches:
            now = time.perf_counter()
            if ready.is_set():
                arrived.extend(now for _ in batch.entries)
            elif position is None or batch.entries[-1].seq >= position.seq:
                ready.set()
            if ended.is_set():
                break
        await batches.aclose()

    thread = threading.Thread(target=asyncio.run, args=(follow(),), daemon=True)
    thread.start()
    ready.wait(20)
    try:
        yield arrived
    finally:
        ended.set()
        log.append([(TYPE, b'{"type":"end"}')])
        thread.join(20)
