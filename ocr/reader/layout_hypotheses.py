"""How the numbers of a wheel may stand to its name, and which numbers stand so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lotto.types import DRAWN
from ocr.reader.rectify import Points

NEAR: Final = 0.6  # of a number's height: what still is the same place, across the line
ALONG: Final = 0.3  # of the step: the same along the line
MIN_FOUND: Final = 3  # of a wheel's five places
SCALES: Final = np.linspace(-0.3, 0.3, 7)  # of a board's far end against its middle


class Way(NamedTuple):
    """How a wheel's numbers stand to its name."""

    kind: str
    anchor: int  # of the name: 0 its left edge, 1 its middle, 2 its right edge
    offset: tuple[float, float]
    step: tuple[float, float]

    def places(self, anchors: Points) -> Points:
        """`(count, 5, 2)` of `(count, 2)`."""
        steps = np.arange(DRAWN)[:, None] * np.array(self.step)
        return np.asarray(anchors[:, None] + np.array(self.offset) + steps, float)


def possible_ways(anchors: Points, flat: Points, height: float) -> Iterable[Way]:
    """Every way that two places of numbers beside or below a name may belong to."""
    for name in anchors:
        (x, y), right = name[1], name[2, 0]
        dx, dy = flat[:, 0] - x, flat[:, 1] - y
        beside = np.flatnonzero((np.abs(dy) < NEAR * height) & (flat[:, 0] > right))
        for anchor in range(3):
            for offset, step in _steps(flat[beside, 0] - name[anchor, 0], height, maximum=6):
                yield Way("row", anchor, (offset, 0.0), (step, 0.0))
        below = np.flatnonzero((np.abs(dx) < NEAR * height) & (dy > 0.5 * height))
        for offset, step in _steps(dy[below], height, maximum=6):
            yield Way("column", 1, (0.0, offset), (0.0, step))
        near = np.flatnonzero((np.abs(dy) > 0.6 * height) & (np.abs(dy) < 7 * height))
        for level in levels_of(dy[near], height):
            line = near[np.abs(dy[near] - level) < NEAR * height / 2]
            line = line[np.argsort(np.abs(dx[line]))][:7]
            for offset, step in _steps(dx[line], height, maximum=7):
                if abs(offset + 2 * step) < 0.4 * step:
                    yield Way("card", 1, (-2 * step, level), (step, 0.0))


def _steps(along: Points, height: float, maximum: int) -> Iterable[tuple[float, float]]:
    """Offset and step, should two of these be two of the five places."""
    along = np.sort(along)[:maximum]
    for i in range(len(along)):
        for j in range(i + 1, len(along)):
            for first in range(DRAWN - 1):
                for second in range(first + 1, DRAWN):
                    step = (along[j] - along[i]) / (second - first)
                    if step > 0.9 * height:
                        yield float(along[i] - first * step), float(step)


def levels_of(heights: Points, height: float) -> list[float]:
    """The middle of each group of points at one level."""
    levels: list[float] = []
    for value in np.sort(heights):
        if not levels or value - levels[-1] > NEAR * height / 2:
            levels.append(float(value))
    return levels


def matches(places: Points, way: Way, flat: Points, height: float) -> NDArray[np.int64]:
    """`(count, 5)`: which point is at each place; -1 where none is."""
    step = max(abs(way.step[0]), abs(way.step[1]))
    along, across = min(ALONG * step, 1.5 * height), NEAR * height
    reach = np.array([along, across] if way.step[0] else [across, along])
    apart = np.abs(places[:, :, None] - flat) / reach
    far = np.where((apart < 1).all(3), np.hypot(apart[..., 0], apart[..., 1]), np.inf)
    nearest = far.argmin(2)
    return np.where(np.isfinite(far.min(2)), nearest, -1)


def next_names(anchors: Points, height: float) -> Points:
    """`(count,)`: where on each name's level the next name to its right begins; else infinity."""
    left, middle = anchors[:, 0], anchors[:, 1]
    is_level = np.abs(middle[:, None, 1] - middle[None, :, 1]) < NEAR * height
    is_right = left[None, :, 0] > middle[:, None, 0]
    return np.asarray(np.where(is_level & is_right, left[None, :, 0], np.inf).min(1), float)


def strangers(
    places: Points, match: NDArray[np.int64], way: Way, flat: Points, height: float
) -> NDArray[np.int64]:
    """How many points stand between a line's places: a line of every other number has four."""
    axis = 0 if way.step[0] else 1
    aside = np.abs(flat[:, 1 - axis] - places[:, :1, 1 - axis]) < NEAR * height
    within = (flat[:, axis] > places[:, :1, axis]) & (flat[:, axis] < places[:, -1:, axis])
    strange = aside & within
    for line, points in zip(strange, match, strict=True):
        line[points[points >= 0]] = False
    return np.asarray(strange.sum(1))


def refined(
    way: Way, places: Points, anchors: Points, scale: Any, flat: Points, height: float
) -> Way:
    """The way that fits all lines at these places together."""
    match = matches(places, way, flat, height)
    good = (match >= 0) & ((match >= 0).sum(1) >= MIN_FOUND)[:, None]
    if good.sum() < MIN_FOUND:
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


def in_perspective(way: Way, anchors: Points, flat: Points, height: float) -> tuple[Way, Points]:
    """The way and its places where, as on photographs, what is farther away is smaller."""
    if len(anchors) < MIN_FOUND:
        return way, way.places(anchors)
    from_middle = (anchors - anchors.mean(0)) / max(float(np.ptp(anchors, axis=0).max()), 1.0)
    found = way.places(anchors)
    for _ in range(2):
        best, scale = -np.inf, np.ones((len(anchors), 1, 1))
        for along in SCALES:
            for down in SCALES:
                scales = (1 + along * from_middle[:, 0] + down * from_middle[:, 1])[:, None, None]
                places = anchors[:, None] + (way.places(np.zeros((1, 2)))) * scales
                match = matches(places, way, flat, height)
                apart = np.hypot(*np.moveaxis(flat[match] - places, 2, 0))
                good = (1 - apart / (2 * height))[match >= 0].sum() - abs(along) - abs(down)
                if good > best:
                    best, found, scale = good, places, scales
        way = refined(way, found, anchors, scale, flat, height)
        found = anchors[:, None] + way.places(np.zeros((1, 2))) * scale
    return way, found


def wider(lines: Points) -> Points:
    """`(count, 7, 2)`: the five places of each line, the one before and the one after."""
    step = (lines[:, -1:] - lines[:, :1]) / (DRAWN - 1)
    return np.asarray(lines[:, :1] + np.arange(-1, DRAWN + 1)[:, None] * step, float)
