"""A picture without its slant, and the way back: photographs are taken from aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

STEEPEST: Final = 0.22  # slope of a line on a photograph
PLENTY: Final = 12  # of points for a projection to follow from them
ROUNDS: Final = 6  # until those that do not fit are known
STILL_UPRIGHT: Final = 0.008  # slope; per 1,000 px for its change


class Straight:
    """The picture without its slant: lines level, columns upright. Slants may change steadily."""

    def __init__(self, middle: Points) -> None:
        self._middle = middle
        self._level = self._upright = (0.0, 0.0)

    @classmethod
    def of(cls, points: Points, columns: Points, height: float) -> Straight:
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
    span, max_change = STEEPEST, 0.25 / reach
    centre = (0.0, 0.0)
    for grid in (15, 9, 9):
        slopes = centre[0] + np.linspace(-span, span, grid * 2 + 1)
        changes = centre[1] + np.linspace(-max_change, max_change, grid)
        for change in changes:
            level = y[None] - (slopes[:, None] + change * y[None]) * x[None]
            apart = (level[:, :, None] - level[:, None, :]) / (0.15 * height)
            sharp = np.exp(-(apart**2)).sum((1, 2)) - 0.5 * np.abs(slopes) - 20 * abs(change)
            at = int(sharp.argmax())
            if sharp[at] > best:
                best, found = float(sharp[at]), (float(slopes[at]), float(change))
        centre, span, max_change = found, span / grid * 1.5, max_change / grid * 3
    return found


def way_back(flat: Points, found: Points, height: float) -> Callable[[Points], Points]:
    """From the straight board to the picture; what does not fit counts little."""
    middle, spread = flat.mean(0), max(float(np.ptp(flat, axis=0).max()), height)

    def terms(points: Points) -> Points:
        x, y = ((points - middle) / spread).T
        return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)

    # Few points, or points of one line, give no curvature: they are moved and turned but not bent.
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
