"""Lines of the operator's file: `2025/12/07<TAB>BA<TAB>12<TAB>45<TAB>67<TAB>23<TAB>89`. Pure.

One draw a line, sorted by day and wheel, numbers in the order drawn and without leading zeros, LF,
no header.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from lotto.rules import drawn_day_of, format_day, numbers_of, wheel_of
from lotto.types import DRAWN, WHEELS, Draw, RuleError

KEY_BYTES: Final = 13  # day, tab and wheel: the key of a line
MAX_LINE_BYTES: Final = 200  # a longer line is not a draw
_NUMBER: Final = rb"\t([1-9]|[1-8][0-9]|90)"
_CANONICAL: Final = re.compile(
    rb"([0-9]{4}/[0-9]{2}/[0-9]{2})\t(" + "|".join(WHEELS).encode() + rb")" + _NUMBER * DRAWN
)
_BOM: Final = b"\xef\xbb\xbf"


def canonical(line: bytes) -> bytes:
    """The line in the operator's spelling, from any accepted one. Raises RuleError."""
    found = _CANONICAL.fullmatch(line)
    if found is None:
        return line_of(draw_of(line))
    day, _, *numbers = found.groups()
    if not _is_day(day) or len({*numbers}) != DRAWN:
        draw_of(line)  # raises with the reason
    return line


def draw_of(line: bytes) -> Draw:
    """The draw in a line, also with names of wheels, dashes and leading zeros. Raises RuleError."""
    if len(line) > MAX_LINE_BYTES:
        raise RuleError(f"The line is over {MAX_LINE_BYTES} characters.")
    try:
        text = line.removeprefix(_BOM).decode("ascii").strip()
    except UnicodeDecodeError:
        raise RuleError("The line is not ASCII.") from None
    fields = [field.strip() for field in text.split("\t")]
    if len(fields) != 2 + DRAWN:
        raise RuleError(f"A line has {2 + DRAWN} fields with tabs between them, not {len(fields)}.")
    day, wheel, *numbers = fields
    drawn = [int(n) if n.isdigit() and len(n) <= 2 else n for n in numbers]
    return Draw(drawn_day_of(day), wheel_of(wheel), numbers_of(drawn))


def line_of(draw: Draw) -> bytes:
    """The draw as a line, without line end."""
    fields = (format_day(draw.day), draw.wheel, *map(str, draw.numbers))
    return "\t".join(fields).encode()


@lru_cache(4_096)
def _is_day(text: bytes) -> bool:
    try:
        drawn_day_of(text.decode())
    except RuleError:
        return False
    return True
