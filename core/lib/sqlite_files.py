"""SQLite's files are their owner's alone: they hold numbers of people, and sessions."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

OWNER_ONLY: Final = 0o600
SUFFIXES: Final = ("", "-wal", "-shm")  # SQLite makes these as open as the database is


def keep_private(connection: Any, **_kwargs: Any) -> None:
    """Receiver of `connection_created`: 0600 for the database's files, as far as they are ours."""
    if connection.vendor == "sqlite":
        for suffix in SUFFIXES:
            _close(Path(f"{connection.settings_dict['NAME']}{suffix}"))


def _close(file: Path) -> None:
    with suppress(FileNotFoundError):  # in memory, or a log that was just removed
        found = file.stat()
        if found.st_uid == os.geteuid() and found.st_mode & 0o777 != OWNER_ONLY:
            file.chmod(OWNER_ONLY)
