"""Answers kept ready in memory, and given again only while nothing at all was committed since.

No invalidation to forget and no time to live: the database itself says whether it has changed. On
PostgreSQL two equal snapshots see the same rows; on SQLite a connection knows of others' commits
(`data_version`) and of its own changes. One tiny query instead of reading, converting and
serialising the rows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

from django.db import connection
from psycopg.pq import ExecStatus

KEPT_MOST: Final = 64
_SNAPSHOT: Final = "SELECT pg_current_snapshot()::text"

_lock = threading.Lock()
_answers: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()


def kept(name: Hashable, make: Callable[[], bytes]) -> bytes:
    """What `make()` gives, or what it gave before under this name if the database has not changed.

    `name` must tell all else that the answer depends on: parameters, the day, the five minutes.
    """
    if connection.in_atomic_block:  # its own changes are in no snapshot yet
        return make()
    viewer, state = _database_state()
    found = _answers.get((name, viewer))
    if found is not None and found[0] == state:
        return found[1]
    answer = make()  # read after the state: at worst newer than it, never older
    with _lock:
        _answers[name, viewer] = (state, answer)
        _answers.move_to_end((name, viewer))
        while len(_answers) > KEPT_MOST:
            _answers.popitem(last=False)
    return answer


def _database_state() -> tuple[Hashable, Hashable]:
    """Whose view it is, and what stays equal only while no row can have changed in that view."""
    if connection.vendor == "postgresql":
        return None, _snapshot()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        # The connection itself, not its id: as long as it is kept, no other one looks like it.
        own = connection.connection
        return own, (cursor.fetchone()[0], own.total_changes)


def _snapshot() -> Any:
    """PostgreSQL's snapshot, asked through libpq itself: it is all that a hot answer costs."""
    connection.ensure_connection()
    answer = connection.connection.pgconn.exec_(_SNAPSHOT.encode())
    if answer.status == ExecStatus.TUPLES_OK:
        return answer.get_value(0, 0)
    with (
        connection.cursor() as cursor
    ):  # the connection is gone: let Django say so in its own words
        cursor.execute(_SNAPSHOT)
        return cursor.fetchone()[0].encode()
