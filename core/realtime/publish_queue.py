"""Events without a transaction, on their way to a log that may be away.

They are queued in memory, in order, and written by one thread.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Final

from core.realtime.log import EventBody, Parcel, SharedLog

logger = logging.getLogger(__name__)

MAX_PARCEL: Final = 500
CLOSING_RETRY_S: Final = 0.05


class PublishQueue:
    """Takes events from any thread without waiting; beyond `maximum` the oldest are dropped."""

    def __init__(self, log: SharedLog, *, maximum: int) -> None:
        self._log = log
        self._maximum = maximum
        self._reset()
        # The parent's thread delivers what the parent queued.
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._events: deque[EventBody] = deque()
        self._lost = 0
        self._name = secrets.token_hex(8)  # a forked child counts its own parcels
        self._numbers = count(1)
        self._closing_by: float | None = None  # monotonic
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, events: Sequence[EventBody]) -> None:
        """Queue (type, JSON object) pairs in order."""
        with self._news:
            self._events.extend(events)
            while len(self._events) > self._maximum:
                self._events.popleft()
                self._lost += 1
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
        while parcel := self._next():
            while not self._written(parcel):
                if self._closing_by is not None and time.monotonic() > self._closing_by:
                    logger.error(
                        "events.lost_at_exit count=%d", len(parcel.events) + len(self._events)
                    )
                    return

    def _next(self) -> Parcel | None:
        """The next parcel, waited for; None when closing and all is written."""
        with self._news:
            self._news.wait_for(lambda: self._events or self._closing_by is not None)
            if not self._events:
                return None
            lost, self._lost = self._lost, 0
            if lost:
                logger.error("events.overflow count=%d", lost)
            events = [self._events.popleft() for _ in range(min(MAX_PARCEL, len(self._events)))]
            return Parcel(self._name, next(self._numbers), events, broken=lost > 0)

    def _written(self, parcel: Parcel) -> bool:
        """Try once; after a failure wait a while, and say False."""
        try:
            self._log.write([parcel])
        except self._log.retryable_errors as exc:
            delay_s = self._log.outage.began(exc)
            with self._news:
                if self._news.wait_for(lambda: self._closing_by is not None, delay_s):
                    self._news.wait(CLOSING_RETRY_S)
            return False
        self._log.outage.over()
        return True
