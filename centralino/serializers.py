"""An entry of the lists in the API's spelling; REST, CSV and events share it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from centralino.numbers import national
from centralino.types import ListedNumber
from core.lib.days import zone

NEVER: Final = "2099-12-31 23:59:59"  # the reference's `expires_at` of a permanent entry


def entry_document(entry: ListedNumber) -> dict[str, Any]:
    """`number` as Italians write it, both times local, `permanent` as 0 or 1."""
    return {
        "number": national(entry.number),
        "reason": entry.reason,
        "created_at": local_time(entry.created_at),
        "expires_at": local_time(entry.expires_at) if entry.expires_at else NEVER,
        "permanent": int(entry.expires_at is None),
    }


def local_time(at: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS` in the gateway's time zone."""
    return f"{at.astimezone(zone()):%Y-%m-%d %H:%M:%S}"
