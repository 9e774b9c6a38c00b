"""From a picture to the layout of the board on it, and to what the page says that it is."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ocr.reader import layout, regions
from ocr.reader.page import page_of
from ocr.reader.tokens import is_code, names_and_numbers
from ocr.reader.types import Layout, Name, Number, Page, Pixels, Quad, TextLine

SIDES: Final = (1280, 1920, 736)  # px; the usual one, for small text, for very large text
NARROWEST_NAME: Final = 1.38  # width by height; two digits are narrower
ENOUGH_NAMES: Final = 3


class Finder(Protocol):
    """Finds and reads lines of text."""

    def find(self, image: Pixels, *, longest_side: int) -> NDArray[np.float32]:
        """The quadrangles `(count, 4, 2)` of lines of text, clockwise from top left."""

    def lines(self, image: Pixels, quads: NDArray[np.float32]) -> list[TextLine]:
        """What these quadrangles say."""


class Found(NamedTuple):
    """The layout of a board, None without one; the page, and the lines that say what it is."""

    layout: Layout | None
    page: Page
    headings: list[Quad]


def find_board(image: Pixels, finder: Finder) -> Found:
    """The board on the picture, and what page it is.

    Where names were found that it does not explain, the picture is searched in other sizes, too.
    """
    lines: list[TextLine] = []
    places: list[Number] = []
    best: Layout | None = None
    for side in SIDES:
        quads = _new(finder.find(image, longest_side=side), lines, places)
        is_narrow = _is_narrow(quads)
        lines += finder.lines(image, quads[~is_narrow])
        is_head = is_narrow & regions.are_on_level_of_heads(quads, lines)
        if is_head.any():
            lines += finder.lines(image, quads[is_head])
            is_narrow &= ~is_head
        names, numbers = _tokens(lines, places)
        if any(map(is_code, lines)) or len(names) < ENOUGH_NAMES:  # then names may be narrow, too
            lines += finder.lines(image, quads[is_narrow])
        else:
            places += [_place(quad) for quad in quads[is_narrow]]
        names, numbers = _tokens(lines, places)
        found = layout.fit(names, regions.without_columns(numbers, lines))
        if found and (best is None or len(found.cells) > len(best.cells)):
            best = found
        if not names or (best and len(best.cells) >= len({name.wheel for name in names})):
            break
    said = page_of(regions.without_tickers(lines), best)
    return Found(best, said.page, said.headings)


def _tokens(lines: list[TextLine], places: list[Number]) -> tuple[list[Name], list[Number]]:
    """The names and numbers, also those at these places, that may be a board's."""
    kept = regions.without_tickers(lines)
    names, numbers = names_and_numbers(kept)
    numbers += places
    return regions.without_panels(names, numbers, kept)


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
