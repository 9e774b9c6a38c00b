"""Cells of spreadsheets: written so that they are shown as they are, read so that they were."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from core.lib.days import zone
from core.lib.texts import plain

# A cell that begins so is taken for a formula; a number with its sign is none. Apostrophes before
# it count as well, so that `original` knows which are ours.
_FORMULA: Final = re.compile(r"'*(?:[=@\t\r]|[+-](?![0-9.,]+\Z))")
_ITALIAN_TIME: Final = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})[ T,]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\Z", re.A
)
_ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d", re.A)


def safe_cell(value: Any) -> Any:
    """`value`; a text without control characters, none of them a formula.

    A text that a spreadsheet would run has an apostrophe before it.
    """
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if _FORMULA.match(text) else text


def original(cell: str) -> str:
    """The text of a cell that `safe_cell` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def time_of(cell: str) -> datetime:
    """The instant of an ISO or Italian date with its time; without a zone it is Rome's.

    Raises ValueError.
    """
    if found := _ITALIAN_TIME.match(cell):
        day, _, month, year, hour, minute, second = found.groups(default="0")
        at = datetime(*map(int, (year, month, day, hour, minute, second)))  # type: ignore[arg-type]  # noqa: DTZ001
    elif _ISO_TIME.match(cell):
        at = datetime.fromisoformat(cell)
    else:
        raise ValueError(cell)
    return at if at.tzinfo else at.replace(tzinfo=zone())
