"""Cells that a spreadsheet shows as they are."""

from __future__ import annotations

import re
from typing import Any, Final

# A cell that begins so is taken for a formula; a number with its sign is none.
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![0-9.,]+\Z)")


def safe_cell(value: Any) -> Any:
    """`value`, with an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
