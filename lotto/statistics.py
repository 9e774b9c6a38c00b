"""How often and how long ago: frequencies and delays ("ritardi") of numbers and pairs. Pure.

A delay counts draws, not days: 0 is "in the last draw". What is drawn is a column of units (0, 1,
2, ...: one per draw) and one of items that came out in them. The longest delay includes the
wait before an item's first appearance and the one that is still going on.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lotto.types import DRAWN, HIGHEST

Ints = NDArray[np.int64]
PAIRS: Final = HIGHEST * (HIGHEST - 1) // 2
_PLACES: Final = tuple(combinations(range(DRAWN), 2))
_FIRST, _SECOND = np.triu_indices(HIGHEST, 1)
PAIR_NUMBERS: Final = np.stack((_FIRST, _SECOND), axis=1) + 1  # (PAIRS, 2): the pair of an item
_PAIR_ITEM: Final = np.zeros((HIGHEST + 1, HIGHEST + 1), np.int64)
_PAIR_ITEM[_FIRST + 1, _SECOND + 1] = _PAIR_ITEM[_SECOND + 1, _FIRST + 1] = np.arange(PAIRS)


class Delays(NamedTuple):
    """By item: how often it came, draws since then, the most draws without it, its last unit.

    `last` is -1, and `delay` the number of all draws, for what never came.
    """

    frequency: Ints
    delay: Ints
    longest: Ints
    last: Ints


def number_items(numbers: NDArray[np.uint8]) -> Ints:
    """The numbers of draws (n, 5) as items 0 to 89, (n, 5)."""
    return numbers.astype(np.int64) - 1


def pair_items(numbers: NDArray[np.uint8]) -> Ints:
    """The ten pairs of each draw (n, 5) as items of PAIR_NUMBERS, (n, 10)."""
    first, second = zip(*_PLACES, strict=True)
    return _PAIR_ITEM[numbers[:, first], numbers[:, second]]


def delays(items: Ints, units: Ints, *, kinds: int, draws: int) -> Delays:
    """The delays of `kinds` items over `draws` units.

    `items` (n, k) are what came out in n rows, `units` (n) the unit of each row, ascending; several
    rows may share one (the wheels of a day).
    """
    flat = items.ravel()
    # By item, and of one item by unit: a sort of one column of whole numbers.
    order = np.sort(flat * max(draws, 1) + np.repeat(units, items.shape[1]))
    item, unit = np.divmod(order, max(draws, 1))
    begins = np.ones(len(item), bool)
    begins[1:] = item[1:] != item[:-1]
    before = np.empty(len(unit), np.int64)
    before[1:] = unit[:-1]
    before[begins] = -1
    starts = np.flatnonzero(begins)
    present = item[starts]
    longest, last = np.zeros(kinds, np.int64), np.full(kinds, -1, np.int64)
    if len(starts):
        longest[present] = np.maximum.reduceat(unit - before - 1, starts)
        last[present] = np.maximum.reduceat(unit, starts)
    delay = draws - 1 - last
    frequency = np.bincount(flat, minlength=kinds)
    return Delays(frequency, delay, np.maximum(longest, delay), last)
