"""Restoring a backup: verified first, built beside, put in use in one step.

The tables are made by the migrations that the backup names, filled, counted, and then migrated to
this version: a file of an older version is brought up to date, one of a newer is refused.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from redis import RedisError

from core.realtime.publish import start_new_epoch
from gateway_arq import __version__
from gateway_arq.backup import schema
from gateway_arq.backup.archive import BackupError, Hashed, Manifest, opened, verified
from gateway_arq.backup.services import folders
from gateway_arq.backup.target import Target, check_free, target

logger = logging.getLogger(__name__)

STAGED: Final = ".restoring"  # files, beside where they go


def restore(path: Path, *, identity: str = "", replace: bool = False) -> tuple[Manifest, str]:
    """Put the backup in the place of the database and of the files; what it held, and where the
    former database is kept ('' when there was nothing in it).

    Raises BackupError, and then nothing has changed; so too for OSError and the database's errors.
    """
    manifest = verified(path, identity)
    _refuse_newer(manifest)
    found = target()
    check_free(found)
    was_filled = found.filled()
    if was_filled and not replace:
        raise BackupError(
            f"The database is not empty ({was_filled}): --replace puts the backup in its place."
        )
    with _staged() as stage, found.building():
        _build(found, manifest, path, identity, stage)
        check_free(found)
        found.put_in_use()
        stage.put_in_use()
    _let_clients_read_again()
    return manifest, found.kept if was_filled else ""


def _let_clients_read_again() -> None:
    """They may have seen what is no longer there. The restore is done, whatever Redis does."""
    try:
        start_new_epoch()
    except (RedisError, OSError) as exc:
        logger.error("restore.epoch_goes_on error=%s: start Redis empty", exc)


def _refuse_newer(manifest: Manifest) -> None:
    known = schema.known()
    newer = [node for node in manifest.migrations if node not in known]
    if newer or _numbers(manifest.version) > _numbers(__version__):
        raise BackupError(
            f"The backup is of gateway {manifest.version}, newer than this one ({__version__})"
            + (f": {'.'.join(newer[0])}." if newer else ".")
        )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _build(found: Target, manifest: Manifest, path: Path, identity: str, stage: Stage) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(schema.leaves(connection, manifest.migrations))
    tables = schema.tables(connection, manifest.migrations)
    found.empty(tables)
    columns = {table.name: table.columns for table in manifest.tables}
    by_name = {table.name: table for table in tables}
    for name, content in opened(path, identity):
        kind, _, rest = name.partition("/")
        if kind == "files":
            stage.add(rest, content)
        elif kind == "tables":
            table = by_name[rest.partition("/")[0]]
            _load(found, table, columns[table.name], _checked(name, content, manifest))
    found.finish(tables)
    expected = {table.name: table.rows for table in manifest.tables}
    for table in tables:
        if (count := found.count(table)) != expected.get(table.name, 0):
            raise BackupError(f"{table.name} has {count} rows, not {expected.get(table.name)}.")
    call_command("migrate", interactive=False, verbosity=0, skip_checks=True)


def _load(found: Target, table: schema.StoredTable, columns: list[str], chunk: bytes) -> None:
    try:
        with transaction.atomic(), connection.wrap_database_errors:
            found.load(table, columns, chunk)
    except (DatabaseError, ValueError, KeyError) as exc:
        raise BackupError(f"{table.name} cannot be restored: {exc}") from exc


def _checked(name: str, content: Hashed, manifest: Manifest) -> bytes:
    """A member as it was verified: the file may have been changed since."""
    read = content.read()
    if hashlib.sha256(read).hexdigest() != manifest.members.get(name):
        raise BackupError(f"{name} has changed since it was verified.")
    return read


class Stage:
    """The files of the backup, written beside their folders first."""

    def __init__(self) -> None:
        self._folders = folders()

    def add(self, name: str, content: Hashed) -> None:
        """Write one file. BackupError for a name that leads out of its folder."""
        folder, _, rest = name.partition("/")
        inside = PurePosixPath(rest)
        if folder not in self._folders or inside.is_absolute() or ".." in inside.parts:
            raise BackupError(f"{name} is no file of a backup.")
        to = self._stage(self._folders[folder]) / inside
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("wb") as file:
            shutil.copyfileobj(content, file)

    def put_in_use(self) -> None:
        """Each file takes the place of its namesake; others stay."""
        for folder in self._folders.values():
            stage = self._stage(folder)
            for path in sorted(stage.rglob("*")):
                if path.is_file():
                    to = folder / path.relative_to(stage)
                    to.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(to)

    def remove(self) -> None:
        for folder in self._folders.values():
            shutil.rmtree(self._stage(folder), ignore_errors=True)

    def _stage(self, folder: Path) -> Path:
        return folder.with_name(folder.name + STAGED)


@contextmanager
def _staged() -> Iterator[Stage]:
    stage = Stage()
    stage.remove()  # of a restore that was killed
    try:
        yield stage
    finally:
        stage.remove()
