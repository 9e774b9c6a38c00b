"""What is done to a frame before it is read."""

from __future__ import annotations

from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.reader.types import Pixels

COMBED: Final = 0.72  # of the ratio below, measured on moving and still material
MIN_SHARP: Final = 1.0  # grey levels between rows two apart: less is a picture of nothing
SAME_PICTURE: Final = 0.5  # response of the phase correlation of two fields; over 0.7 in a pan
FARTHEST: Final = 24.0  # px that a picture moves from one field to the next
SOFT: Final = np.array([1, 2, 1], np.float32) / 4  # over rows: what is left of the comb


def deinterlaced(image: Pixels) -> Pixels:
    """A frame that shows two moments as one of them, in the frame's size; others as they are.

    In a combed frame neighbouring rows differ more than rows two apart, which are of one field.
    Where the whole picture moved sideways, as slow pans do, the second field is moved back, and
    all rows are of use; else only the first one is.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    rows = grey.astype(np.int16)
    near = float(np.abs(rows[1:] - rows[:-1]).mean())
    far = float(np.abs(rows[2:] - rows[:-2]).mean())
    if far < MIN_SHARP or near / far <= COMBED:
        return image
    moved = _moved(grey.astype(np.float32))
    if moved is None:
        height, width = image.shape[:2]
        field = cv2.resize(image[::2], (width, height), interpolation=cv2.INTER_CUBIC)
        return cast(Pixels, field)
    woven = image.copy()
    second = np.ascontiguousarray(image[1::2])
    woven[1::2] = cv2.warpAffine(
        second, np.array([[1, 0, -moved], [0, 1, 0]], np.float32), second.shape[1::-1],
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return cast(Pixels, cv2.sepFilter2D(woven, -1, np.ones(1, np.float32), SOFT))


def _moved(grey: NDArray[np.float32]) -> float | None:
    """How many px the second field stands to the right of the first; None if it shows another."""
    height, width = len(grey) // 2, grey.shape[1]
    first, second = grey[: 2 * height : 2], grey[1 : 2 * height : 2]
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (along, _), response = cv2.phaseCorrelate(first, second, window)
    return along if response >= SAME_PICTURE and abs(along) <= FARTHEST else None
