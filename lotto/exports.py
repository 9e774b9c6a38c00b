"""The files that clients of the API have exported: so many, for so long.

The folder has a list of them, and no file is deleted that is not in it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone

from lotto import files

MAX_FILES: Final = 50  # of 2 MB each
LIST: Final = ".exports"  # of names, oldest first; no export can be called so


def export(name: str) -> tuple[int, Path]:
    """Write the archive to the export folder; returns the number of draws and the path.

    Raises Forbidden for a name that is not a plain file name, OSError when writing fails.
    """
    if not files.is_name(name):
        raise files.Forbidden
    folder: Path = settings.LOTTO_EXPORT_DIR
    folder.mkdir(parents=True, exist_ok=True)
    with _listed(folder) as names:  # before it exists: what is not listed is never deleted
        names[:] = [*(one for one in names if one != name), name]
    count = files.write(folder / name)
    prune()
    return count, folder / name


def prune() -> int:
    """Delete exports older than LOTTO_EXPORT_DAYS and all but the newest MAX_FILES; how many.

    Raises OSError.
    """
    folder: Path = settings.LOTTO_EXPORT_DIR
    if not (folder / LIST).exists():
        return 0
    with _listed(folder) as names:
        kept = [name for name in names[-MAX_FILES:] if not _is_old(folder / name)]
        old = [name for name in names if name not in kept]
        for name in old:
            (folder / name).unlink(missing_ok=True)
        names[:] = kept
    return len(old)


@contextmanager
def _listed(folder: Path) -> Iterator[list[str]]:
    """The folder's list, to be changed; for one at a time, of all processes."""
    (folder / LIST).touch()
    with (folder / LIST).open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        names = [name for name in file.read().split() if files.is_name(name)]
        yield names
        file.seek(0)
        file.write("\n".join(names))
        file.truncate()  # last: a disk that is full loses no name


def _is_old(path: Path) -> bool:
    if not (settings.LOTTO_EXPORT_DAYS and path.exists()):
        return False
    written_at = datetime.fromtimestamp(path.stat().st_mtime, timezone.get_current_timezone())
    return written_at < timezone.now() - timedelta(days=settings.LOTTO_EXPORT_DAYS)
