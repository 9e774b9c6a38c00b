"""What stands on a page beside the board: tickers, panels of other games, columns of delays. Pure.

Names and numbers there are left out before a board is looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ocr.reader.page_words import DRAWING, NO_NUMBERS, OF_EARLIER, OF_OTHERS
from ocr.reader.types import Name, Number, TextLine

TICKER_LETTERS: Final = 26  # of a line that is no board's
LOWEST: Final = 0.8  # of the page's texts, from the top: where tickers run
REACH: Final = 6.0  # heights of a panel's heading, to the side of it
LEVEL: Final = 0.7  # of a name's height: what stands beside it
COLUMN: Final = 0.8  # heights of a column's heading, to its sides


def without_tickers(lines: Sequence[TextLine]) -> list[TextLine]:
    """The lines but for a strip of running text at the foot, and what stands on its level."""
    if not lines:
        return []
    tops, bottoms = _edges(lines)
    lowest = tops.min() + LOWEST * (bottoms.max() - tops.min())
    is_ticker = np.array([sum(map(str.isalpha, line.text)) >= TICKER_LETTERS for line in lines])
    is_ticker &= tops > lowest
    if not is_ticker.any():
        return list(lines)
    top = tops[is_ticker].min()
    middles = (tops + bottoms) / 2
    return [line for line, middle in zip(lines, middles, strict=True) if middle < top]


def without_panels(
    names: Sequence[Name], numbers: Sequence[Number], lines: Sequence[TextLine]
) -> tuple[list[Name], list[Number]]:
    """Names and numbers but for those under a panel's heading: "Estrazione precedente".

    What stands above everything else is the page's title, not a panel's (`ocr.reader.page`).
    """
    headings = [
        line
        for line in lines
        if is_panel(line.text) and any(_is_above(each, line) for each in lines)
    ]
    strange = [name for name in names if any(_is_under(name, head) for head in headings)]
    if not strange:
        return list(names), list(numbers)
    kept = [name for name in names if name not in strange]
    return kept, [number for number in numbers if not _is_beside(number, strange, kept)]


def is_panel(text: str) -> bool:
    """Whether it is the heading of something that is not the draw, in words of a panel."""
    upper = text.upper().replace("0", "O")
    if any(word in upper for word in OF_EARLIER):
        return True
    return DRAWING not in upper and any(word in upper for word in OF_OTHERS)


def without_columns(numbers: Sequence[Number], lines: Sequence[TextLine]) -> list[Number]:
    """The numbers but for those in columns that a heading says are none of the draw's."""
    heads = _column_heads(lines)
    return [number for number in numbers if not any(_in_column(number, head) for head in heads)]


def are_on_level_of_heads(
    quads: NDArray[np.float32], lines: Sequence[TextLine]
) -> NDArray[np.bool_]:
    """Which quadrangles `(count, 4, 2)` stand beside a column's heading: they may be others."""
    levels = quads[:, :, 1].mean(1)
    is_level = np.zeros(len(quads), bool)
    for head in _column_heads(lines):
        is_level |= np.abs(levels - head[:, 1].mean()) < (head[3, 1] - head[0, 1]) / 2
    return is_level


def _column_heads(lines: Sequence[TextLine]) -> list[NDArray[np.float32]]:
    return [line.quad for line in lines if line.text.strip(" .:").upper() in NO_NUMBERS]


def _in_column(number: Number, head: NDArray[np.float32]) -> bool:
    x, y = number.centre
    high = float(head[3, 1] - head[0, 1])
    left, right = float(head[:, 0].min()), float(head[:, 0].max())
    return y > head[:, 1].max() and left - COLUMN * high < x < right + COLUMN * high


def _is_above(line: TextLine, other: TextLine) -> bool:
    return bool(line.quad[:, 1].max() < other.quad[:, 1].min()) and any(map(str.isalpha, line.text))


def _is_under(name: Name, head: TextLine) -> bool:
    high = float(head.quad[3, 1] - head.quad[0, 1])
    left, right = float(head.quad[:, 0].min()), float(head.quad[:, 0].max())
    is_beside = left - REACH * high < name.centre[0] < right + REACH * high
    return is_beside and name.centre[1] > float(head.quad[:, 1].mean())


def _is_beside(number: Number, names: Sequence[Name], others: Sequence[Name]) -> bool:
    """Whether one of these names is the next to the left of the number, not one of the others."""

    def nearest(each: Sequence[Name]) -> float:
        return max(
            (
                name.right[0]
                for name in each
                if name.right[0] < number.centre[0]
                and abs(name.centre[1] - number.centre[1]) < LEVEL * name.height
            ),
            default=-np.inf,
        )

    return nearest(names) > nearest(others)


def _edges(lines: Sequence[TextLine]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    quads = np.array([line.quad for line in lines])
    return quads[:, :, 1].min(1), quads[:, :, 1].max(1)
