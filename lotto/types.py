"""What a draw is: a day, a wheel and five numbers in the order drawn."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from core.lib.http import Document

WHEELS: Final[dict[str, str]] = {
    # The operator's codes and names, in the order of his file.
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
ALL: Final = "TUTTE"  # what a bet on all wheels means: the ten of the cities, not the national one
CITIES: Final = tuple(code for code in WHEELS if code != "RN")
OUTCOMES: Final = ("estratto", "ambo", "terno", "quaterna", "cinquina")  # of one, two, ... hits
DRAWN: Final = 5
HIGHEST: Final = 90
FIRST_DAY: Final = date(1871, 1, 1)  # no draw of the kingdom is published before; ours begin 1939


class Source(StrEnum):
    """Who told us of a draw."""

    MANUAL = "manual"
    OCR = "ocr"
    SYNC = "sync"
    IMPORT = "import"


class Draw(NamedTuple):
    """One wheel's numbers on one day."""

    day: date
    wheel: str
    numbers: tuple[int, ...]


class Rejected(NamedTuple):
    """A line that is no draw, or contradicts one that is stored; lines count from 1."""

    line: int
    reason: str


class Refused(ValueError):
    """What was given is no draw; the message is for people."""


class OperatorError(Exception):
    """The operator's archive cannot be had; the message is for people."""


class Operator(Protocol):
    """Where the operator publishes the archive."""

    def fetch(self, url: str, *, etag: str) -> Document | None:
        """The ZIP at that address, or None while it is still version `etag`.

        Raises OperatorError.
        """
