"""The cells of a layout, cut out of the picture upright."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lotto.types import DRAWN
from ocr.reader.types import Box, Layout, Pixels

PX: Final = 48  # height of what is cut out
WIDEST: Final = 1.5  # of its height
OF_STEP: Final = 1.04  # of the way to the next number, at most: that must not be read, too


def cut(image: Pixels, layout: Layout, wheels: Iterable[str], *, size: float) -> list[Pixels]:
    """The five cells of each wheel, wheel by wheel, all `(48, width, 3)`.

    `size` is the height that is cut, in heights of the layout's numbers.
    """
    wide = WIDEST
    if layout.kind != "column" and layout.cells:
        lines = np.array(list(layout.cells.values()))
        step = float(np.median(np.hypot(*(lines[:, -1] - lines[:, 0]).T))) / (DRAWN - 1)
        wide = min(wide, OF_STEP * step / (size * layout.height))
    width = round(PX * wide)
    along, down = layout.across[0] * size / 2 * wide, layout.across[1] * size / 2
    corners = np.array([[0, 0], [width, 0], [0, PX]], np.float32)
    crops = []
    for wheel in wheels:
        for centre in layout.cells[wheel]:
            source = np.array(
                [centre - along - down, centre + along - down, centre - along + down], np.float32
            )
            matrix = cv2.getAffineTransform(source, corners)
            crops.append(_cut(image, matrix, width, float(np.hypot(*down)) * 2))
    return crops


def numbers(layout: Layout) -> NDArray[np.int64]:
    """The boxes (left, top, right, bottom) of all cells, not turned."""
    centres = np.concatenate(list(layout.cells.values()))
    half = np.array([0.75, 0.6]) * layout.height
    return np.concatenate([centres - half, centres + half], 1).round().astype(np.int64)


def names(layout: Layout) -> NDArray[np.int64]:
    """The boxes of the names that were read, not turned."""
    ends = np.array(list(layout.names.values()))
    half = np.array([0.0, 0.5]) * layout.height
    boxes = np.concatenate([ends.min(1) - half, ends.max(1) + half], 1)
    return boxes.round().astype(np.int64)


def wheels(layout: Layout, image: Pixels) -> dict[str, Box]:
    """The box of each wheel: its numbers with some room, and its name where that was read."""
    height, width = image.shape[:2]
    boxes = {}
    for wheel, centres in layout.cells.items():
        points = np.concatenate([centres, layout.names.get(wheel, centres[:1])])
        low, high = points.min(0) - layout.height, points.max(0) + layout.height
        left, top = np.clip(low, 0, (width - 1, height - 1)).astype(int).tolist()
        right, bottom = np.clip(high, (left + 1, top + 1), (width, height)).astype(int).tolist()
        boxes[wheel] = (left, top, right, bottom)
    return boxes


def _cut(image: Pixels, matrix: Any, width: int, high: float) -> Pixels:
    flags = cv2.INTER_AREA if high > PX else cv2.INTER_CUBIC
    cut = cv2.warpAffine(image, matrix, (width, PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)
