"""Events on their way to a log that may be away: queued in order, written by one thread."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from core.lib.outage import Outage

logger = logging.getLogger(__name__)

MAX_PARCEL: Final = 500
CLOSING_RETRY_S: Final = 0.05


class Parcel(NamedTuple):
    """What is written at once. `broken`: events were lost before it; `number`: kept if repeated."""

    number: int
    events: Sequence[tuple[str, bytes]]
    broken: bool


class Writer(Protocol):
    """Writes a parcel all or nothing, once even if repeated.

    Raises one of `retryable_errors` to be called again.
    """

    retryable_errors: tuple[type[Exception], ...]

    def write(self, parcel: Parcel) -> None: ...


class PublishQueue:
    """Takes events from any thread without waiting; beyond `maximum` the oldest are dropped."""

    def __init__(self, writer: Writer, *, maximum: int) -> None:
        self._writer = writer
        self._maximum = maximum
        self._reset()
        # The parent's thread delivers what the parent queued.
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._events: deque[tuple[str, bytes]] = deque()
        self._lost = 0
        self._needs_new_epoch = False  # events of another process may have been lost before ours
        self._closing_by: float | None = None  # monotonic
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, events: Sequence[tuple[str, bytes]]) -> None:
        """Queue (type, JSON object) pairs in order."""
        with self._news:
            self._events.extend(events)
            while len(self._events) > self._maximum:
                self._events.popleft()
                self._lost += 1
            self._wake()

    def start_new_epoch(self) -> None:
        """Tell that events may be missing before what comes next: a writing process was killed."""
        with self._news:
            self._needs_new_epoch = True
            self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="publish-queue", daemon=True)
            self._thread.start()
        self._news.notify_all()

    def close(self, *, within_s: float = 2.0) -> None:
        """Write what is queued, waiting at most `within_s`; the rest is lost and logged."""
        with self._news:
            thread, self._thread = self._thread, None
            self._closing_by = time.monotonic() + within_s
            self._news.notify_all()
        if thread is not None:
            thread.join(within_s + 1.0)
        self._closing_by = None

    def _run(self) -> None:
        outage = Outage("events.writing")
        number = 0
        while parcel := self._next(number + 1):
            number += 1
            while not self._written(parcel, outage):
                if self._closing_by is not None and time.monotonic() > self._closing_by:
                    logger.error(
                        "events.lost_at_exit count=%d", len(parcel.events) + len(self._events)
                    )
                    return

    def _next(self, number: int) -> Parcel | None:
        """The next parcel, waited for; None when closing and all is written."""
        with self._news:
            self._news.wait_for(
                lambda: self._events or self._needs_new_epoch or self._closing_by is not None
            )
            if not self._events and not self._needs_new_epoch:
                return None
            if self._lost:
                logger.error("events.overflow count=%d", self._lost)
            broken, self._lost, self._needs_new_epoch = (
                self._needs_new_epoch or self._lost > 0,
                0,
                False,
            )
            events = [self._events.popleft() for _ in range(min(MAX_PARCEL, len(self._events)))]
            return Parcel(number, events, broken)

    def _written(self, parcel: Parcel, outage: Outage) -> bool:
        """Try once; after a failure wait a while, and say False."""
        try:
            self._writer.write(parcel)
        except self._writer.retryable_errors as exc:
            delay_s = outage.began(exc)
            with self._news:
                if self._news.wait_for(lambda: self._closing_by is not None, delay_s):
                    self._news.wait(CLOSING_RETRY_S)
            return False
        outage.over()
        return True
