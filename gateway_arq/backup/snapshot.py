"""Every row as it was at one instant, while the gateway goes on writing.

PostgreSQL: one REPEATABLE READ transaction. SQLite: one read transaction of the write-ahead log,
which waits for nobody and lets nobody wait. Both on a connection of their own.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from gateway_arq.backup import copy_text
from gateway_arq.backup.schema import Migration, StoredTable

if TYPE_CHECKING:
    import psycopg

CHUNK_BYTES: Final = 4 << 20
APPLIED: Final = "SELECT app, name FROM django_migrations"
# What each value's text depends on, and what would end a long read (the roles' own time limits).
SESSION: Final = """
    SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET bytea_output = 'hex';
    SET client_encoding = 'UTF8';
    SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0
"""


class Snapshot(ABC):
    """One instant of a database."""

    @abstractmethod
    def migrations(self) -> set[Migration]:
        """Those that were applied."""

    @abstractmethod
    def lines(self, table: StoredTable) -> Iterable[bytes]:
        """The rows of a table in COPY's text, one or some at a time."""

    def chunks(self, table: StoredTable) -> Iterator[bytes]:
        """The same in pieces of about CHUNK_BYTES."""
        chunk = bytearray()
        for some in self.lines(table):
            chunk += some
            if len(chunk) >= CHUNK_BYTES:
                yield bytes(chunk)
                chunk.clear()
        if chunk:
            yield bytes(chunk)


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    """The database as it is now. Raises the database's errors."""
    with _of_postgres() if connection.vendor == "postgresql" else _of_sqlite() as taken:
        yield taken


class _PostgresSnapshot(Snapshot):
    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self._raw = raw

    def migrations(self) -> set[Migration]:
        return {(app, name) for app, name in self._raw.execute(APPLIED)}

    def lines(self, table: StoredTable) -> Iterator[bytes]:
        query = f"COPY ({_select(table)}) TO STDOUT"
        with self._raw.cursor() as cursor, cursor.copy(query.encode()) as rows:
            for some in rows:
                yield bytes(some)


class _SqliteSnapshot(Snapshot):
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def migrations(self) -> set[Migration]:
        return {(app, name) for app, name in self._raw.execute(APPLIED)}

    def lines(self, table: StoredTable) -> Iterator[bytes]:
        encode = copy_text.encoders(table.fields)
        for row in self._raw.execute(_select(table)):
            yield copy_text.line(row, encode).encode()


def _select(table: StoredTable) -> str:
    columns = ", ".join(f'"{name}"' for name in table.columns)
    return f'SELECT {columns} FROM "{table.name}"'  # names of our own models


@contextmanager
def _of_postgres() -> Iterator[Snapshot]:
    own = connection.copy()
    try:
        own.ensure_connection()
        raw: Any = own.connection
        raw.execute(SESSION)
        raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield _PostgresSnapshot(raw)
    finally:
        own.close()


@contextmanager
def _of_sqlite() -> Iterator[Snapshot]:
    address = Path(connection.settings_dict["NAME"]).resolve().as_uri()
    with closing(sqlite3.connect(f"{address}?mode=ro", uri=True, isolation_level=None)) as raw:
        raw.execute("BEGIN")
        yield _SqliteSnapshot(raw)
