"""The probabilities of the only texts that a cell can hold (1 to 90, 01 to 09), from columns.

A recogniser that reads by CTC gives for each column of a crop the probability of each character or
of none. The forward algorithm sums those of all ways to spell a text, so that the 99 texts compete
with their true probabilities (Graves et al. 2006, Connectionist Temporal Classification, 4.1).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lotto.types import HIGHEST

Floats = NDArray[np.float32]

_TEXTS: Final = [*map(str, range(1, HIGHEST + 1)), *(f"0{digit}" for digit in range(1, 10))]
_NUMBER: Final = np.array([int(text) for text in _TEXTS])
# The states of a text: none, first digit, none, second digit, none; a missing digit is state 11.
_STATES: Final = np.array(
    [[0, int(t[0]) + 1, 0, int(t[1]) + 1 if len(t) > 1 else 11, 0] for t in _TEXTS]
)
_MAY_SKIP: Final = np.array([len(t) > 1 and t[0] != t[1] for t in _TEXTS])  # the none in between
_LONG: Final = np.array([len(t) > 1 for t in _TEXTS])

# What recognisers take digits for, at a place where only digits can be; 0 with a dash in it is 日.
# One on a ball is to them a digit in a circle, which Unicode knows as that digit (NFKC).
_LIKE: Final = ("0OoDQ日", "1Il|", "2Zz", "3", "4", "5Ss", "6", "7", "8B", "9")


class Digits:
    """Which of a recogniser's characters are digits, or look like one; its first one is none.

    `nothing` are those that it sees in the rim of a ball or the edge of a tile: none, too.
    """

    def __init__(self, characters: Sequence[str], *, nothing: str = "") -> None:
        self._nothing = [characters.index(each) for each in nothing]
        self._columns = [0, *(characters.index(digit) for digit in "0123456789")]
        meant = [unicodedata.normalize("NFKC", each) for each in characters]
        self._like = [
            (
                place,
                [i for i, each in enumerate(meant) if each in like and i != self._columns[place]],
            )
            for place, like in enumerate(_LIKE, 1)
        ]

    def of(self, columns: Floats) -> Floats:
        """`(count, columns, characters)` to none and the ten digits, see `numbers`."""
        digits = columns[:, :, self._columns]
        digits[:, :, 0] += columns[:, :, self._nothing].sum(2)
        for place, letters in self._like:
            digits[:, :, place] += columns[:, :, letters].sum(2)
        return digits


def numbers(columns: Floats) -> Floats:
    """`(count, columns, 11)` of none and the ten digits to `(count, 91)`: 1 to 90 by index.

    At 0 is the rest: that the crop shows something else, or nothing.
    """
    count, length, _ = columns.shape
    closed = np.concatenate([columns, np.zeros((count, length, 1), columns.dtype)], axis=2)
    paths = np.zeros((count, len(_TEXTS), 5), np.float64)
    paths[:, :, :2] = closed[:, 0][:, _STATES[:, :2]]
    for column in range(1, length):
        moved = paths.copy()
        moved[:, :, 1:] += paths[:, :, :-1]
        moved[:, _MAY_SKIP, 3] += paths[:, _MAY_SKIP, 1]
        paths = moved * closed[:, column][:, _STATES]
    by_text = np.where(_LONG, paths[:, :, 3] + paths[:, :, 4], paths[:, :, 1] + paths[:, :, 2])
    found = np.zeros((count, HIGHEST + 1), np.float32)
    for place, number in enumerate(_NUMBER):
        found[:, number] += by_text[:, place]
    found[:, 0] = (1 - found.sum(axis=1)).clip(0)
    return found
