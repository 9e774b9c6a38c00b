"""The values that the parts of the reader exchange."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ocr.types import PageKind

Pixels = NDArray[np.uint8]  # (height, width, BGR)
SURE: Final = 90.0  # confidence of which fewer than one in 2,000 numbers may be wrong
Box = tuple[int, int, int, int]  # left, top, right, bottom, px
Quad = NDArray[np.float32]  # (4, 2): x, y of four corners, clockwise from top left


class TextLine(NamedTuple):
    """A line of text: its place, the text, and where on it (0 to 1) each character stands."""

    quad: Quad
    text: str
    places: tuple[float, ...]
    confidence: float  # 0 to 1


class Recogniser(Protocol):
    """Reads crops of single numbers."""

    name: str
    sizes: tuple[float, ...]  # of crops that it may read best, in heights of a number as found

    def numbers(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        """`(count, 91)`: the probability of 1 to 90 by index, and of anything else at 0."""


class Name(NamedTuple):
    """A wheel's name on the picture."""

    wheel: str
    left: tuple[float, float]  # the middle of its left edge
    centre: tuple[float, float]
    right: tuple[float, float]
    height: float


class Number(NamedTuple):
    """A place where a number seems to be; what it says is read again, and better, later."""

    centre: tuple[float, float]
    height: float


@dataclass(frozen=True)
class Layout:
    """Where on a picture the numbers of the wheels are."""

    kind: str  # row, card or column: where a wheel's numbers are from its name
    cells: dict[str, NDArray[np.float32]]  # wheel: (5, 2), the centres of its numbers
    across: NDArray[np.float32]  # (2, 2): a number's height along the lines, and down
    height: float  # of the numbers, px
    names: dict[str, tuple[tuple[float, float], tuple[float, float]]]  # read: left and right ends


class PageDate(NamedTuple):
    """A date as a page names it; the year may be missing."""

    day: int
    month: int
    year: int | None = None

    def is_of(self, day: date) -> bool:
        """Whether it may be that day."""
        return (self.day, self.month) == (day.day, day.month) and self.year in (None, day.year)

    def __str__(self) -> str:
        return f"{self.day:02}/{self.month:02}" + (f"/{self.year}" if self.year else "")


class PageReason(NamedTuple):
    """Words on a page and what they weigh; positive for a draw."""

    words: str
    kind: PageKind
    weight: int


class Page(NamedTuple):
    """What a page says that it is, and why it is taken for that.

    `wheels`: how many wheels seem to have a line of numbers on it, whatever it is.
    """

    kind: PageKind = PageKind.UNKNOWN
    title: str = ""
    dates: tuple[PageDate, ...] = ()
    reasons: tuple[PageReason, ...] = ()
    wheels: int = 0

    @property
    def is_veto(self) -> bool:
        """Whether it says that it is no board of a draw."""
        return self.kind not in (PageKind.DRAW, PageKind.UNKNOWN)

    def is_of(self, day: date) -> bool:
        """Whether nothing on it names another day."""
        return all(each.is_of(day) for each in self.dates)

    def is_draw_of(self, day: date) -> bool:
        """Whether it is a board of the draw, and of no other day."""
        return self.kind == PageKind.DRAW and self.is_of(day)


UNKNOWN_PAGE: Final = Page()


class Candidate(NamedTuple):
    """A number that it may be; confidence 0 to 100."""

    number: int
    confidence: float


class NumberReading(NamedTuple):
    """What a cell shows: None where nothing could be read. Confidence 0 to 100, see `verdict`."""

    number: int | None
    confidence: float
    candidates: tuple[Candidate, ...] = ()


class Simbolotto(NamedTuple):
    """The five numbers (1 to 45) of that game, and the wheel whose symbols they are."""

    wheel: str
    numbers: tuple[NumberReading, ...]


class Reading(NamedTuple):
    """The wheels of a board, five numbers each in the order drawn; empty without a board.

    `boxes` are their places on the picture, names and numbers. A `page` that says that it is no
    board of a draw has no wheels; on one that does not say what it is all numbers are in doubt.
    """

    wheels: dict[str, tuple[NumberReading, ...]]
    boxes: dict[str, Box] = {}
    page: Page = UNKNOWN_PAGE
    simbolotto: Simbolotto | None = None

    def sure(self) -> dict[str, tuple[int, ...]]:
        """The wheels all of whose numbers are beyond doubt."""
        return {
            wheel: tuple(each.number for each in numbers if each.number is not None)
            for wheel, numbers in self.wheels.items()
            if all(each.number is not None and each.confidence >= SURE for each in numbers)
        }

    def confidence(self) -> float:
        """The mean over all numbers, 0 to 100; 0 without a board."""
        all_of_them = [each.confidence for numbers in self.wheels.values() for each in numbers]
        return sum(all_of_them) / len(all_of_them) if all_of_them else 0.0


class PictureReader(Protocol):
    """Reads whole pictures, for any number of threads. `ocr.reader_process` has the real one.

    All raise ReaderBusy when too many wait, ReaderFailed, and ReadingHalted when `halt` is set
    meanwhile.
    """

    def read(self, file: bytes, halt: threading.Event | None = None) -> Reading:
        """What the picture in this file shows. Raises ImageRefused for what is none."""

    def jpeg(self, file: bytes, side: int, halt: threading.Event | None = None) -> bytes:
        """The picture upright, as a JPEG of at most `side` px. Raises ImageRefused."""

    def watch(self, image: Pixels, halt: threading.Event | None = None) -> Reading:
        """What a stream's next frame shows."""
