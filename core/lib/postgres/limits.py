"""How long each role may wait for the database, and how many threads of a pool at once.

A process or a pool of threads says what it is where it starts; whoever says nothing is a command of
`manage.py`, which may take its time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import psycopg

SLOW_S: Final = 0.5  # what waits longer is stuck, and then one thread of a pool is kept free
POLL_S: Final = 0.01
COMMAND_LOCK_S: Final = 30.0


class Role(StrEnum):
    """What a thread is there for."""

    WEB = "web"  # answers requests, or lets sockets in
    LISTENER = "listener"
    TASK = "task"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, 0 for any time: of one statement, of its wait for locks, idle in a transaction."""

    statement_s: float
    lock_s: float
    idle_s: float

    @classmethod
    def of(cls, statement_s: float) -> Limits:
        """A third of a statement's time may go by waiting for a lock."""
        return cls(statement_s, statement_s / 3 or COMMAND_LOCK_S, 3 * statement_s)


class TooManyWaiting(psycopg.OperationalError):
    """All other threads that answer requests wait for the database already."""

    def __init__(self) -> None:
        super().__init__("the other threads wait for the database already")


class Gate:
    """Keeps one thread of a pool out of long waits, so that what needs no database is answered.

    Waits begin freely: it looks who is stuck when one begins, and again each SLOW_S of it.
    Connecting cannot be given up halfway, so it begins only while another thread does not wait.
    """

    def __init__(self, threads: int) -> None:
        """For a pool of at least two threads."""
        self._threads = threads
        self._since: dict[int, float] = {}  # thread -> when its wait began, monotonic
        self._connecting = threading.Lock()
        self._is_unreachable = False  # the last who connected got no answer
        self._is_trying = False  # to reach it

    def begin(self) -> None:
        """The thread begins to wait."""
        self._since[threading.get_ident()] = time.monotonic()

    def end(self) -> None:
        """It has its answer."""
        self._since.pop(threading.get_ident(), None)

    def is_full(self) -> bool:
        """Whether all threads but one are stuck: the calling one should not begin to wait."""
        return bool(self._since) and len(self._stuck()) >= self._threads - 1

    def is_one_too_many(self) -> bool:
        """Whether all threads are stuck, the calling one for the shortest time."""
        stuck = self._stuck()
        return len(stuck) >= self._threads and max(stuck)[1] == threading.get_ident()

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """The block connects. Raises TooManyWaiting where this would leave no thread.

        While the server gives no answer, one thread at a time tries.
        """
        self._begin_to_connect()
        try:
            yield
            self._is_unreachable = False
        except psycopg.errors.ConnectionTimeout:
            self._is_unreachable = True
            raise
        finally:
            self._is_trying = False
            self.end()

    def _begin_to_connect(self) -> None:
        until = time.monotonic() + SLOW_S
        while True:
            with self._connecting:
                if self._is_unreachable and self._is_trying:
                    raise TooManyWaiting
                if len(self._since) < self._threads - 1:
                    self._is_trying = True
                    self.begin()
                    return
            if self.is_full() or time.monotonic() >= until:
                raise TooManyWaiting
            time.sleep(POLL_S)

    def _stuck(self) -> list[tuple[float, int]]:
        late = time.monotonic() - SLOW_S
        return [(since, thread) for thread, since in [*self._since.items()] if since <= late]


@dataclass(frozen=True, slots=True)
class _Part:
    role: Role
    gate: Gate | None


class _OfThread(threading.local):
    part: _Part | None = None
    until: float | None = None  # monotonic


_of_process = _Part(Role.COMMAND, None)
_of_thread = _OfThread()


def run_process_as(role: Role, *, threads: int = 0) -> None:
    """What all threads of this process are, unless they say something else.

    `threads` is how many of them answer requests, where all of them do.
    """
    global _of_process
    _of_process = _part(role, threads)


def pool_role(role: Role, *, threads: int = 0) -> Callable[[], None]:
    """An `initializer` for a pool's threads; `threads` as above."""
    part = _part(role, threads)

    def begin() -> None:
        _of_thread.part = part

    return begin


def _part(role: Role, threads: int) -> _Part:
    return _Part(role, Gate(threads) if threads > 1 else None)


def current_role() -> Role:
    """What the calling thread is."""
    return (_of_thread.part or _of_process).role


def current_gate() -> Gate | None:
    """The gate of the calling thread's pool, if it has one."""
    return (_of_thread.part or _of_process).gate


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block waits for PostgreSQL no longer than that, connecting included (2 s at least).

    For what should rather fail than wait; the connection is closed when its time is over.
    """
    before = _of_thread.until
    until = time.monotonic() + seconds
    _of_thread.until = until if before is None else min(before, until)
    try:
        yield
    finally:
        _of_thread.until = before


def time_left_s(most: float | None) -> float | None:
    """`most`, or what `within` has left if that is less; None: any time."""
    if _of_thread.until is None:
        return most
    left = max(0.0, _of_thread.until - time.monotonic())
    return left if most is None else min(most, left)
