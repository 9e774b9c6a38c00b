"""One leader among the replicas of a worker; the others stand by.

A leader has a lease (`core.workers.leases`). A thread renews it, but only as long as the worker's
own loop goes round: each round calls `check`. So a leader that is killed, frozen, hung or cut off
is replaced within 10 s, whatever its connections look like; and what it writes in a `transaction`
of its Leadership is committed while it has the lease, or not at all.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from django.db import Error as DatabaseFailure
from django.db import connection, connections, transaction

from core.workers import leases, witness
from core.workers.alive import report_alive
from core.workers.database import DatabaseGuard
from core.workers.leases import LEASE_S, LeaseLost

logger = logging.getLogger(__name__)

STAND_BY_S: Final = 0.5  # between two attempts to take the lease
RENEW_EVERY_S: Final = 1.0
ROUND_S: Final = 2.5  # of a loop, unless it says otherwise; it hangs if it takes longer
RUN: Final = "run of "  # begins the names of leases of runs
END_S: Final = 1.0  # how long a renewal that hangs may delay the end


class Leadership:
    """A process's part in the worker `name`: it leads while it has a `token`, else it stands by.

    One that `outlives_database` goes on until it sees that another one leads, also while it cannot
    renew its lease: what serves calls. Any other stops when its lease may have expired.
    """

    def __init__(
        self, name: str, database: DatabaseGuard, *, outlives_database: bool = False
    ) -> None:
        self.name, self.database = name, database
        self.token: int | None = None
        self._outlives = outlives_database
        self._is_lost = False
        self._is_cut_off = False  # the last renewal did not reach the database
        self._is_in_doubt = False  # until it does
        self._sure_until = 0.0  # monotonic; nobody else can have the lease before
        self._hangs_at = 0.0  # monotonic, unless the loop has gone round before
        self._ask_at = 0.0  # monotonic
        self._renewing = threading.Lock()

    def take(self) -> bool:
        """Take the lease, or renew one's own; whether this process leads, as the database says.

        False while the database is unavailable.
        """
        before = self.token
        if not self.database.run(self._take) or self.token is None:
            return False
        if self.token != before:
            logger.info("worker.leads name=%s token=%d", self.name, self.token)
        return True

    def check(self, *, round_s: float = ROUND_S) -> bool:
        """Report that the loop goes round, the next time within `round_s`; whether to go on."""
        report_alive()
        now = time.monotonic()
        self._hangs_at = now + round_s
        if not self.is_sure and now >= self._ask_at:
            self._ask_at = now + RENEW_EVERY_S
            self._ask()
        return self.leads

    def doubt(self) -> None:
        """Another one seems to lead: `check` is False until the database has said otherwise."""
        self._is_in_doubt, self._is_cut_off = True, False
        self._sure_until = self._ask_at = 0.0

    @property
    def leads(self) -> bool:
        """Whether this process leads, as far as it was noticed."""
        return self.token is not None and not self._is_lost and (self.is_sure or self._may_go_on)

    @property
    def is_sure(self) -> bool:
        """Whether nobody else can lead."""
        return not self._is_lost and time.monotonic() < self._sure_until

    def wait(self, stopping: threading.Event, seconds: float) -> None:
        """Wait, as a part of the loop, until `stopping` is set or the leadership is lost."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self.check():
            if stopping.wait(min(left, RENEW_EVERY_S)):
                return

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that is committed only while this process leads. Raises LeaseLost."""
        try:
            with transaction.atomic():
                leases.limit_idle()
                yield
                leases.hold(self.name, self.token or 0)  # which nobody has
        except LeaseLost:
            self._is_lost = True
            raise

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lease during the block, as long as the loop goes round."""
        over = threading.Event()
        keeper = threading.Thread(
            target=self._keep, args=(over,), name=f"lease:{self.name}", daemon=True
        )
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join(END_S)

    def release(self) -> None:
        """Free the lease, so that another one leads at once; never raises a database error."""
        token, self.token = self.token, None
        if token is not None and not self._is_cut_off:
            self.database.run(lambda: leases.release(self.name, token))

    @property
    def _may_go_on(self) -> bool:
        # SQLite that is busy for a while has no other process to lead instead.
        return (self._outlives or connection.vendor == "sqlite") and not self._is_in_doubt

    def _take(self, round_s: float = ROUND_S) -> None:
        asked_at = time.monotonic()
        if self.token is None or not leases.renew(self.name, self.token):
            self.token = leases.take(self.name)
        self._is_lost = self._is_cut_off = self._is_in_doubt = False
        self._sure_until, self._hangs_at = asked_at + LEASE_S, asked_at + round_s

    def _ask(self) -> None:
        """See who leads: the process was frozen, or cut off from the database."""
        if not self._is_cut_off:
            self._renew()
        if self.token is not None and not self.is_sure:
            self._is_lost = self._is_lost or witness.is_superseded(self.name, self.token)

    def _keep(self, over: threading.Event) -> None:
        try:
            while not over.wait(RENEW_EVERY_S):
                if time.monotonic() < self._hangs_at:
                    self._renew()
        finally:
            connections.close_all()

    def _renew(self) -> None:
        """Ask the database for more time."""
        if self.token is None or not self._renewing.acquire(blocking=False):
            return
        try:
            asked_at = time.monotonic()
            answer = self._renewed(self.token)
            self._is_cut_off = answer is None
            if answer:
                self._is_in_doubt, self._sure_until = False, asked_at + LEASE_S
            elif answer is False:
                self._is_lost = True
        finally:
            self._renewing.release()

    def _renewed(self, token: int) -> bool | None:
        """Whether the lease is renewed; None without an answer, for which it asks twice.

        A connection that broke is replaced. The loop itself logs that the database is away.
        """
        for _ in range(2):
            try:
                return leases.renew(self.name, token)
            except DatabaseFailure:
                connection.close()
        return None


def run_as_leader(
    leadership: Leadership, lead: Callable[[], object], stopping: threading.Event
) -> None:
    """Call `lead` whenever this process leads, until `stopping` is set; then free the lease.

    `lead` calls `leadership.check` in each round of its loop, and returns when it is False or
    `stopping` is set. LeaseLost and database errors that it raises end the leadership, too. Whoever
    does not lead tries again every half second.
    """
    try:
        while not stopping.is_set():
            report_alive()
            if leadership.take():
                _lead(leadership, lead)
            stopping.wait(STAND_BY_S)
    finally:
        leadership.release()


def _lead(leadership: Leadership, lead: Callable[[], object]) -> None:
    try:
        with leadership.renewed():
            lead()
    except LeaseLost:
        logger.warning("worker.superseded name=%s token=%s", leadership.name, leadership.token)
    except DatabaseFailure as exc:
        leadership.database.note_failure(exc)


@contextmanager
def only_one(name: str) -> Iterator[bool]:
    """True for the one run of `name` at a time, False (at once) for every other.

    A run may take as long as it likes; when its process is killed or frozen, another may begin.
    Raises database errors.
    """
    run = Leadership(f"{RUN}{name}", DatabaseGuard(name))
    run._take(round_s=math.inf)
    if run.token is None:
        yield False
        return
    try:
        with run.renewed():
            yield True
    finally:
        with suppress(DatabaseFailure):  # it expires
            leases.release(run.name, run.token)
