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
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lotto.types import DRAWN, WHEELS
from ocr.reader.types import Layout, Name, Number

Points = NDArray[np.float64]

CITIES: Final = [code for code in WHEELS if code != "RN"]
ORDERS: Final = (  # boards end with the national wheel, or have it where the alphabet does
    [*CITIES, "RN"],
    [*CITIES[:6], "RN", *CITIES[6:]],
    list(WHEELS),
)
STEEPEST: Final = 0.22  # slope of a line on a photograph
NEAR: Final = 0.6  # of a number's height: what still is the same place, across the line
ALONG: Final = 0.3  # of the step: the same along the line
PLENTY: Final = 12  # of points for a projection to be told by them
ROUNDS: Final = 6  # until those that do not fit are known
STEADY: Final = 0.1  # of a number's height, by which the places that follow from names are off
STIFF: Final = 10.0  # against a line's own turn, which its ends would tell: five places weigh 10
LEAST_FOUND: Final = 3  # of a wheel's five places
UNLIKE: Final = 1.5  # times as high
CLEAR_LEAD: Final = 1.12
CLEARLY_FARTHER: Final = 1.3
STILL_UPRIGHT: Final = 0.008  # slope; per 1,000 px for its change
SCALES: Final = np.linspace(-0.3, 0.3, 7)  # of a board's far end against its middle
BEST_SLANTED: Final = 8  # of them in perspective, too
BEST: Final = 60  # hypotheses that are looked at closely
READ_IN_ANY_ORDER: Final = 9  # so many names, each read, need no order of ours


class _Way(NamedTuple):
    """How a wheel's numbers stand to its name."""

    kind: str
    anchor: int  # of the name: 0 its left edge, 1 its middle, 2 its right edge
    offset: tuple[float, float]
    step: tuple[float, float]

    def places(self, anchors: Points) -> Points:
        """`(count, 5, 2)` of `(count, 2)`."""
        steps = np.arange(DRAWN)[:, None] * np.array(self.step)
        return np.asarray(anchors[:, None] + np.array(self.offset) + steps, float)


class _Straight:
    """The picture without its slant: lines level, columns upright. Slants may change steadily."""

    def __init__(self, middle: Points) -> None:
        self._middle = middle
        self._level = self._upright = (0.0, 0.0)

    @classmethod
    def of(cls, points: Points, columns: Points, height: float) -> _Straight:
        straight = cls(points.mean(0))
        straight._level = _slant(points - straight._middle, height)
        level = straight(columns) - straight._middle
        straight._upright = _slant(level[:, ::-1], height)
        return straight

    @property
    def is_slanted(self) -> bool:
        """Whether it was photographed from aside: a frame of a stream is not."""
        return max(abs(self._level[0]), abs(self._upright[0])) > STILL_UPRIGHT or bool(
            max(abs(self._level[1]), abs(self._upright[1])) > STILL_UPRIGHT / 1_000
        )

    def __call__(self, points: Points) -> Points:
        moved = points - self._middle
        slope, change = self._level
        y = moved[:, 1] - (slope + change * moved[:, 1]) * moved[:, 0]
        slope, change = self._upright
        x = moved[:, 0] - (slope + change * moved[:, 0]) * y
        return np.stack([x, y], 1) + self._middle


def _slant(points: Points, height: float) -> tuple[float, float]:
    """Slope of the lines through the middle, and how it changes per px across, most lines level."""
    if len(points) < 2:
        return 0.0, 0.0
    x, y = points[:, 0], points[:, 1]
    reach = max(float(np.ptp(y)), height)
    best, found = -1.0, (0.0, 0.0)
    span, most_change = STEEPEST, 0.25 / reach
    centre = (0.0, 0.0)
    for grid in (15, 9, 9):
        slopes = centre[0] + np.linspace(-span, span, grid * 2 + 1)
        changes = centre[1] + np.linspace(-most_change, most_change, grid)
        for change in changes:
            level = y[None] - (slopes[:, None] + change * y[None]) * x[None]
            apart = (level[:, :, None] - level[:, None, :]) / (0.15 * height)
            sharp = np.exp(-(apart**2)).sum((1, 2)) - 0.5 * np.abs(slopes) - 20 * abs(change)
            at = int(sharp.argmax())
            if sharp[at] > best:
                best, found = float(sharp[at]), (float(slopes[at]), float(change))
        centre, span, most_change = found, span / grid * 1.5, most_change / grid * 3
    return found


def fit(names: Sequence[Name], numbers: Sequence[Number]) -> Layout | None:
    """The layout of the board; None where there is no board, or none that is beyond doubt.

    What is far larger or smaller than the board's numbers, and may be more, is left out where the
    board is not found among all.
    """
    found = _fit(names, numbers)
    if found or not names:
        return found
    for alike in _of_like_height(numbers):
        found = _fit(names, alike)
        if found:
            return found
    return None


def _of_like_height(numbers: Sequence[Number]) -> Iterable[list[Number]]:
    """The numbers by their height, the largest ones first; not all at once."""
    left = sorted(numbers, key=lambda number: -number.height)
    while left:
        alike = [number for number in left if number.height * UNLIKE > left[0].height]
        if len(alike) < len(numbers):
            yield alike
        left = left[len(alike) :]


def _fit(names: Sequence[Name], numbers: Sequence[Number]) -> Layout | None:
    if not names or len(numbers) < LEAST_FOUND:
        return None
    height = float(np.median([number.height for number in numbers]))
    found = np.array([number.centre for number in numbers], float)
    anchors = np.array([[name.left, name.centre, name.right] for name in names], float)
    straight = _Straight.of(np.concatenate([found, anchors[:, 1]]), found, height)
    flat = straight(found)
    flat_anchors = np.stack([straight(anchors[:, i]) for i in range(3)], 1)
    scored = _scored(names, flat_anchors, flat, height, is_slanted=straight.is_slanted)
    if not scored:
        return None
    (first_score, way, wheels), *others = scored
    # From here on only what is as large as the board's numbers counts: tickers and clocks are not.
    heights = np.array([number.height for number in numbers])
    match = _matches(way.places(flat_anchors[list(wheels.values()), way.anchor]), way, flat, height)
    if (match >= 0).any():
        height = float(np.median(heights[match[match >= 0]]))
        is_like = np.abs(np.log(heights / height)) < np.log(UNLIKE)
        found, flat, heights = found[is_like], flat[is_like], heights[is_like]
    wheels |= _aligned(names, flat_anchors[:, way.anchor], wheels, way)
    chosen = flat_anchors[list(wheels.values()), way.anchor]
    lines = way.places(chosen)
    if straight.is_slanted:
        way, lines = _in_perspective(way, chosen, flat, height)
    lines = _five(way, lines, flat, height)
    if _goes_on(way, lines, flat, height):
        return None
    is_kept = ~_are_off(way, lines, chosen, flat, height)
    wheels = {wheel: at for (wheel, at), kept in zip(wheels.items(), is_kept, strict=True) if kept}
    lines = lines[is_kept]
    if not wheels:
        return None
    is_settled = _are_whole(way, lines, flat, height)
    score = (_matches(lines, way, flat, height) >= 0).sum()
    for other_score, other, its in others:
        if other_score * CLEAR_LEAD > first_score and _differ(way, other, shifts=not is_settled):
            there = other.places(flat_anchors[list(its.values()), other.anchor])
            claimed = set(_matches(there, other, flat, height).ravel()) - {-1}
            if len(claimed) * CLEAR_LEAD > score:
                return None
    places = dict(zip(wheels, lines, strict=True))
    placed = _with_unnamed(places, way, flat, height)
    if placed is None or not _in_order(placed, set(places), way):
        return None
    read = {wheel: (names[index].left, names[index].right) for wheel, index in wheels.items()}
    lines = np.array(list(placed.values()))
    match = _matches(lines, way, flat, height)
    return _placed(way, placed, match, read, found, float(np.median(heights[match[match >= 0]])))


def _scored(
    names: Sequence[Name], anchors: Points, flat: Points, height: float, *, is_slanted: bool
) -> list[tuple[float, _Way, dict[str, int]]]:
    """The ways that explain most, best first, with the name that counts for each wheel."""
    votes: Counter[tuple[Any, ...]] = Counter()
    ways: dict[tuple[Any, ...], list[_Way]] = {}
    for way in _ways(anchors, flat, height):
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
        way = _Way(kind, anchor, (offset[0], offset[1]), (step[0], step[1]))
        if is_slanted and rank < BEST_SLANTED:
            way, places = _in_perspective(way, anchors[:, way.anchor], flat, height)
        else:
            places = way.places(anchors[:, way.anchor])
            way = _refined(way, places, anchors[:, way.anchor], 1.0, flat, height)
            places = way.places(anchors[:, way.anchor])
        match = _matches(places, way, flat, height)
        hits = (match >= 0).sum(1) - _strangers(places, match, way, flat, height)
        wheels: dict[str, int] = {}
        for index, name in enumerate(names):
            if hits[index] >= LEAST_FOUND and hits[index] > (
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


def _ways(anchors: Points, flat: Points, height: float) -> Iterable[_Way]:
    """Every way that two places of numbers beside or below a name may tell of."""
    for name in anchors:
        (x, y), right = name[1], name[2, 0]
        dx, dy = flat[:, 0] - x, flat[:, 1] - y
        beside = np.flatnonzero((np.abs(dy) < NEAR * height) & (flat[:, 0] > right))
        for anchor in range(3):
            for offset, step in _steps(flat[beside, 0] - name[anchor, 0], height, most=6):
                yield _Way("row", anchor, (offset, 0.0), (step, 0.0))
        below = np.flatnonzero((np.abs(dx) < NEAR * height) & (dy > 0.5 * height))
        for offset, step in _steps(dy[below], height, most=6):
            yield _Way("column", 1, (0.0, offset), (0.0, step))
        near = np.flatnonzero((np.abs(dy) > 0.6 * height) & (np.abs(dy) < 7 * height))
        for level in _levels(dy[near], height):
            line = near[np.abs(dy[near] - level) < NEAR * height / 2]
            line = line[np.argsort(np.abs(dx[line]))][:7]
            for offset, step in _steps(dx[line], height, most=7):
                if abs(offset + 2 * step) < 0.4 * step:
                    yield _Way("card", 1, (-2 * step, level), (step, 0.0))


def _steps(along: Points, height: float, most: int) -> Iterable[tuple[float, float]]:
    """Offset and step, should two of these be two of the five places."""
    along = np.sort(along)[:most]
    for i in range(len(along)):
        for j in range(i + 1, len(along)):
            for first in range(DRAWN - 1):
                for second in range(first + 1, DRAWN):
                    step = (along[j] - along[i]) / (second - first)
                    if step > 0.9 * height:
                        yield float(along[i] - first * step), float(step)


def _levels(heights: Points, height: float) -> list[float]:
    """The middle of each group of points at one level."""
    levels: list[float] = []
    for value in np.sort(heights):
        if not levels or value - levels[-1] > NEAR * height / 2:
            levels.append(float(value))
    return levels


def _matches(places: Points, way: _Way, flat: Points, height: float) -> NDArray[np.int64]:
    """`(count, 5)`: which point is at each place; -1 where none is."""
    step = max(abs(way.step[0]), abs(way.step[1]))
    along, across = min(ALONG * step, 1.5 * height), NEAR * height
    reach = np.array([along, across] if way.step[0] else [across, along])
    apart = np.abs(places[:, :, None] - flat) / reach
    far = np.where((apart < 1).all(3), np.hypot(apart[..., 0], apart[..., 1]), np.inf)
    nearest = far.argmin(2)
    return np.where(np.isfinite(far.min(2)), nearest, -1)


def _strangers(
    places: Points, match: NDArray[np.int64], way: _Way, flat: Points, height: float
) -> NDArray[np.int64]:
    """How many points stand between a line's places: a line of every other number has four."""
    axis = 0 if way.step[0] else 1
    aside = np.abs(flat[:, 1 - axis] - places[:, :1, 1 - axis]) < NEAR * height
    within = (flat[:, axis] > places[:, :1, axis]) & (flat[:, axis] < places[:, -1:, axis])
    strange = aside & within
    for line, points in zip(strange, match, strict=True):
        line[points[points >= 0]] = False
    return np.asarray(strange.sum(1))


def _refined(
    way: _Way, places: Points, anchors: Points, scale: Any, flat: Points, height: float
) -> _Way:
    """The way as all lines at these places together tell of it."""
    match = _matches(places, way, flat, height)
    good = (match >= 0) & ((match >= 0).sum(1) >= LEAST_FOUND)[:, None]
    if good.sum() < LEAST_FOUND:
        return way
    off = ((flat[match] - anchors[:, None]) / scale)[good]
    index = np.broadcast_to(np.arange(DRAWN), match.shape)[good].astype(float)
    axis = 0 if way.step[0] else 1
    if not np.ptp(index):
        return way
    slope, start = np.polyfit(index, off[:, axis], 1)
    aside = float(np.median(off[:, 1 - axis]))
    offset = (float(start), aside) if axis == 0 else (aside, float(start))
    step = (float(slope), 0.0) if axis == 0 else (0.0, float(slope))
    return way._replace(offset=offset, step=step)


def _in_perspective(way: _Way, anchors: Points, flat: Points, height: float) -> tuple[_Way, Points]:
    """The way and its places where, as on photographs, what is farther away is smaller."""
    if len(anchors) < LEAST_FOUND:
        return way, way.places(anchors)
    from_middle = (anchors - anchors.mean(0)) / max(float(np.ptp(anchors, axis=0).max()), 1.0)
    found = way.places(anchors)
    for _ in range(2):
        best, scale = -np.inf, np.ones((len(anchors), 1, 1))
        for along in SCALES:
            for down in SCALES:
                scales = (1 + along * from_middle[:, 0] + down * from_middle[:, 1])[:, None, None]
                places = anchors[:, None] + (way.places(np.zeros((1, 2)))) * scales
                match = _matches(places, way, flat, height)
                apart = np.hypot(*np.moveaxis(flat[match] - places, 2, 0))
                good = (1 - apart / (2 * height))[match >= 0].sum() - abs(along) - abs(down)
                if good > best:
                    best, found, scale = good, places, scales
        way = _refined(way, found, anchors, scale, flat, height)
        found = anchors[:, None] + way.places(np.zeros((1, 2))) * scale
    return way, found


def _five(way: _Way, lines: Points, flat: Points, height: float) -> Points:
    """Lines beside names, each moved by a place where that is where its five numbers are."""
    if way.kind != "row":
        return lines
    moved = _as_found(lines, _matches(lines, way, flat, height), flat)
    for line in moved:
        step = (line[-1] - line[0]) / (DRAWN - 1)
        there = _matches(_wider(line[None]), way, flat, height)[0] >= 0
        if there.sum() == DRAWN and not there[1:-1].all():
            line += step if there[-1] else -step
    return moved


def _wider(lines: Points) -> Points:
    """`(count, 7, 2)`: the five places of each line, the one before and the one after."""
    step = (lines[:, -1:] - lines[:, :1]) / (DRAWN - 1)
    return np.asarray(lines[:, :1] + np.arange(-1, DRAWN + 1)[:, None] * step, float)


def _are_off(
    way: _Way, lines: Points, anchors: Points, flat: Points, height: float
) -> NDArray[np.bool_]:
    """Which lines lack numbers but have one before or after them: they may be a place off."""
    match = _matches(_wider(lines), way, flat, height)
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
        if len(at) >= LEAST_FOUND:
            off = found[points[at]] - line[at]
            middle = np.median(off, 0)
            spread = np.abs(off - middle).mean(0)
            weight = 1 / (1 + spread**2 / len(at) / steady**2)
            place = at - at.mean()
            turn = place @ (off - middle) / (place @ place + STIFF)
            line += weight * (middle + (np.arange(DRAWN) - at.mean())[:, None] * turn)
    return moved


def _are_whole(way: _Way, lines: Points, flat: Points, height: float) -> bool:
    """Whether most lines beside names have all their numbers: then none can be a place off."""
    whole = (_matches(lines, way, flat, height) >= 0).all(1).sum()
    return way.kind == "row" and bool(whole * 2 > len(lines))


def _differ(way: _Way, other: _Way, *, shifts: bool) -> bool:
    """Whether the ways tell of different places, not the same with another anchor.

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


def _goes_on(way: _Way, lines: Points, flat: Points, height: float) -> bool:
    """Whether most lines have a sixth number: then it is another table than of draws."""
    step = lines[:, -1] - lines[:, -2]
    for places in (lines[:, -1] + step, lines[:, 0] - step):
        more = (_matches(places[:, None], way, flat, height) >= 0).sum()
        if more * 2 > len(lines):
            return True
    return False


def _aligned(
    names: Sequence[Name], anchors: Points, wheels: dict[str, int], way: _Way
) -> dict[str, int]:
    """Names in line with those whose numbers were found, though most of their own were not."""
    if len(wheels) < LEAST_FOUND:
        return {}
    known = anchors[list(wheels.values())]
    axis = 1 if way.kind == "column" else 0
    near = ALONG * float(np.hypot(*way.step))
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        is_in_line = np.abs(known[:, axis] - anchors[index, axis]).min() < near
        if name.wheel not in wheels and name.wheel not in found and is_in_line:
            found[name.wheel] = index
    return found


def _with_unnamed(
    places: dict[str, Points], way: _Way, flat: Points, height: float
) -> dict[str, Points] | None:
    """The places also of wheels whose names could not be read, by the others' order.

    None where lines without a name leave no order: then the names are wrong, or a line off; unless
    so many names were read that they may be in any.
    """
    used = set()
    for each in places.values():
        used |= set(_matches(each[None], way, flat, height)[0].tolist())
    free = [index for index in range(len(flat)) if index not in used]
    unnamed: list[Points] = []
    for index in free:  # a line of numbers as the others', that no name explains
        line = flat[index] + np.arange(DRAWN)[:, None] * np.array(way.step)
        match = _matches(line[None], way, flat, height)[0]
        if (match >= 0).sum() >= LEAST_FOUND + 1 and not used & set(match[match >= 0].tolist()):
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


def _is_of_board(line: Points, others: list[Points], way: _Way) -> bool:
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
    away = np.abs(levels - line[0, 1 - along]).min() / gaps.min()
    return bool(away > 0.5 and abs(away - round(away)) < 0.25)


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


def _reading_order(lines: Sequence[Points], way: _Way, height: float) -> list[int]:
    """How boards run: columns from the left, cards line by line, tables down and then on."""
    first = np.array([line[0] for line in lines])
    if way.kind == "column":
        return [int(i) for i in np.argsort(first[:, 0])]
    x, y = first[:, 0], first[:, 1]
    if way.kind == "row":
        block = (x / max(abs(way.step[0]) * 3, height)).round()
        return [int(i) for i in np.lexsort((y, block))]
    levels = _levels(y, height * 2)
    level = np.array([int(np.argmin([abs(value - at) for at in levels])) for value in y])
    return [int(i) for i in np.lexsort((x, level))]


def _in_order(places: dict[str, Points], named: set[str], way: _Way) -> bool:
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


def _placed(
    way: _Way,
    places: dict[str, Points],
    match: NDArray[np.int64],
    names: dict[str, Any],
    found: Points,
    height: float,
) -> Layout:
    """The layout on the picture itself, slanted as that is."""
    lines = np.array(list(places.values()))
    good = match >= 0
    back = _back(lines[good], found[match[good]], height)
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


def _back(flat: Points, found: Points, height: float) -> Callable[[Points], Points]:
    """From the straight board to the picture; what does not fit counts little."""
    middle, spread = flat.mean(0), max(float(np.ptp(flat, axis=0).max()), height)

    def terms(points: Points) -> Points:
        x, y = ((points - middle) / spread).T
        return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)

    # Where few points tell, or all of one line, they are moved and turned but not bent.
    stiff = np.array([0, 0, 0, 1, 1, 1]) * (0.01 if len(flat) >= PLENTY else 1e6)
    stiff += np.array([0, 1, 1, 0, 0, 0]) * 1e-3
    known, off = terms(flat), found - flat
    weight = np.ones(len(flat))
    for _ in range(ROUNDS):
        weighted = known.T * weight
        factors = np.linalg.solve(weighted @ known + np.diag(stiff), weighted @ off)
        apart = np.hypot(*(off - known @ factors).T)
        weight = 1 / (1 + (apart / (0.15 * height)) ** 2)
    return lambda points: np.asarray(points + terms(points) @ factors, float)
