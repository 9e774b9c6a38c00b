"""The orders in which boards have their wheels: whose a line without a name is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from lotto.types import DRAWN, WHEELS
from ocr.reader.layout_hypotheses import ALONG, MIN_FOUND, Way, levels_of, matches
from ocr.reader.rectify import Points

CITIES: Final = [code for code in WHEELS if code != "RN"]
ORDERS: Final = (  # boards end with the national wheel, or have it where the alphabet does
    [*CITIES, "RN"],
    [*CITIES[:6], "RN", *CITIES[6:]],
    list(WHEELS),
)
READ_IN_ANY_ORDER: Final = 9  # so many names, each read, need no order of ours


def with_unnamed(
    places: dict[str, Points], way: Way, flat: Points, height: float
) -> dict[str, Points] | None:
    """The places also of wheels whose names could not be read, by the others' order.

    None where lines without a name leave no order: then the names are wrong, or a line off; unless
    so many names were read that they may be in any.
    """
    used = set()
    for each in places.values():
        used |= set(matches(each[None], way, flat, height)[0].tolist())
    free = [index for index in range(len(flat)) if index not in used]
    unnamed: list[Points] = []
    for index in free:  # a line of numbers as the others', that no name explains
        line = flat[index] + np.arange(DRAWN)[:, None] * np.array(way.step)
        match = matches(line[None], way, flat, height)[0]
        if (match >= 0).sum() >= MIN_FOUND + 1 and not used & set(match[match >= 0].tolist()):
            line += np.median((flat[match] - line)[match >= 0], 0)
            if _is_of_board(line, list(places.values()), way):
                unnamed.append(line)
                used |= set(match[match >= 0].tolist())
    if not unnamed or len(places) == len(WHEELS):
        return places
    wheels: list[str | None] = [*places, *(None for _ in unnamed)]
    lines = [*places.values(), *unnamed]
    ranks = _reading_order(lines, way, height)
    sequence = [wheels[i] for i in ranks]
    for order in ORDERS:
        filled = _filled(sequence, order)
        if filled:
            return {
                wheel: lines[i] for wheel, i in zip(filled, ranks, strict=True) if wheel is not None
            }
    left = [wheel for wheel in WHEELS if wheel not in places]
    if len(left) == len(unnamed) == 1:
        return places | {left[0]: unnamed[0]}
    return places if len(places) >= READ_IN_ANY_ORDER else None


def _is_of_board(line: Points, others: list[Points], way: Way) -> bool:
    """Whether a line begins where others do, and as far from them as they from each other."""
    along = 0 if way.step[0] else 1
    starts = np.array([other[0] for other in others])
    beside = starts[np.abs(starts[:, along] - line[0, along]) < ALONG * way.step[along]]
    if not len(beside):
        return False
    levels = np.sort(beside[:, 1 - along])
    gaps = np.diff(levels)
    if not len(gaps):
        return True
    distance = np.abs(levels - line[0, 1 - along]).min() / gaps.min()
    return bool(distance > 0.5 and abs(distance - round(distance)) < 0.25)


def _filled(sequence: list[str | None], order: list[str]) -> list[str | None] | None:
    """The gaps of the sequence filled where `order` leaves no choice; None if it contradicts."""
    known = [(rank, order.index(wheel)) for rank, wheel in enumerate(sequence) if wheel]
    ends = [(-1, -1), *known, (len(sequence), len(order))]
    if any(b[1] - a[1] < b[0] - a[0] for a, b in pairwise(ends)):
        return None
    filled = list(sequence)
    for (rank, place), (next_rank, next_place) in pairwise(ends):
        if next_place - place == next_rank - rank:
            for gap in range(1, next_rank - rank):
                filled[rank + gap] = order[place + gap]
    return filled


def _reading_order(lines: Sequence[Points], way: Way, height: float) -> list[int]:
    """How boards run: columns from the left, cards line by line, tables down and then on."""
    first = np.array([line[0] for line in lines])
    if way.kind == "column":
        return [int(i) for i in np.argsort(first[:, 0])]
    x, y = first[:, 0], first[:, 1]
    if way.kind == "row":
        block = (x / max(abs(way.step[0]) * 3, height)).round()
        return [int(i) for i in np.lexsort((y, block))]
    levels = levels_of(y, height * 2)
    level = np.array([int(np.argmin([abs(value - at) for at in levels])) for value in y])
    return [int(i) for i in np.lexsort((x, level))]


def in_order(places: dict[str, Points], named: set[str], way: Way) -> bool:
    if len(named) >= READ_IN_ANY_ORDER:
        return True
    height = float(np.hypot(*way.step))
    lines = list(places.values())
    wheels = list(places)
    sequence = [wheels[i] for i in _reading_order(lines, way, height / 2)]
    for order in ORDERS:
        ranks = [order.index(wheel) for wheel in sequence]
        if ranks == sorted(ranks):
            return True
    return False
