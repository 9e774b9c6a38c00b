"""One leader among the replicas of a worker; the others stand by."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

from django.db import Error as DatabaseFailure

from core.lib.locks import only_one
from core.workers.database import DatabaseGuard


class Leadership:
    """The lock that makes this process the leader `name`; it ends with its database connection."""

    def __init__(self, name: str, database: DatabaseGuard) -> None:
        self._name, self._database = name, database
        self._lock = ExitStack()
        self._failures = 0  # of the database, when the lock was taken
        self.leads = False

    def check(self) -> bool:
        """Whether this process leads; takes the lock again if the database failed since."""
        return self.is_locked or self.renew()

    @property
    def is_locked(self) -> bool:
        """Whether the lock is held, as far as it was noticed."""
        return self.leads and self._failures == self._database.failures

    def renew(self) -> bool:
        """Take the lock again; whether this process leads.

        While the database is unavailable, whoever led goes on.
        """
        self._database.run(self._take_lock)
        return self.leads

    def resign(self) -> None:
        """Release the lock; never raises a database error."""
        self.leads = False
        try:
            self._lock.close()
        except DatabaseFailure as exc:  # the lock ended with the connection
            self._database.note_failure(exc)

    def _take_lock(self) -> None:
        self._lock.close()
        self.leads = self._lock.enter_context(only_one(self._name))
        self._failures = self._database.failures


def run_as_leader(
    name: str,
    lead: Callable[[Leadership], object],
    stopping: threading.Event,
    *,
    database: DatabaseGuard,
    stand_by_s: float,
) -> None:
    """Call `lead` whenever this process leads the worker `name`, until `stopping` is set.

    `lead` returns when `stopping` is set or the leadership is lost; a database error that it raises
    ends the leadership, too. Whoever does not lead tries again every `stand_by_s`.
    """
    leadership = Leadership(name, database)
    try:
        while not stopping.is_set():
            if leadership.renew():
                try:
                    lead(leadership)
                    continue
                except DatabaseFailure as exc:
                    database.note_failure(exc)
                    leadership.resign()
            stopping.wait(stand_by_s)
    finally:
        leadership.resign()
