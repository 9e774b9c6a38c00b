"""Whether the gateway can do its work: the database answers, and what comes in can be stored."""

from __future__ import annotations

import tempfile
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from core.lib.postgres.limits import within
from core.lib.storage import storage_reason

MAX_WAIT_S: Final = 3.0  # a probe gives up after some seconds
_PROBE: Final = bytes(65_536)  # as much as SQLite's log may have to grow


def ping_database() -> None:
    """Raise OperationalError or InterfaceError when the database does not respond in time."""
    with within(MAX_WAIT_S), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def write_obstacle() -> str | None:
    """Why nothing can be stored, a sentence for people; None when it can.

    Tried in DATA_DIR, where SQLite is as well, and in PostgreSQL. Raises OperationalError or
    InterfaceError when the database does not respond.
    """
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            file.write(_PROBE)
            file.flush()
    except OSError as exc:
        return storage_reason(exc) or f"DATA_DIR cannot be written: {exc.strerror}."
    try:
        _write_to_database()
    except DatabaseError as exc:
        if (reason := storage_reason(exc)) is None:
            raise
        return reason
    return None


def _write_to_database() -> None:
    """Grow a file of PostgreSQL by a page.

    A table of this connection alone, emptied with each commit, so nothing of it remains, and no
    other page has room for the row.
    """
    if connection.vendor != "postgresql":
        ping_database()
        return
    with within(MAX_WAIT_S), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS health_probe (n int) ON COMMIT DELETE ROWS"
        )
        cursor.execute("INSERT INTO health_probe VALUES (1)")
