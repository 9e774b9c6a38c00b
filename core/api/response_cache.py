"""Responses cached in memory, and given again only while nothing at all was committed since.

No invalidation to forget and no time to live: the database itself says whether it has changed. On
PostgreSQL two equal snapshots see the same rows; on SQLite a connection knows of others' commits
(`data_version`) and of its own changes. One tiny query instead of reading, converting and
serialising the rows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

from django.db import connection

from core.lib.postgres.replica import ALIAS

MAX_CACHED: Final = 64
# Of a replica the snapshot's text lacks which transactions are open; how far it has come says all.
_STATES: Final = {ALIAS: "SELECT pg_last_wal_replay_lsn()"}
_SNAPSHOT: Final = "SELECT pg_current_snapshot()"

_lock = threading.Lock()
_responses: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()


def cached(key: Hashable, make: Callable[[], bytes]) -> bytes:
    """What `make()` returns, or returned under this key if nothing was committed since.

    `key` holds all else that the response depends on: parameters, the day, the five minutes.
    """
    if connection.in_atomic_block:  # its own changes are in no snapshot yet
        return make()
    viewer, state = _database_state()
    found = _responses.get((key, viewer))
    if found is not None and found[0] == state:
        return found[1]
    response = make()  # read after the state: at worst newer than it, never older
    with _lock:
        _responses[key, viewer] = (state, response)
        _responses.move_to_end((key, viewer))
        while len(_responses) > MAX_CACHED:
            _responses.popitem(last=False)
    return response


def _database_state() -> tuple[Hashable, Hashable]:
    """Whose view it is, and what stays equal only while no row can have changed in that view."""
    if connection.vendor == "postgresql":
        alias = connection.alias
        return alias, connection.ask(_STATES.get(alias, _SNAPSHOT))  # type: ignore[attr-defined]  # our backend's
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        # The connection itself, not its id: as long as it is kept, no other one looks like it.
        own = connection.connection
        return own, (cursor.fetchone()[0], own.total_changes)
