"""What a call is as a line of CSV."""

from __future__ import annotations

from typing import Final

FIELDS: Final = (
    "id",
    "timestamp",
    "endedAt",
    "state",
    "direction",
    "lineID",
    "lineNumber",
    "caller",
    "called",
    "callerOperator",
    "duration",
    "cost",
)
