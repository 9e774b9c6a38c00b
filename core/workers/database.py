"""Workers that go on while their database is unavailable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db import Error as DatabaseFailure
from django.db import connection

from core.lib.outage import Outage

SETTLED_S: Final = 5.0  # without a failure, after which an outage is over


class DatabaseGuard:
    """Runs what needs the database; an outage is logged once, as `<name>.database`.

    A locked table, which lets some of the work succeed, is one outage too.
    """

    def __init__(self, name: str) -> None:
        self._outage = Outage(f"{name}.database", settled_s=SETTLED_S)
        self.available = True

    def run(self, work: Callable[[], object]) -> bool:
        """Do `work`; False when the database is unavailable."""
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
        connection.close()
