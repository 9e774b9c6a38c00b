"""Workers that go on while their database is unavailable."""

from __future__ import annotations

from collections.abc import Callable

from django.db import Error as DatabaseFailure
from django.db import connection

from core.lib.outage import Outage
from core.workers.alive import report_alive


class DatabaseGuard:
    """Runs what needs the database; an outage is logged once, as `<name>.database`."""

    def __init__(self, name: str) -> None:
        self._outage = Outage(f"{name}.database")
        self.available = True
        self.failures = 0  # since the start; each ended the connection, and its locks

    def run(self, work: Callable[[], object]) -> bool:
        """Do `work`; False when the database is unavailable."""
        report_alive()
        try:
            work()
        except DatabaseFailure as exc:
            self.note_failure(exc)
            return False
        self._outage.over()
        self.available = True
        return True

    def note_failure(self, error: DatabaseFailure) -> None:
        """Log an outage that was seen elsewhere, and close the connection."""
        self._outage.began(error)
        self.available = False
        self.failures += 1
        connection.close()
