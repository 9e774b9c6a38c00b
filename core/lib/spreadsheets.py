"""Cells that a spreadsheet shows as they are."""

from __future__ import annotations

import re
from typing import Any, Final

from core.lib.texts import plain

# A cell that begins so is taken for a formula; a number with its sign is none.
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![0-9.,]+\Z)")


def safe_cell(value: Any) -> Any:
    """`value`; a text without control characters, none of them a formula.

    A text that a spreadsheet would run has an apostrophe before it.
    """
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if _FORMULA.match(text) else text


def as_written(cell: str) -> str:
    """The text of a cell that `safe_cell` made: without the apostrophe before a formula."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
