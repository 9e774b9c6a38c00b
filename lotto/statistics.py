"""Frequencies and delays ("ritardi") of numbers and pairs. Pure.

A delay counts draws, not days: 0 is "in the last draw". Draws are a column of units (0, 1, 2, ...:
one per draw) and one of items drawn in them. The longest delay includes the wait before an item's
first appearance and the current one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
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
    """By item: how often it was drawn, draws since then, most draws without it, its last unit.

    `last` is -1, and `delay` the number of all draws, for items never drawn.
    """

    frequency: Ints
    delay: Ints
    longest: Ints
    last: Ints


@dataclass(frozen=True)
class DelayTable:
    """The delays of one wheel's numbers or pairs in a range of days."""

    days: NDArray[np.datetime64]  # of its draws, ascending
    delays: Delays

    def last_day(self, item: int) -> date | None:
        """When the item came out last; None: never."""
        unit = self.delays.last[item]
        return self.days[unit].item() if unit >= 0 else None


class Found(NamedTuple):
    """The draws that a search found: rows of the archive, newest first."""

    rows: NDArray[np.int64]
    hits: NDArray[np.int64]  # of each row
    draws: int  # searched: days on which one of the wheels was drawn
    delay: int  # of those, since the newest result


def number_items(numbers: NDArray[np.uint8]) -> Ints:
    """The numbers of draws (n, 5) as items 0 to 89, (n, 5)."""
    return numbers.astype(np.int64) - 1


def pair_items(numbers: NDArray[np.uint8]) -> Ints:
    """The ten pairs of each draw (n, 5) as items of PAIR_NUMBERS, (n, 10)."""
    first, second = zip(*_PLACES, strict=True)
    return _PAIR_ITEM[numbers[:, first], numbers[:, second]]


def delays(items: Ints, units: Ints, *, kinds: int, draws: int) -> Delays:
    """The delays of `kinds` items over `draws` units.

    `items` (n, k) are drawn in n rows, `units` (n) is the unit of each row, ascending; several rows
    may share one (the wheels of a day).
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
