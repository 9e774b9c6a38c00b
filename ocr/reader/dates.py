"""The dates that a line of text names, as Italian television writes them.

"SABATO 28 NOVEMBRE 2026", "28/11/2026", "28-11", "28.11.26": with the slips of a recogniser, which
takes O for 0, l for 1 and a letter of a month for another.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from ocr.reader.types import PageDate

MONTHS: Final = (
    "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre",
    "ottobre", "novembre", "dicembre",
)  # fmt: skip
SHORT: Final = {name[:3]: place for place, name in enumerate(MONTHS, 1)}
ALIKE: Final = 0.74
_DIGITS: Final = str.maketrans("oOilI|", "001111")
_LIKE: Final = r"[0-9oOilI|]"  # digits, and what is taken for them where a space follows
_DAY: Final = rf"(?:(?<![\d.,/])\d{{1,2}}|(?<!\w){_LIKE}{{1,2}}(?=[\s°ºª]))"
_IN_WORDS: Final = re.compile(
    rf"({_DAY})\s*[°ºª]?\s*([^\W\d_][^\W_]*?[^\W\d_][01]?)(?=\W|\d\d|$)\.?\s*"
    r"(\w{4}\b|'?\d\d\b)?"
)
_IN_NUMBERS: Final = re.compile(
    r"(?<![\w/.,-])(\d{1,2})\s?([/.-])\s?(\d{1,2})(?:\s?\2\s?(\d{4}|\d\d)\b)?(?![\w/]|[.,]\d)"
)


def dates_in(text: str) -> list[PageDate]:
    """The dates of the line, in its order; without a year where it has none that is legible."""
    found = [
        (match.start(), date)
        for pattern, read in ((_IN_WORDS, _in_words), (_IN_NUMBERS, _in_numbers))
        for match in pattern.finditer(text)
        if (date := read(match))
    ]
    return [date for _, date in sorted(found, key=lambda each: each[0])]


def _in_words(match: re.Match[str]) -> PageDate | None:
    word = match[2].lower().translate(str.maketrans("0134", "olea"))
    close = get_close_matches(word, MONTHS, 1, ALIKE)
    month = MONTHS.index(close[0]) + 1 if close else SHORT.get(word, 0)
    return _date(match[1], month, match[3])


def _in_numbers(match: re.Match[str]) -> PageDate | None:
    day, sign, month, year = match.groups()
    if year is None and sign == ".":
        return None  # a time or a price
    return _date(day, int(_digits(month)), year)


def _date(day: str, month: int, year: str | None) -> PageDate | None:
    number = int(_digits(day))
    if not (1 <= number <= 31 and 1 <= month <= 12):
        return None
    year = (year or "").strip("'")
    full = int(year) if year.isdigit() else None  # a letter may be any digit
    if full is not None and full < 100:
        full += 2000
    return PageDate(number, month, full if full and 1939 <= full <= 2100 else None)


def _digits(text: str) -> str:
    return text.translate(_DIGITS)
