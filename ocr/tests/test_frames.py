"""What is done to a frame before it is read."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from ocr.reader.frames import deinterlaced
from ocr.synthetic import boards
from ocr.synthetic.boards import Appearance


@pytest.fixture(scope="module")
def still() -> Any:
    wheels = {wheel: [1, 22, 33, 47, 90] for wheel in boards.ORDER}
    image = boards.draw(wheels, Appearance("table")).image
    return cv2.GaussianBlur(cv2.resize(image, (720, 576), interpolation=cv2.INTER_AREA), (0, 0), 1)


def combed(image: Any, other: Any) -> Any:
    """A frame whose second field is of another picture."""
    frame = image.copy()
    frame[1::2] = other[1::2]
    return frame


def off(image: Any, still: Any) -> float:
    """Grey levels by which it differs, its edges left out."""
    inner = np.s_[20:-20, 20:-20]
    return float(np.abs(image[inner].astype(float) - still[inner]).mean())


def test_a_frame_of_one_moment_stays_as_it_is(still: Any) -> None:
    assert deinterlaced(still) is still
    black = np.zeros_like(still)
    assert deinterlaced(black) is black


@pytest.mark.parametrize("px", [-5.0, -1.5, 2.0, 3.25])
def test_a_pan_is_moved_back_and_keeps_all_its_rows(still: Any, px: float) -> None:
    matrix = np.array([[1, 0, px], [0, 1, 0]], np.float32)
    frame = combed(still, cv2.warpAffine(still, matrix, (720, 576), flags=cv2.INTER_CUBIC))
    field = cv2.resize(still[::2], (720, 576), interpolation=cv2.INTER_CUBIC)
    assert off(deinterlaced(frame), still) < off(field, still) < off(frame, still)


def test_of_two_pictures_the_first_is_shown(still: Any) -> None:
    frame = combed(still, np.random.default_rng(2).integers(0, 256, still.shape, np.uint8))
    assert off(deinterlaced(frame), still) < off(frame, still) / 4
