"""Picture files for the tests."""

from __future__ import annotations

import base64
import io
import random

import cv2
from PIL import Image

from ocr.synthetic import boards
from ocr.synthetic.boards import Appearance


def board_file(shown: int = 11) -> tuple[dict[str, list[int]], bytes]:
    wheels = boards.invented_wheels(random.Random(8))
    some = {
        wheel: numbers if i < shown else [] for i, (wheel, numbers) in enumerate(wheels.items())
    }
    image = boards.draw(some, Appearance("table")).image
    return wheels, cv2.imencode(".png", image)[1].tobytes()


def plain_file() -> bytes:
    """A picture without a board, which is read in a quarter of the time."""
    file = io.BytesIO()
    Image.new("RGB", (640, 360), "green").save(file, "JPEG")
    return file.getvalue()


def base64_of(file: bytes) -> str:
    return base64.b64encode(file).decode()
