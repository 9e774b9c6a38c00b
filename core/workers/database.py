"""Workers that go on while their database is unavailable."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.db import Error as DatabaseFailure
from django.db import connection

from core.lib.outage import Outage

SETTLED_S: Final = 5.0  # without a failure, after which an outage is over


class DatabaseGuard:
    """Runs what needs the database; an outage is logged once, as `<name>.database`.

    A locked table lets some of the work succeed and the rest fail, turn and turn about: that is one
    outage.
    """

    def __init__(self, name: str) -> None:
        self._outage = Outage(f"{name}.database")
        self._failed_at = 0.0  # monotonic, last; and when work succeeded first since
        self._works_since: float | None = None
        self.available = True

    def run(self, work: Callable[[], object]) -> bool:
        """Do `work`; False when the database is unavailable."""
        try:
            work()
        except DatabaseFailure as exc:
            self.note_failure(exc)
            return False
        self.available = True
        now = time.monotonic()
        self._works_since = self._works_since or now
        if now >= self._failed_at + SETTLED_S:
            self._outage.over(at=self._works_since)
        return True

    def note_failure(self, error: DatabaseFailure) -> None:
        """Log an outage that was seen elsewhere, and close the connection."""
        self._outage.began(error)
        self._failed_at, self._works_since = time.monotonic(), None
        self.available = False
        connection.close()
