"""What is done to a frame before it is read, and how two frames are told apart."""

from __future__ import annotations

from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

COMBED: Final = 0.72  # of the ratio below, measured on moving and still material
LEAST_SHARP: Final = 1.0  # grey levels between rows two apart: less is a picture of nothing


def deinterlaced(image: Pixels) -> Pixels:
    """One field of a frame that shows two moments, in the frame's size; others as they are.

    In a combed frame neighbouring rows differ more than rows two apart, which are of one field.
    """
    rows = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.int16)
    near = float(np.abs(rows[1:] - rows[:-1]).mean())
    far = float(np.abs(rows[2:] - rows[:-2]).mean())
    if far < LEAST_SHARP or near / far <= COMBED:
        return image
    height, width = image.shape[:2]
    field = cv2.resize(image[::2], (width, height), interpolation=cv2.INTER_CUBIC)
    return cast(Pixels, field)
