"""Where the numbers of each wheel are: a model of boards, fitted to what was found on a picture.

On any board the five numbers of a wheel stand in the same way to the wheel's name: beside it
(tables), below it in a line (cards, a single wheel) or below it in a column. So one offset from the
name to the first number and one step from number to number explain the whole board, once it is
straight. The offset and step that explain most places of numbers are the layout; a layout is
refused where another one explains nearly as much, where lines of numbers go on past the fifth, or
where the wheels are in no order that boards have. Numbers that were not found are where the others
say that they must be, and names that were not read follow from the order of those that were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lotto.types import DRAWN
from ocr.reader.layout_hypotheses import (
    ALONG,
    MIN_FOUND,
    Way,
    in_perspective,
    matches,
    next_names,
    possible_ways,
    refined,
    strangers,
    wider,
)
from ocr.reader.rectify import Points, Straight, way_back
from ocr.reader.types import Layout, Name, Number
from ocr.reader.wheel_order import in_order, with_unnamed

STEADY: Final = 0.1  # of a number's height, by which the places that follow from names are off
STIFF: Final = 10.0  # against a line's own turn, which its ends would show: five places weigh 10
UNLIKE: Final = 1.5  # times as high
SMALL_PRINT: Final = 0.6  # of the names' height
CLEAR_LEAD: Final = 1.12
CLEARLY_FARTHER: Final = 1.3
BEST_SLANTED: Final = 8  # of them in perspective, too
BEST: Final = 60  # hypotheses that are examined closely


def fit(names: Sequence[Name], numbers: Sequence[Number]) -> Layout | None:
    """The layout of the board; None where there is no board, or none that is beyond doubt.

    What is far larger or smaller than the board's numbers, and may be more, is left out where the
    board is not found among all, or only in print that is smaller than the names.
    """
    found = _fit(names, numbers)
    if not names or (found and not _is_small_print(found, names)):
        return found
    for alike in _of_like_height(numbers):
        other = _fit(names, alike)
        if other and not _is_small_print(other, names):
            return other
    return found


def _is_small_print(found: Layout, names: Sequence[Name]) -> bool:
    """Whether its numbers are far smaller than the names: a date's, or a ticker's."""
    heights = [name.height for name in names if name.wheel in found.names]
    return found.height < SMALL_PRINT * float(np.median(heights))


def _of_like_height(numbers: Sequence[Number]) -> Iterable[list[Number]]:
    """The numbers by their height, the largest ones first; not all at once."""
    left = sorted(numbers, key=lambda number: -number.height)
    while left:
        alike = [number for number in left if number.height * UNLIKE > left[0].height]
        if len(alike) < len(numbers):
            yield alike
        left = left[len(alike) :]


def _fit(names: Sequence[Name], numbers: Sequence[Number]) -> Layout | None:
    if not names or len(numbers) < MIN_FOUND:
        return None
    height = float(np.median([number.height for number in numbers]))
    found = np.array([number.centre for number in numbers], float)
    anchors = np.array([[name.left, name.centre, name.right] for name in names], float)
    straight = Straight.of(np.concatenate([found, anchors[:, 1]]), found, height)
    flat = straight(found)
    flat_anchors = np.stack([straight(anchors[:, i]) for i in range(3)], 1)
    scored = _scored(names, flat_anchors, flat, height, is_slanted=straight.is_slanted)
    if not scored:
        return None
    (first_score, way, wheels), *others = scored
    # From here on only what is as large as the board's numbers counts: tickers and clocks are not.
    heights = np.array([number.height for number in numbers])
    match = matches(way.places(flat_anchors[list(wheels.values()), way.anchor]), way, flat, height)
    if (match >= 0).any():
        height = float(np.median(heights[match[match >= 0]]))
        is_like = np.abs(np.log(heights / height)) < np.log(UNLIKE)
        found, flat, heights = found[is_like], flat[is_like], heights[is_like]
    wheels |= _aligned(names, flat_anchors, wheels, way, height)
    chosen = flat_anchors[list(wheels.values()), way.anchor]
    lines = way.places(chosen)
    if straight.is_slanted:
        way, lines = in_perspective(way, chosen, flat, height)
    lines = _below_others(way, _five(way, lines, flat, height), flat, height)
    if _goes_on(way, lines, flat, height):
        return None
    is_kept = ~_are_off(way, lines, chosen, flat, height)
    wheels = {wheel: at for (wheel, at), kept in zip(wheels.items(), is_kept, strict=True) if kept}
    lines = lines[is_kept]
    if not wheels:
        return None
    is_settled = _are_whole(way, lines, flat, height)
    score = (matches(lines, way, flat, height) >= 0).sum()
    for other_score, other, its in others:
        if other_score * CLEAR_LEAD > first_score and _differ(way, other, shifts=not is_settled):
            there = other.places(flat_anchors[list(its.values()), other.anchor])
            claimed = set(matches(there, other, flat, height).ravel()) - {-1}
            if len(claimed) * CLEAR_LEAD > score:
                return None
    places = dict(zip(wheels, lines, strict=True))
    placed = with_unnamed(places, way, flat, height)
    if placed is None or not in_order(placed, set(places), way):
        return None
    read = {wheel: (names[index].left, names[index].right) for wheel, index in wheels.items()}
    lines = np.array(list(placed.values()))
    match = matches(lines, way, flat, height)
    return _placed(way, placed, match, read, found, float(np.median(heights[match[match >= 0]])))


def _scored(
    names: Sequence[Name], anchors: Points, flat: Points, height: float, *, is_slanted: bool
) -> list[tuple[float, Way, dict[str, int]]]:
    """The ways that explain most, best first, with the name that counts for each wheel."""
    votes: Counter[tuple[Any, ...]] = Counter()
    ways: dict[tuple[Any, ...], list[Way]] = {}
    for way in possible_ways(anchors, flat, height):
        rough = (
            way.kind, way.anchor,
            *(round(value / height * 2) for value in way.offset),
            *(round(value / height * 5) for value in way.step),
        )  # fmt: skip
        votes[rough] += 1
        ways.setdefault(rough, []).append(way)
    scored = []
    for rank, (rough, _) in enumerate(votes.most_common(BEST)):
        kind, anchor = ways[rough][0][:2]
        offset, step = np.median([[*way.offset, *way.step] for way in ways[rough]], 0).reshape(2, 2)
        way = Way(kind, anchor, (offset[0], offset[1]), (step[0], step[1]))
        if is_slanted and rank < BEST_SLANTED:
            way, places = in_perspective(way, anchors[:, way.anchor], flat, height)
        else:
            places = way.places(anchors[:, way.anchor])
            way = refined(way, places, anchors[:, way.anchor], 1.0, flat, height)
            places = way.places(anchors[:, way.anchor])
        match = matches(places, way, flat, height)
        hits = (match >= 0).sum(1) - strangers(places, match, way, flat, height)
        if way.kind == "row":  # what stands beyond another name is that one's
            hits[places[:, -1, 0] > next_names(anchors, height)] = 0
        wheels: dict[str, int] = {}
        for index, name in enumerate(names):
            if hits[index] >= MIN_FOUND and hits[index] > (
                hits[wheels[name.wheel]] if name.wheel in wheels else 0
            ):
                wheels[name.wheel] = index
        if wheels:
            chosen = list(wheels.values())
            # Places that several wheels claim count once: lines of another way across the board.
            shared = (match[chosen] >= 0).sum() - len(set(match[chosen].ravel()) - {-1})
            far = abs(way.offset[1]) / height if way.kind == "card" else 0.0
            is_hit = match[chosen] >= 0
            off = np.hypot(*(flat[match[chosen]] - places[chosen])[is_hit].T).mean() / height
            # Of equal ones the nearer, and that whose anchor puts the numbers where they are.
            score = float(hits[chosen].sum() - shared - off) - 0.01 * far
            scored.append((score, way, wheels))
    return sorted(scored, key=lambda each: -each[0])


def _five(way: Way, lines: Points, flat: Points, height: float) -> Points:
    """Lines beside names, each moved by a place where that is where its five numbers are."""
    if way.kind != "row":
        return lines
    moved = _as_found(lines, matches(lines, way, flat, height), flat)
    for line in moved:
        step = (line[-1] - line[0]) / (DRAWN - 1)
        there = matches(wider(line[None]), way, flat, height)[0] >= 0
        if there.sum() == DRAWN and not there[1:-1].all():
            line += step if there[-1] else -step
    return moved


def _below_others(way: Way, lines: Points, flat: Points, height: float) -> Points:
    """Lines beside names of which too few numbers were found, moved to where the others begin.

    A name read only in part would put them half a number aside, where one digit of two is read.
    """
    is_found = (matches(lines, way, flat, height) >= 0).sum(1) >= MIN_FOUND
    if way.kind != "row" or is_found.all() or is_found.sum() < MIN_FOUND:
        return lines
    moved, starts = lines.copy(), lines[is_found, 0, 0]
    for index in np.flatnonzero(~is_found):
        line = moved[index]
        beside = starts[np.abs(starts - line[0, 0]) < abs(way.step[0])]
        if len(beside) >= MIN_FOUND and np.ptp(beside) < height:
            line[:, 0] += np.median(beside) - line[0, 0]
    return moved


def _are_off(
    way: Way, lines: Points, anchors: Points, flat: Points, height: float
) -> NDArray[np.bool_]:
    """Which lines lack numbers but have one before or after them: they may be a place off."""
    match = matches(wider(lines), way, flat, height)
    is_name = np.hypot(*(flat[:, None] - anchors).T).min(0) < height
    there = (match >= 0) & ~is_name[match]
    return np.asarray(~there[:, 1:-1].all(1) & (there[:, 0] | there[:, -1]))


def _as_found(
    lines: Points, match: NDArray[np.int64], found: Points, steady: float = np.inf
) -> Points:
    """The lines moved to where their numbers were found, and turned and stretched a little.

    Less where those disagree by more than `steady` px: of numbers that were found as one text the
    places are only rough.
    """
    moved = lines.copy()
    for line, points in zip(moved, match, strict=True):
        at = np.flatnonzero(points >= 0)
        if len(at) >= MIN_FOUND:
            off = found[points[at]] - line[at]
            middle = np.median(off, 0)
            spread = np.abs(off - middle).mean(0)
            weight = 1 / (1 + spread**2 / len(at) / steady**2)
            place = at - at.mean()
            turn = place @ (off - middle) / (place @ place + STIFF)
            line += weight * (middle + (np.arange(DRAWN) - at.mean())[:, None] * turn)
    return moved


def _are_whole(way: Way, lines: Points, flat: Points, height: float) -> bool:
    """Whether most lines beside names have all their numbers: then none can be a place off."""
    whole = (matches(lines, way, flat, height) >= 0).all(1).sum()
    return way.kind == "row" and bool(whole * 2 > len(lines))


def _differ(way: Way, other: Way, *, shifts: bool) -> bool:
    """Whether the ways give different places, not the same with another anchor.

    Without `shifts`, one that is as another but for a shift along the line is the same, too. Of a
    name above and one below it a line belongs to the one that is clearly nearer.
    """
    if way.kind != other.kind:
        return True
    if way.kind == "card" and abs(other.offset[1]) > CLEARLY_FARTHER * abs(way.offset[1]):
        return False
    step = np.hypot(*way.step)
    if abs(np.hypot(*other.step) - step) > 0.3 * step:
        return True
    shift = 0.0 if way.anchor != other.anchor else np.hypot(*np.subtract(way.offset, other.offset))
    return bool(shifts and shift > 0.5 * step)


def _goes_on(way: Way, lines: Points, flat: Points, height: float) -> bool:
    """Whether most lines have a sixth number: then it is another table than of draws."""
    step = lines[:, -1] - lines[:, -2]
    for places in (lines[:, -1] + step, lines[:, 0] - step):
        more = (matches(places[:, None], way, flat, height) >= 0).sum()
        if more * 2 > len(lines):
            return True
    return False


def _aligned(
    names: Sequence[Name], ends: Points, wheels: dict[str, int], way: Way, height: float
) -> dict[str, int]:
    """Names in line with those whose numbers were found, though most of their own were not."""
    if len(wheels) < MIN_FOUND:
        return {}
    anchors = ends[:, way.anchor]
    known = anchors[list(wheels.values())]
    axis = 1 if way.kind == "column" else 0
    near = ALONG * float(np.hypot(*way.step))
    beyond = next_names(ends, height)
    last = way.offset[0] + (DRAWN - 1) * way.step[0]
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        is_in_line = np.abs(known[:, axis] - anchors[index, axis]).min() < near
        if way.kind == "row" and anchors[index, 0] + last > beyond[index]:
            continue
        if name.wheel not in wheels and name.wheel not in found and is_in_line:
            found[name.wheel] = index
    return found


def _placed(
    way: Way,
    places: dict[str, Points],
    match: NDArray[np.int64],
    names: dict[str, Any],
    found: Points,
    height: float,
) -> Layout:
    """The layout on the picture itself, slanted as that is."""
    lines = np.array(list(places.values()))
    good = match >= 0
    back = way_back(lines[good], found[match[good]], height)
    middle = lines.reshape(-1, 2).mean(0)
    there = back(middle + np.array([[0, 0], [height, 0], [0, height]]))
    cells = _as_found(
        back(lines.reshape(-1, 2)).reshape(-1, DRAWN, 2), match, found, STEADY * height
    )
    return Layout(
        way.kind,
        dict(zip(places, cells.astype(np.float32), strict=True)),
        (there[1:] - there[0]).astype(np.float32),
        height,
        names,
    )
