"""A disk that is full or read-only: nothing can be stored, whoever asks."""

from __future__ import annotations

import errno
from typing import Final

_FILES: Final = {
    errno.ENOSPC: "The disk is full.",
    errno.EDQUOT: "The quota of the disk is used up.",
    errno.EROFS: "The disk is read-only.",
}
_DATABASE: Final = {  # SQLite's and PostgreSQL's names for it
    "SQLITE_FULL": "The disk of the database is full.",
    "SQLITE_READONLY": "The database is read-only.",
    "53100": "The disk of the database is full.",
    "25006": "The database is read-only.",
}


def storage_reason(error: BaseException | None) -> str | None:
    """Why nothing can be stored, a sentence for people; None if the error is another one.

    For errors of files and, as Django raises them, of the database.
    """
    if isinstance(error, OSError):
        return _FILES.get(error.errno or 0)
    cause = getattr(error, "__cause__", None)
    name = str(getattr(cause, "sqlite_errorname", "") or getattr(cause, "sqlstate", "") or "")
    known = "SQLITE_READONLY" if name.startswith("SQLITE_READONLY_") else name
    return _DATABASE.get(known)
