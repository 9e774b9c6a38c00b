"""Where one of each ends: one Redis Stream as the log of events, one process of sockets.

Redis and the server have one core, what loads them the other. What says where it ends is the
processor time per event of the part that there is only one of. The peer of the log is the least
that one in Redis can do: XADD in pipelines of 500, and XREAD; no epochs, no repetitions recognised.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import redis

from bench import kit
from bench.fanout import (
    CLIENTS,
    flow,
    free_port,
    peers,
    prepared_data_dir,
    process,
    running,
    settle,
    steady,
    wait_for,
)
from bench.kit import cpu_s, heading, interleaved, line, turn
from bench.peers.event import TYPE, event_json
from bench.sockets import crowd

if TYPE_CHECKING:
    from core.realtime.log import EventLog

EVENTS, WINDOW, ROUNDS = 60_000, 5_000, 5
SPARSE = 3_000
SOCKETS = (CLIENTS, 2 * CLIENTS, 4 * CLIENTS - 50)  # the last below MAX_SOCKETS


def main() -> None:
    os.sched_setaffinity(0, {kit.LOAD_CORE})
    with ExitStack() as stack:
        data_dir = prepared_data_dir(stack)
        kit.setup_django("")
        port = free_port()
        command = ["redis-server", "--port", str(port), "--save", "", "--logfile", os.devnull]
        server = stack.enter_context(process(command, kit.SERVER_CORE, {}))
        wait_for(port)
        url = f"redis://127.0.0.1:{port}/0"
        with turn(alone=True):
            print(f"  load {os.getloadavg()[0]:.1f}")
            one_stream(url, server.pid)
            one_process(url, data_dir)


# --- The log ------------------------------------------------------------------------------------


def one_stream(url: str, pid: int) -> None:
    """Events/s from the writer to a follower, and Redis' processor time for each of them."""
    heading(f"One Redis Stream, events of {len(event_json(0))} bytes, medians of {ROUNDS} rounds")
    costs: dict[str, list[float]] = {}

    def counted(name: str, run: Callable[[], float], events: int) -> Callable[[], float]:
        def measure() -> float:
            before = cpu_s(pid)
            rate = run()
            costs.setdefault(name, []).append((cpu_s(pid) - before) * 1e6 / events)
            return rate

        return measure

    sides: dict[str, tuple[Callable[[], float], int]] = {
        "the log as it ships": (lambda: asyncio.run(through_the_log(url)), EVENTS),
        "with four followers in place of one": (
            lambda: asyncio.run(through_the_log(url, others=3)),
            EVENTS,
        ),
        "XADD and XREAD": (lambda: pipelined(url), EVENTS),
        "the log, an event at a time": (
            lambda: asyncio.run(through_the_log(url, events=SPARSE, window=1, chunk=1)),
            SPARSE,
        ),
    }
    rates = interleaved(
        {name: counted(name, run, events) for name, (run, events) in sides.items()}, rounds=ROUNDS
    )
    for name, rate in rates.items():
        cost = sorted(costs[name])[ROUNDS // 2]
        line(
            name,
            f"{rate:,.0f}/s",
            f"Redis {cost:.1f} us each",
            f"its core ends at {1e6 / cost:,.0f}/s",
        )


async def through_the_log(
    url: str, *, events: int = EVENTS, window: int = WINDOW, chunk: int = 100, others: int = 0
) -> float:
    """Events/s when so many are on their way at once; as many `others` follow it as well."""
    from core.realtime.redis_log import RedisLog

    log = RedisLog(url, 20_000)
    following = [asyncio.create_task(follow(log)) for _ in range(others)]
    bodies = [(TYPE, event_json(n).encode()) for n in range(chunk)]
    seen, sent, began = 0, 0, 0.0
    async for batch in log.follow():
        if began and not batch.fresh:
            seen += len(batch.entries)
        began = began or time.perf_counter()
        while sent < events and sent - seen < window:
            log.append(bodies)
            sent += len(bodies)
        if seen >= events:
            break
    took = time.perf_counter() - began
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    log.close()
    return events / took


async def follow(log: EventLog) -> None:
    async for _ in log.follow():
        continue


def pipelined(url: str) -> float:
    client = redis.Redis.from_url(url)
    body = event_json(0)
    client.delete("peer")
    last, began = "0", time.perf_counter()
    for _ in range(EVENTS // 500):
        with client.pipeline(transaction=False) as pipe:
            for _ in range(500):
                pipe.xadd("peer", {"e": "peer", "t": TYPE, "b": body}, maxlen=20_000)
            pipe.execute()
        [[_, entries]] = client.xread({"peer": last}, count=500)
        last = entries[-1][0]
    return EVENTS / (time.perf_counter() - began)


# --- The sockets --------------------------------------------------------------------------------


def one_process(url: str, data_dir: str) -> None:
    """Memory and processor time by the number of sockets, each getting every event."""
    heading("One process of sockets, full profile")
    ours = peers()[0]
    for count in SOCKETS:
        with running(ours, url, data_dir) as (pid, port, publish):
            with crowd(port, ours.path, 10):
                time.sleep(0.5)
            idle_mb = kit.rss_mb(pid)
            with crowd(port, ours.path, count) as clients:
                settle(clients)
                each_kb = (kit.rss_mb(pid) - idle_mb) * 1024 / count
                before_s, before = cpu_s(pid), clients.events
                rate = flow(clients, publish, ours.window)
                each_us = (cpu_s(pid) - before_s) * 1e6 / max(1, clients.events - before)
                p50, p99 = steady(clients, publish)
                line(
                    f"{count:,} sockets",
                    f"{rate:,.0f} deliveries/s",
                    f"{each_us:.1f} us each",
                    f"{idle_mb:.0f} MB and {each_kb:.0f} KB each, {kit.rss_mb(pid):.0f} MB busy",
                    f"20 events/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms",
                )


if __name__ == "__main__":
    main()
