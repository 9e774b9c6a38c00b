"""Draws (a day, a wheel and five numbers in the order drawn), their sources and errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from core.lib.http import FetchedFile

WHEELS: Final[dict[str, str]] = {
    # The operator's codes and names, in the order of its file.
    "BA": "BARI",
    "CA": "CAGLIARI",
    "FI": "FIRENZE",
    "GE": "GENOVA",
    "MI": "MILANO",
    "NA": "NAPOLI",
    "PA": "PALERMO",
    "RM": "ROMA",
    "RN": "NAZIONALE",
    "TO": "TORINO",
    "VE": "VENEZIA",
}
ALL: Final = "TUTTE"  # a bet on all wheels: the ten of the cities, without the national one
CITIES: Final = tuple(code for code in WHEELS if code != "RN")
OUTCOMES: Final = ("estratto", "ambo", "terno", "quaterna", "cinquina")  # of one, two, ... hits
DRAWN: Final = 5
HIGHEST: Final = 90
FIRST_DAY: Final = date(1871, 1, 1)  # no earlier draw is published; the archive begins in 1939


class Source(StrEnum):
    """Where a draw came from."""

    MANUAL = "manual"
    OCR = "ocr"
    SYNC = "sync"
    IMPORT = "import"


class Draw(NamedTuple):
    """One wheel's numbers on one day."""

    day: date
    wheel: str
    numbers: tuple[int, ...]


class RejectedLine(NamedTuple):
    """A line that is not a draw, or contradicts a stored one; lines count from 1."""

    line: int
    reason: str


@dataclass(frozen=True)
class Totals:
    """Counts of the archive; the days are None when it is empty."""

    draws: int
    days: int
    first: date | None
    last: date | None
    by_wheel: dict[str, int]


class RuleError(ValueError):
    """A value breaks the rules of a draw; the message is for people."""


class Operator(Protocol):
    """The server on which the operator publishes the archive."""

    def fetch(self, url: str, *, etag: str) -> FetchedFile | None:
        """The ZIP at that address, or None while it is still version `etag`.

        Raises UpstreamError.
        """
