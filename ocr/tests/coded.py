"""Pictures that only tests can read: a board's numbers as black and white blocks.

They survive video and JPEG, cost next to nothing to draw, encode and read, and carry what is on the
air at that very frame. So an evening needs the reader's engines only where reading is the claim.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from lotto.types import WHEELS
from ocr.reader.types import Box
from ocr.synthetic.boards import Pixels
from sandbox.programme import Scene

SIZE: Final = (320, 180)
BLOCK: Final = 8  # px
COLUMNS, ROWS = SIZE[0] // BLOCK, 2 + len(WHEELS)  # a known row, a row a wheel, a checksum
SHADES: Final = {"advert": 200, "presenter": 90}
SHARP: Final = 0.8  # of full contrast
KNOWN: Final = np.arange(COLUMNS) % 2

Numbers = Sequence[int | None]


class Coded(NamedTuple):
    """A board as it was drawn, None for a number that is not out yet; whether it is in focus."""

    wheels: dict[str, list[int | None]]
    is_sharp: bool


def drawn(scene: Scene, size: tuple[int, int] = SIZE) -> Pixels:
    """The picture of a scene, as small as it may be whatever `size` was asked for."""
    if scene.kind == "board":
        return board(dict(scene.wheels))
    return np.full((SIZE[1], SIZE[0], 3), SHADES[scene.kind] + scene.number, np.uint8)


def board(wheels: Mapping[str, Numbers]) -> Pixels:
    """The picture of a board; None stands for a number that is not out yet."""
    lines = [bytes(_five(wheels.get(wheel, ()))) for wheel in WHEELS]
    checksum = zlib.crc32(b"".join(lines)).to_bytes(5)
    bits = np.array([KNOWN, *(np.unpackbits(np.frombuffer(each, np.uint8)) for each in lines),
                     np.unpackbits(np.frombuffer(checksum, np.uint8))])  # fmt: skip
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    blocks = (bits * 255).astype(np.uint8).repeat(BLOCK, 0).repeat(BLOCK, 1)
    image[: ROWS * BLOCK] = blocks[:, :, None]
    return image


def read(image: Pixels) -> Coded | None:
    """What such a picture shows; None for any other one."""
    if image.shape[:2] != SIZE[::-1]:
        return None
    grey = image[: ROWS * BLOCK].mean(2).reshape(ROWS, BLOCK, COLUMNS, BLOCK)
    middle = grey[:, 2:-2, :, 2:-2].mean((1, 3)) / 255
    bits = (middle > 0.5).astype(np.uint8)
    first, *lines, checksum = np.packbits(bits, axis=1)
    if (np.unpackbits(first) != KNOWN).any():
        return None
    if zlib.crc32(b"".join(map(bytes, lines))) != int.from_bytes(bytes(checksum)):
        return None
    shown = {
        wheel: [int(number) or None for number in line]
        for wheel, line in zip(WHEELS, lines, strict=True)
        if line.any()
    }
    contrast = middle[0][KNOWN == 1].mean() - middle[0][KNOWN == 0].mean()
    return Coded(shown, bool(contrast > SHARP))


def box(wheel: str) -> Box:
    """Where a wheel's numbers are."""
    top = (1 + list(WHEELS).index(wheel)) * BLOCK
    return 0, top, SIZE[0], top + BLOCK


def _five(numbers: Numbers) -> list[int]:
    return [number or 0 for number in numbers] + [0] * (5 - len(numbers))
