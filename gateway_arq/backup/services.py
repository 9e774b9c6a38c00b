"""Making a backup: a snapshot of the database and the gateway's files, and what is pruned."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

from core.workers import services as workers
from core.workers.leader import only_one
from gateway_arq import __version__
from gateway_arq.backup import schema
from gateway_arq.backup.archive import (
    FORMAT,
    MANIFEST,
    PARTIAL,
    BackupError,
    Manifest,
    Table,
    Writer,
    json_bytes,
    written,
)
from gateway_arq.backup.models import Backup
from gateway_arq.backup.snapshot import Snapshot, snapshot

MIN_FREE_BYTES: Final = 500_000_000  # the database is often on the same disk
WORKER: Final = "gateway.backup"
NAME: Final = re.compile(r"gateway-\d{8}T\d{6}Z\.tar\.gz(\.age)?(\.partial)?")


def folders() -> dict[str, Path]:
    """The gateway's own files: what each folder is called in a backup, and where it is here.

    What it can get or make again is in none: static files, weights, the sandbox's data.
    """
    return {"lotto-import": settings.LOTTO_IMPORT_DIR, "lotto-export": settings.LOTTO_EXPORT_DIR}


def take(folder: Path | None = None) -> Backup:
    """Write a backup to `folder` (BACKUP_DIR) and prune; its worker shows how it went.

    Raises BackupError, OSError or the database's errors.
    """
    with only_one(WORKER) as mine:
        if not mine:
            raise BackupError("Another backup is being made.")
        with workers.watched(WORKER):
            made = _take(folder or settings.BACKUP_DIR)
            prune(settings.BACKUP_DIR)
    return made


def prune(folder: Path) -> int:
    """Delete all but the newest BACKUP_KEEP backups, and what killed ones left; how many files.

    Nothing that is not named as a backup is touched.
    """
    ours = sorted(path for path in folder.glob("gateway-*") if NAME.fullmatch(path.name))
    partial = [path for path in ours if path.name.endswith(PARTIAL)]
    whole = [path for path in ours if path not in partial]
    old = [*partial, *(whole[: -settings.BACKUP_KEEP] if settings.BACKUP_KEEP else [])]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _take(folder: Path) -> Backup:
    began, taken_at = time.monotonic(), datetime.now(tz=UTC)
    recipient: str = settings.BACKUP_RECIPIENT
    suffix = ".age" if recipient else ""
    path = folder / f"gateway-{taken_at:%Y%m%dT%H%M%SZ}.tar.gz{suffix}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_room(folder)
    with snapshot() as source, written(path, recipient) as writer:
        manifest = _write(writer, source, taken_at)
    return Backup.objects.create(
        name=path.name,
        taken_at=taken_at,
        duration_s=round(time.monotonic() - began, 3),
        size_bytes=path.stat().st_size,
        rows=manifest.rows,
        is_encrypted=bool(recipient),
    )


def _check_room(folder: Path) -> None:
    """BackupError when one as large as the last would leave too little to everything else."""
    last, free = Backup.objects.first(), shutil.disk_usage(folder).free
    if last and free < last.size_bytes + MIN_FREE_BYTES:
        raise BackupError(
            f"The disk has {free // 1_000_000:,} MB left, and the last backup took "
            f"{last.size_bytes // 1_000_000:,} MB: lower BACKUP_KEEP, or change BACKUP_DIR."
        )


def _write(writer: Writer, source: Snapshot, taken_at: datetime) -> Manifest:
    migrations = _known(source)
    tables = [
        _write_table(writer, source, table) for table in schema.tables(connection, migrations)
    ]
    for name, path in _files():
        writer.add_file(name, path)
    manifest = Manifest(
        FORMAT, __version__, connection.vendor, taken_at, migrations, tables, dict(writer.members)
    )
    writer.add(MANIFEST, json_bytes(manifest))
    return manifest


def _known(source: Snapshot) -> list[schema.Migration]:
    """The applied migrations. BackupError when this code lacks one of an app that it has."""
    known = schema.known()
    applied = source.migrations()
    apps = {app for app, _ in known}
    if newer := sorted(node for node in applied - {*known} if node[0] in apps):
        raise BackupError(f"The database is newer than this gateway: {'.'.join(newer[0])}.")
    return sorted(applied & {*known})


def _write_table(writer: Writer, source: Snapshot, table: schema.StoredTable) -> Table:
    rows = 0
    for number, chunk in enumerate(source.chunks(table)):
        writer.add(f"tables/{table.name}/{number:06}.copy", chunk)
        rows += chunk.count(b"\n")  # those of values are escaped
    return Table(table.name, table.columns, rows)


def _files() -> Iterator[tuple[str, Path]]:
    for name, folder in folders().items():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield f"files/{name}/{path.relative_to(folder)}", path
