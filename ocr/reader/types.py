"""The values that the parts of the reader exchange."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

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


class Candidate(NamedTuple):
    """A number that it may be; confidence 0 to 100."""

    number: int
    confidence: float


class NumberReading(NamedTuple):
    """What a cell shows: None where nothing could be read. Confidence 0 to 100, see `verdict`."""

    number: int | None
    confidence: float
    candidates: tuple[Candidate, ...] = ()


class Reading(NamedTuple):
    """The wheels of a board, five numbers each in the order drawn; empty without a board.

    `boxes` are their places on the picture, names and numbers.
    """

    wheels: dict[str, tuple[NumberReading, ...]]
    boxes: dict[str, Box] = {}

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
