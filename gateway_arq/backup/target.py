"""Where a restore builds the database: beside the one in use, which it replaces in one step.

PostgreSQL: another schema of the same database. SQLite: another file. While it is built, Django's
default connection is there. What was there before is kept beside, until the next restore.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from django.core.management.color import no_style
from django.db import DatabaseError, connection, transaction

from core.lib.sqlite_files import SUFFIXES
from gateway_arq.backup import copy_text
from gateway_arq.backup.archive import BackupError
from gateway_arq.backup.schema import StoredTable
from gateway_arq.backup.snapshot import SESSION

BUILT, BEFORE = "gateway_restoring", "gateway_before_restore"  # schemas of PostgreSQL
BUILT_SUFFIX, BEFORE_SUFFIX = ".restoring", ".before-restore"  # files of SQLite

# What a new database has after migrating, or every start writes again.
FILLED_BY_STARTING: Final = frozenset({
    "django_migrations", "django_content_type", "auth_permission", "auth_group",
    "auth_group_permissions", "django_celery_beat_intervalschedule",
    "django_celery_beat_crontabschedule", "django_celery_beat_periodictask",
    "django_celery_beat_periodictasks", "workers_workerstatus", "backups_backup",
    "workers_lease",
})  # fmt: skip


OTHERS: Final = """
    SELECT DISTINCT coalesce(host(client_addr), 'this machine') || ' ' || application_name
    FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class Target(ABC):
    """The database in use, and the one that is built beside it."""

    def filled(self) -> str:
        """A table that has rows which only work can have made, or ''."""
        with connection.cursor() as cursor:
            for name in sorted({*connection.introspection.table_names()} - FILLED_BY_STARTING):
                cursor.execute(f'SELECT 1 FROM "{name}" LIMIT 1')
                if cursor.fetchone():
                    return name
        return ""

    @abstractmethod
    def used_by(self) -> list[str]:
        """Who else is connected to it: a restore would pull it away under them."""

    @contextmanager
    @abstractmethod
    def building(self) -> Iterator[None]:
        """The default connection is to the new, empty database; dropped unless it is put in use."""

    @abstractmethod
    def load(self, table: StoredTable, columns: Sequence[str], chunk: bytes) -> None:
        """Insert rows in COPY's text. Raises the database's errors, ValueError."""

    @abstractmethod
    def put_in_use(self) -> None:
        """Replace the database in use; what it was is kept (`kept`)."""

    @property
    @abstractmethod
    def kept(self) -> str:
        """Where the former database is, a phrase for people."""

    def empty(self, tables: Sequence[StoredTable]) -> None:
        """Delete what migrations filled in."""
        names = [table.name for table in tables]
        statements = connection.ops.sql_flush(no_style(), names, reset_sequences=True)
        connection.ops.execute_sql_flush(statements)

    def finish(self, tables: Sequence[StoredTable]) -> None:
        """Once all rows are there: the next one gets an id after the last."""
        models = [table.model for table in tables]
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), models):
                cursor.execute(statement)

    def count(self, table: StoredTable) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{table.name}"')
            return int(cursor.fetchone()[0])


def target() -> Target:
    """That of the default database."""
    return PostgresTarget() if connection.vendor == "postgresql" else SqliteTarget()


class PostgresTarget(Target):
    """Schemas of one database: renaming two of them is one transaction."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            self._schema = str(cursor.fetchone()[0])

    def used_by(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(OTHERS)
            return [str(row[0]).strip() for row in cursor.fetchall()]

    @contextmanager
    def building(self) -> Iterator[None]:
        options = connection.settings_dict["OPTIONS"]
        before = options.get("options", "")
        _execute(f"DROP SCHEMA IF EXISTS {BUILT} CASCADE", f"CREATE SCHEMA {BUILT}")
        connection.close()
        options["options"] = f"{before} -c search_path={BUILT}".strip()
        try:
            _execute(*SESSION.split(";"))
            yield
        finally:
            connection.close()
            options["options"] = before
            _execute(f"DROP SCHEMA IF EXISTS {BUILT} CASCADE")

    def load(self, table: StoredTable, columns: Sequence[str], chunk: bytes) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        raw: Any = connection.connection
        with raw.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as to:
            to.write(chunk)

    def finish(self, tables: Sequence[StoredTable]) -> None:
        """As above; and the planner knows the tables before the first query comes."""
        super().finish(tables)
        _execute(f"ANALYZE {', '.join(connection.ops.quote_name(one.name) for one in tables)}")

    def put_in_use(self) -> None:
        """In a single transaction; whoever could use the schema before can use it again."""
        schema = connection.ops.quote_name(self._schema)
        with transaction.atomic():
            _execute(
                f"DROP SCHEMA IF EXISTS {BEFORE} CASCADE",
                f"ALTER SCHEMA {schema} RENAME TO {BEFORE}",
                f"ALTER SCHEMA {BUILT} RENAME TO {schema}",
                f"GRANT USAGE ON SCHEMA {schema} TO PUBLIC",
            )

    @property
    def kept(self) -> str:
        return f"the schema {BEFORE} of the same database"


class SqliteTarget(Target):
    """Files beside each other: renaming one over the other is one step."""

    def __init__(self) -> None:
        self._file = Path(connection.settings_dict["NAME"])
        self._built = self._file.with_name(self._file.name + BUILT_SUFFIX)
        self._before = self._file.with_name(self._file.name + BEFORE_SUFFIX)

    def filled(self) -> str:
        """As the class above says; a file that is broken is not empty."""
        try:
            return super().filled()
        except DatabaseError as exc:
            return str(exc)

    def used_by(self) -> list[str]:
        """Nobody: the lock of DATA_DIR says so."""
        return []

    @contextmanager
    def building(self) -> Iterator[None]:
        connection.close()
        _remove(self._built)
        connection.settings_dict["NAME"] = self._built
        try:
            _execute("PRAGMA synchronous=OFF")  # it is worth nothing until put_in_use syncs it
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = self._file
            _remove(self._built)

    def load(self, table: StoredTable, columns: Sequence[str], chunk: bytes) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        fields = {field.column: field for field in table.fields}
        decode = copy_text.decoders([fields[name] for name in columns])
        raw: Any = connection.connection
        raw.executemany(
            f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})',
            copy_text.rows(chunk.decode(), decode),
        )

    def put_in_use(self) -> None:
        connection.close()  # the last one: SQLite writes the log into the file, and removes it
        _remove(self._before)
        if self._file.exists():
            os.link(self._file, self._before)
        for suffix in SUFFIXES[1:]:  # the log of a gateway that was killed belongs to its file
            with suppress(FileNotFoundError):
                Path(f"{self._file}{suffix}").rename(f"{self._before}{suffix}")
        with self._built.open("rb") as file:
            os.fsync(file.fileno())
        self._built.replace(self._file)

    @property
    def kept(self) -> str:
        return str(self._before)


def check_free(found: Target) -> None:
    """Raise BackupError while others are connected."""
    if others := found.used_by():
        raise BackupError(
            f"The database is in use by {', '.join(others)}: stop everything that writes first."
        )


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _remove(file: Path) -> None:
    for suffix in SUFFIXES:
        Path(f"{file}{suffix}").unlink(missing_ok=True)
