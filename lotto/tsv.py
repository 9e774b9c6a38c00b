"""Lines of archive files. Pure.

The operator's: `2025/12/07<TAB>BA<TAB>12<TAB>45<TAB>67<TAB>23<TAB>89`. One draw a line, sorted by
day and wheel, numbers in the order drawn and without leading zeros, LF, no header. Those of other
archives are read too, whatever is certain in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import Final

from core.lib.table_files import BadLine, Decoder, separator_named
from lotto.rules import day_of, drawn_day_of, format_day, numbers_of, wheel_of
from lotto.types import CITIES, DRAWN, WHEELS, Draw, RuleError

KEY_BYTES: Final = 13  # day, tab and wheel: the key of a line
MAX_LINE_BYTES: Final = 1_000  # a longer line has no draws
_NUMBER: Final = rb"\t([1-9]|[1-8][0-9]|90)"
_CANONICAL: Final = re.compile(
    rb"([0-9]{4}/[0-9]{2}/[0-9]{2})\t(" + "|".join(WHEELS).encode() + rb")" + _NUMBER * DRAWN
)
# A day with its year in four digits, and perhaps the time that a spreadsheet added.
_TIME: Final = r"(?:[ T]\d{1,2}[:.]\d\d(?:[:.]\d\d)?)?"
_DAYS: Final = tuple(
    re.compile(pattern + _TIME, re.A)
    for pattern in (
        r"(?P<y>\d{4})([/.-])(?P<m>\d{1,2})\2(?P<d>\d{1,2})",
        r"(?P<d>\d{1,2})([/.-])(?P<m>\d{1,2})\2(?P<y>\d{4})",
        r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)",
    )
)
_SHORT_YEAR: Final = re.compile(r"\d{1,2}([/.-])\d{1,2}\1\d{1,2}", re.A)
_SEPARATORS: Final = ("\t", ";", "|", ",")  # else blanks
_DRAWN_TOGETHER: Final = re.compile(r"\d{1,2}(?:[ .,-]\d{1,2}){4}", re.A)  # in one cell
_HEADER: Final = frozenset({"data", "date", "giorno", "estrazione", "concorso"})
_NOT_DRAWN: Final = frozenset({"", "-", "--", "0", "00"})
# In a line a day without a header: the cities in their order, and since 2005 the national wheel.
_CUSTOMARY: Final = (*CITIES, "RN")


class DrawLines:
    """The lines of one file, read one after another."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._wheels: tuple[str, ...] = ()  # of a line a day, as the header names them

    def read(self, line: bytes) -> list[bytes | RuleError]:
        """The line's draws in the operator's spelling, without line end; the reason of a bad one.

        Empty for a header, or a line without content.
        """
        found = _CANONICAL.fullmatch(line)
        if found is not None:
            day, _, *numbers = found.groups()
            if _is_day(day) and len({*numbers}) == DRAWN:
                return [line]
        try:
            return list(self._draws(self._cells(line)))
        except (RuleError, BadLine) as exc:
            return [exc if isinstance(exc, RuleError) else RuleError(str(exc))]

    def _cells(self, line: bytes) -> list[str]:
        if len(line) > MAX_LINE_BYTES:
            raise RuleError(f"The line is over {MAX_LINE_BYTES} characters.")
        text = self._decoder.text(line).strip("\ufeff\x1a\r\n")
        if not text.strip() or separator_named(text):
            return []
        separator = next((mark for mark in _SEPARATORS if mark in text), None)
        cells = [cell.strip().strip('"').strip() for cell in text.split(separator)]
        return [part for cell in cells for part in _parts(cell)]

    def _draws(self, cells: list[str]) -> Iterator[bytes | RuleError]:
        if not any(cells):
            return
        if {cell.casefold() for cell in cells[:2]} & _HEADER:
            self._wheels = _named_wheels(cells)
            return
        if len(cells) > 1 and _found_day(cells[1]) and not _found_day(cells[0]):
            first, day_cell, *rest = cells  # the wheel, or the number of the draw in its year
            cells = [day_cell, *rest] if _is_number(first) else [day_cell, first, *rest]
        day, groups = _drawn_day(cells[0]), self._by_wheel(cells[1:])
        for wheel, numbers in groups:
            if len(groups) > 1 and _NOT_DRAWN.issuperset(numbers):
                continue
            try:
                yield line_of(Draw(day, wheel_of(wheel), _numbers(numbers)))
            except RuleError as exc:
                yield RuleError(f"{wheel}: {exc}") if len(groups) > 1 else exc

    def _by_wheel(self, cells: list[str]) -> list[tuple[str, list[str]]]:
        """Wheels with their numbers, as far as they are there. Raises RuleError."""
        if cells and (_is_number(cells[0]) or cells[0] in _NOT_DRAWN):
            wheels = self._wheels or _customary(cells)
            if not wheels or len(_trimmed(cells)) > DRAWN * len(wheels):
                raise RuleError("There is no wheel before the numbers, and no line of a whole day.")
            return [(w, cells[n * DRAWN :][:DRAWN]) for n, w in enumerate(wheels)]
        places = [n for n, cell in enumerate(cells) if cell[:1].isalpha()]
        if len(_trimmed(cells)) <= 1 + DRAWN or places[:1] != [0]:
            places = [0]
        ends = [*places[1:], len(cells)]
        return [
            ("".join(cells[n : n + 1]), cells[n + 1 : e]) for n, e in zip(places, ends, strict=True)
        ]


def draw_of(line: bytes) -> Draw:
    """The draw in a line of the operator's spelling."""
    day, wheel, *numbers = line.decode().split("\t")
    return Draw(day_of(day), wheel, tuple(map(int, numbers)))


def line_of(draw: Draw) -> bytes:
    """The draw as a line, without line end."""
    fields = (format_day(draw.day), draw.wheel, *map(str, draw.numbers))
    return "\t".join(fields).encode()


def _parts(cell: str) -> list[str]:
    return re.findall(r"\d+", cell) if _DRAWN_TOGETHER.fullmatch(cell) else [cell]


def _named_wheels(header: list[str]) -> tuple[str, ...]:
    """The wheels in the order in which a header names them: `BA1`, `Bari 1`, `BA`."""
    wheels: dict[str, None] = {}
    for cell in header:
        with suppress(RuleError):
            wheels[wheel_of(cell.rstrip("0123456789 ._-"))] = None
    return tuple(wheels)


def _customary(cells: list[str]) -> tuple[str, ...]:
    """The wheels of a whole day's numbers; none when their count leaves it open."""
    count = len(_trimmed(cells))
    widths = [width for width in (10 * DRAWN, 11 * DRAWN) if count <= width <= len(cells)]
    return _CUSTOMARY[: widths[0] // DRAWN] if widths else ()


def _trimmed(cells: list[str]) -> list[str]:
    """The cells without empty ones at their end."""
    return cells[: max((n for n, cell in enumerate(cells, 1) if cell), default=0)]


def _is_number(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and len(cell) < 5


def _numbers(cells: list[str]) -> tuple[int, ...]:
    numbers = [int(n) if _is_number(n) and len(n) <= 2 else n for n in _trimmed(cells)]
    if len(numbers) != DRAWN:
        raise RuleError(f"A draw has {DRAWN} numbers, not {len(numbers)}.")
    return numbers_of(numbers)


def _found_day(cell: str) -> re.Match[str] | None:
    return next((found for day in _DAYS if (found := day.fullmatch(cell))), None)


def _drawn_day(cell: str) -> date:
    """The day in a cell, year or day first. Raises RuleError."""
    if _SHORT_YEAR.fullmatch(cell):
        raise RuleError(f"{cell!r} is not clear: a year has four digits.")
    found = _found_day(cell)
    return drawn_day_of(f"{found['y']}/{found['m']}/{found['d']}" if found else cell)


@lru_cache(4_096)
def _is_day(text: bytes) -> bool:
    try:
        drawn_day_of(text.decode())
    except RuleError:
        return False
    return True
