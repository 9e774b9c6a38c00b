"""AMI events from a real socket to the bus: our client beside pyst2, on the same recorded stream.

The stream is what two versions of Asterisk sent during calls of every kind, again and again, sent
by a process on the other core. Both clients go on through `centralino.channel_table` to a log in
memory, as the gateway does. pyst2 gets fewer events, because of the time it takes.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench import kit

ROOT = Path(__file__).parent.parent
EVENTS = int(os.environ.get("BENCH_AMI_EVENTS", "200000"))
PYST2_EVENTS = int(os.environ.get("BENCH_PYST2_EVENTS", "4000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
PIECES = 10  # two of them on their way at once, so that neither side waits for the other


def main() -> None:
    kit.setup_django("")
    from centralino.clients.ami import AsyncioAmi

    kit.heading("AMI: events/s from the socket to the bus")
    os.sched_setaffinity(0, {kit.SERVER_CORE})
    with recorded_stream() as port:
        measure = {
            "our client, parsed only": lambda: rate(AsyncioAmi, port, EVENTS, ignore),
            "our client to the bus": lambda: rate(AsyncioAmi, port, EVENTS, gateway()),
            "pyst2 to the bus": lambda: rate(PlainPyst2, port, PYST2_EVENTS, gateway()),
        }
        figures = kit.interleaved(measure, rounds=ROUNDS)
        ours, theirs = figures["our client to the bus"], figures["pyst2 to the bus"]
        for name, figure in figures.items():
            kit.line(name, f"{figure:,.0f}/s", f"{figure / theirs:.0f}x pyst2")
        kit.line("target", "100,000/s", "50x pyst2", "met" if met(ours, theirs) else "MISSED")
        before = kit.rss_mb()
        rate(AsyncioAmi, port, EVENTS, gateway())
        kit.line("memory after another round", f"{kit.rss_mb() - before:+.1f} MB")


class PlainPyst2:
    """pyst2 as it comes, with its own reader; its events as ours, for the same work behind it."""

    def __init__(self, address: Any) -> None:
        from asterisk.manager import Manager

        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._manager = Manager()
        self._manager.connect(address.host, address.port)
        self._manager.login(address.user, address.secret)
        self._manager.register_event("*", lambda event, _: self._events.put(event.headers))

    def action(self, name: str, **headers: str) -> None:
        self._manager.send_action({"Action": name, **headers})

    def events(self, *, idle_s: float) -> Iterator[list[Any]]:
        from centralino.types import AmiMessage

        while True:
            found = [self._events.get(timeout=idle_s)]
            found += [self._events.get() for _ in range(self._events.qsize())]
            yield [AmiMessage((key.lower(), one[key]) for key in one) for one in found]

    def close(self) -> None:
        self._manager.close()


def met(ours: float, theirs: float) -> bool:
    return ours >= 100_000 and ours >= 50 * theirs


@contextmanager
def recorded_stream() -> Iterator[int]:
    """A manager on the other core that sends what was recorded; its port."""
    from centralino.tests.managers import SAMPLES, sample

    command = ["taskset", "-c", str(kit.LOAD_CORE), sys.executable, "bench/peers/ami_stream.py"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as sender:
        assert sender.stdin is not None
        assert sender.stdout is not None
        try:
            recorded = b"".join(sample(name) for name in SAMPLES if "all-classes" not in name)
            sender.stdin.write(recorded)
            sender.stdin.close()
            yield int(sender.stdout.readline())
        finally:
            sender.kill()


def rate(
    client: Callable[[Any], Any], port: int, count: int, take: Callable[[list[Any]], object]
) -> float:
    """Events/s that `client` and `take` do together. AssertionError when one is missing."""
    from centralino.types import AmiAddress

    address = AmiAddress("127.0.0.1", port, "bench", "bench-secret")
    piece = count // PIECES
    requested, came = 2 * piece, 0
    with closing(client(address)) as ami:
        began = time.perf_counter()
        ami.action("Go", Events=str(piece))
        ami.action("Go", Events=str(piece))
        for batch in ami.events(idle_s=5):
            assert batch is not None, f"{came} of {count} events"
            take(batch)
            came += len(batch)
            if came >= count:
                break
            if came >= requested - piece and requested < count:
                ami.action("Go", Events=str(piece))
                requested += piece
        return came / (time.perf_counter() - began)


def gateway() -> Callable[[list[Any]], object]:
    """What the gateway does with a batch: follow the channels, make the messages, publish them."""
    from centralino.channel_table import ChannelTable
    from centralino.events import PbxCallChanged
    from core.realtime.log import MemoryLog

    channels, log = ChannelTable("asterisk_1"), MemoryLog(20_000)

    def take(batch: list[Any]) -> None:
        outcome = channels.apply(batch, time.time())
        changed = map(PbxCallChanged, channels.changed_calls())
        log.append([(event.type, event.body()) for event in (*outcome.events, *changed)])

    return take


def ignore(batch: list[Any]) -> None:
    """Nothing more."""


if __name__ == "__main__":
    main()
