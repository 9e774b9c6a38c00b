"""Reads that may be a moment old, from a replica that is known not to be further behind.

How far behind it is, is measured without clocks: a thread asks the primary where its log ends, and
the replica how far it has come. What was the end a moment ago, and is reached, is that old at most.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Final, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseFailure

from core.lib.outage import Outage
from core.lib.postgres.limits import Role, pool_role, within

T = TypeVar("T")

ALIAS: Final = "replica"
STATEMENT_S: Final = 2.0  # what takes longer there is read from the primary
CHECK_S: Final = 1.0  # both questions of a check together
_MAX_SAMPLES: Final = 16
_END: Final = "SELECT pg_current_wal_lsn()"
_REPLAYED: Final = "SELECT pg_last_wal_replay_lsn()"


class ReplicaWatch:
    """Whether the replica has all that was committed `max_lag_s` ago. Threads may share it."""

    def __init__(self, max_lag_s: float) -> None:
        self._max_lag_s = max_lag_s
        self._fresh_until = 0.0  # monotonic
        self._ends: deque[tuple[float, int]] = deque(maxlen=_MAX_SAMPLES)  # when, primary's end
        self._outage = Outage("database.replica", separator="_")
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def is_fresh(self) -> bool:
        """Whether it may be read now; the first question starts the checks."""
        if self._thread is None:
            self._start()
        return time.monotonic() < self._fresh_until

    def failed(self, error: Exception) -> None:
        """A read of it failed: it is not read until the next check."""
        self._fresh_until = 0.0
        self._outage.began(error)

    def check(self) -> None:
        """Ask both servers once. Raises the errors of the database, and ValueError for no replica.

        Call it from one thread.
        """
        self._ends.append((time.monotonic(), _position(_END, DEFAULT_DB_ALIAS)))
        replayed = _position(_REPLAYED, ALIAS)
        reached = [at for at, end in self._ends if end <= replayed]
        if reached:
            self._fresh_until = reached[-1] + self._max_lag_s

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="replica", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pool_role(Role.LISTENER)()
        while True:
            try:
                with within(CHECK_S):
                    self.check()
            except (DatabaseFailure, ValueError) as exc:
                self.failed(exc)
                connections.close_all()
            else:
                self._outage.over()
            time.sleep(self._max_lag_s / 4)


def read(work: Callable[[], T]) -> T:
    """What `work` reads: from the replica while it is fresh, else, or if it fails, the primary.

    Meanwhile the thread's default connection is the replica's: `work` must not write, and may see
    the state of a moment ago.
    """
    watch = _watch()
    if watch is not None and watch.is_fresh():
        primary = connections[DEFAULT_DB_ALIAS]
        connections[DEFAULT_DB_ALIAS] = connections[ALIAS]
        try:
            return work()
        except DatabaseFailure as exc:
            watch.failed(exc)
        finally:
            connections[DEFAULT_DB_ALIAS] = primary
    return work()


@cache
def _watch() -> ReplicaWatch | None:
    entry = connections.settings.get(ALIAS)
    return ReplicaWatch(entry["MAX_LAG_S"]) if entry else None


def _position(query: str, alias: str) -> int:
    """A place in the primary's log: bytes from its beginning. ValueError where there is none."""
    text: bytes = connections[alias].ask(query)  # type: ignore[attr-defined]  # our backend's
    high, _, low = text.decode().partition("/")
    return (int(high, 16) << 32) + int(low, 16)
