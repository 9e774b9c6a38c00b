"""From a picture to the layout of the board on it."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lotto.types import WHEELS
from ocr.reader import layout
from ocr.reader.tokens import names_and_numbers
from ocr.reader.types import Layout, Number, Pixels, Quad, TextLine

SIDES: Final = (1280, 1920, 736)  # px; the usual one, for small text, for very large text
NARROWEST_NAME: Final = 1.38  # width by height; two digits are narrower
ENOUGH_NAMES: Final = 3


class Finder(Protocol):
    """Finds and reads lines of text."""

    def find(self, image: Pixels, *, longest_side: int) -> NDArray[np.float32]:
        """The quadrangles `(count, 4, 2)` of lines of text, clockwise from top left."""

    def lines(self, image: Pixels, quads: NDArray[np.float32]) -> list[TextLine]:
        """What these quadrangles say."""


def find_board(image: Pixels, finder: Finder) -> Layout | None:
    """The layout of the board on the picture, or None.

    Where names were found that it does not explain, the picture is searched in other sizes, too.
    """
    lines: list[TextLine] = []
    places: list[Number] = []
    best: Layout | None = None
    for side in SIDES:
        quads = _new(finder.find(image, longest_side=side), lines, places)
        is_narrow = _is_narrow(quads)
        lines += finder.lines(image, quads[~is_narrow])
        names, numbers = names_and_numbers(lines)
        are_codes = any(line.text in WHEELS for line in lines)
        if are_codes or len(names) < ENOUGH_NAMES:  # then names may be narrow, too
            lines += finder.lines(image, quads[is_narrow])
            names, numbers = names_and_numbers(lines)
        else:
            places += [_place(quad) for quad in quads[is_narrow]]
        found = layout.fit(names, [*numbers, *places])
        if found and (best is None or len(found.cells) > len(best.cells)):
            best = found
        if not names or (best and len(best.cells) >= len({name.wheel for name in names})):
            break
    return best


def _is_narrow(quads: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which are so narrow that no name fits: places of numbers, read later and better."""
    wide = np.hypot(*(quads[:, 1] - quads[:, 0]).T)
    high = np.hypot(*(quads[:, 3] - quads[:, 0]).T)
    return np.asarray(wide < NARROWEST_NAME * high)


def _place(quad: Quad) -> Number:
    x, y = quad.mean(0).tolist()
    return Number((x, y), float(np.hypot(*(quad[3] - quad[0]))))


def _new(
    quads: NDArray[np.float32], lines: list[TextLine], places: list[Number]
) -> NDArray[np.float32]:
    """Those that do not lie on a line or a place that is known."""
    boxes = [(line.quad.min(0), line.quad.max(0)) for line in lines]
    boxes += [(np.array(at) - high / 2, np.array(at) + high / 2) for at, high in places]
    if not boxes or not len(quads):
        return quads
    known = np.array(boxes)
    middles = quads.mean(1)[:, None]
    is_known = ((middles > known[:, 0]) & (middles < known[:, 1])).all(2).any(1)
    return np.asarray(quads[~is_known])
