"""The bus is a log: every event has a `seq` that only grows, and the log an `epoch`.

A new epoch begins whenever events were lost (a new process in the embedded profile, a Redis that
lost its memory, one that was away until events had to be dropped), so whoever resumes from another
epoch knows to read again. `seq` starts at the clock in microseconds: it never runs backwards from
one epoch to the next, and still fits the integers of JavaScript (2**53) until the year 2255.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple, Protocol, runtime_checkable

from core.lib.outage import Outage
from core.realtime.events import Frame, text_frame

EventBody = tuple[str, bytes]  # its type, and its JSON object in UTF-8
MARKER: Final = ""  # the type of the entry that starts an epoch; nobody subscribes to it
MARKER_BODY: Final = b'{"type":""}'


class LoggedEvent(NamedTuple):
    """One event of the log, its JSON made once for all clients."""

    seq: int
    type: str
    frame: Frame


class Batch(NamedTuple):
    """Entries in order, without a gap. `fresh`: they start anew, what was before is unknown."""

    epoch: str
    entries: Sequence[LoggedEvent]
    fresh: bool


class Position(NamedTuple):
    """A place in the log: whoever knows everything up to `seq` resumes there and misses nothing."""

    epoch: str
    seq: int


class Parcel(NamedTuple):
    """What is written at once: events of one writer, whose numbers only grow.

    `broken`: events were lost before it, so it begins a new epoch.
    """

    writer: str
    number: int
    events: Sequence[EventBody]
    broken: bool = False


class EventLog(Protocol):
    """Where events go in, and whence every process follows them."""

    def append(self, events: Sequence[EventBody]) -> None:
        """Add (type, JSON object) pairs, from any thread; queues them while the log is away."""

    def position(self) -> Position | None:
        """Where the log ends now, or None when it cannot be asked or has not begun."""

    def follow(self) -> AsyncIterator[Batch]:
        """First a fresh batch with what the log still has, then what comes; endless."""

    def close(self) -> None:
        """Write what is queued, at the end of the process."""


@runtime_checkable
class SharedLog(EventLog, Protocol):
    """A log that outlives the processes which write to it."""

    retryable_errors: tuple[type[Exception], ...]
    outage: Outage  # of writing; who calls `write` notes how it went

    def write(self, parcels: Sequence[Parcel]) -> None:
        """Add parcels in their order, each whole and once even if repeated, by anybody.

        Raises one of `retryable_errors` to be called again.
        """

    def last_numbers(self, writers: Collection[str]) -> dict[str, int]:
        """The number of each writer's last parcel in the log, 0 when it has none or is forgotten.

        Raises one of `retryable_errors`.
        """


def new_epoch() -> str:
    """A name no other epoch has."""
    return secrets.token_hex(6)


def first_seq() -> int:
    """The seq of the first entry of an epoch that begins now."""
    return time.time_ns() // 1_000


def numbered(seq: int, kind: str, body: bytes, epoch: str) -> LoggedEvent:
    """The entry of one JSON object `body`, with `seq` and `epoch` added at its end."""
    text = f'{body[:-1].decode()},"seq":{seq},"epoch":"{epoch}"}}'
    return LoggedEvent(seq, kind, text_frame(text))


class MemoryLog:
    """The log of the embedded profile: the last `length` events, in this process."""

    def __init__(self, length: int) -> None:
        self._epoch = new_epoch()
        start = numbered(first_seq(), MARKER, MARKER_BODY, self._epoch)
        self._entries: deque[LoggedEvent] = deque([start], maxlen=length)
        self._lock = threading.Lock()
        self._followers: set[_Waker] = set()

    def append(self, events: Sequence[EventBody]) -> None:
        """Add (type, JSON object) pairs, from any thread."""
        with self._lock:
            seq = self._entries[-1].seq
            for n, (kind, body) in enumerate(events, 1):
                self._entries.append(numbered(seq + n, kind, body, self._epoch))
            for follower in self._followers:
                follower.wake()

    def position(self) -> Position:
        """Where the log ends now."""
        with self._lock:
            return Position(self._epoch, self._entries[-1].seq)

    def close(self) -> None:
        """Nothing is queued."""

    async def follow(self) -> AsyncIterator[Batch]:
        """First a fresh batch with what the log still has, then what comes; endless."""
        waker = _Waker()
        with self._lock:
            self._followers.add(waker)
        try:
            last = 0
            while True:
                batch = self._after(last)
                if batch.entries:
                    last = batch.entries[-1].seq
                    yield batch
                await waker.woken()
        finally:
            with self._lock:
                self._followers.discard(waker)

    def _after(self, seq: int) -> Batch:
        with self._lock:
            oldest, last = self._entries[0].seq, self._entries[-1].seq
            fresh = seq < oldest - 1
            new = len(self._entries) if fresh else last - seq
            return Batch(self._epoch, [*islice(reversed(self._entries), new)][::-1], fresh)


class _Waker:
    """Lets any thread wake one task; many wake-ups before it runs are one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._pending = False

    def wake(self) -> None:
        if self._pending:
            return
        self._pending = True  # before the call: the task may run before it returns
        with suppress(RuntimeError):  # the loop has ended, and its follower with it
            self._loop.call_soon_threadsafe(self._event.set)

    async def woken(self) -> None:
        await self._event.wait()
        self._event.clear()
        self._pending = False
