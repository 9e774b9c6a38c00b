"""psycopg's connection, with an end to every wait.

The server's own timeouts need a server that runs and is reached. A frozen one acknowledges what it
gets, so TCP sees nothing wrong either: only the client's clock bounds that wait.
"""

from __future__ import annotations

import time
from typing import Any, Final, TypeVar

import psycopg
from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, TransactionStatus

from core.lib.postgres.limits import SLOW_S, Gate, TooManyWaiting, time_left_s

T = TypeVar("T")

INTERVAL_S: Final = 0.1  # psycopg's own: how soon Ctrl-C is noticed


class ServerSilent(psycopg.OperationalError):
    """There was no answer in time; the connection is closed, the outcome of a write unknown."""


class BoundedConnection(psycopg.Connection[Any]):
    """Waits for each answer `answer_s` seconds (None: any time), and as `gate` lets it."""

    answer_s: float | None = None
    gate: Gate | None = None

    def wait(self, gen: PQGen[T], interval: float = INTERVAL_S, timeout: float | None = None) -> T:
        """Raises ServerSilent and TooManyWaiting beside psycopg's own errors."""
        if timeout is not None:  # psycopg's own waits, for a cancellation
            return super().wait(gen, interval, timeout)
        if self.gate is None:
            return self._wait(gen, interval, time_left_s(self.answer_s))
        # Whoever is in a transaction may hold the locks that the others wait for.
        if self.gate.is_full() and self.pgconn.transaction_status == TransactionStatus.IDLE:
            raise TooManyWaiting
        self.gate.begin()
        try:
            return self._wait_in_turn(gen, interval, self.gate)
        finally:
            self.gate.end()

    def ask(self, query: bytes) -> bytes:
        """The one value that a query returns, as text: a tenth of a cursor's time."""
        with self.lock:
            self.pgconn.send_query(query)
            result = self.wait(generators.execute(self.pgconn))[-1]
        if result.status != ExecStatus.TUPLES_OK:
            raise errors.error_from_result(result)
        return result.get_value(0, 0) or b""

    def _wait(self, gen: PQGen[T], interval: float, timeout: float | None) -> T:
        try:
            return super().wait(gen, interval, timeout)
        except errors._WaitTimeout:
            self.pgconn.finish()  # its answer may come yet, and would be taken for another one
            raise ServerSilent("the server does not answer") from None

    def _wait_in_turn(self, gen: PQGen[T], interval: float, gate: Gate) -> T:
        """Wait in slices of SLOW_S, and give up where this leaves no thread for other requests."""
        left_s = time_left_s(self.answer_s)
        ends_at = None if left_s is None else time.monotonic() + left_s
        while ends_at is None or time.monotonic() + SLOW_S < ends_at:
            try:
                return super().wait(gen, interval, SLOW_S)
            except errors._WaitTimeout:  # the generator goes on where it is
                if gate.is_one_too_many():
                    self.pgconn.finish()
                    raise TooManyWaiting from None
        return self._wait(gen, interval, max(0.0, ends_at - time.monotonic()))
