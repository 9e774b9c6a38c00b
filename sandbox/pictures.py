"""Scenes of the sandbox's television as pictures, and pictures as video segments.

Imported for the first viewer: OpenCV, PyAV and the fonts are 60 MB that no other part needs.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any, Final, NamedTuple

import av
import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ocr.synthetic import boards
from ocr.synthetic.boards import Pixels
from sandbox.programme import Scene

ADVERTS: Final = (
    ("MATERASSI D'ORO", "-50%  da 199 euro", (190, 30, 60)),
    ("CHIAMA 899 55 12 34", "1,22 euro al minuto - solo maggiorenni", (20, 80, 160)),
    ("CAFFE DEL PORTO", "3 x 2   fino al 28", (90, 50, 20)),
    ("OROSCOPO", "Ariete 12  Toro 7  Gemelli 45", (70, 20, 120)),
)
LAYOUTS: Final[tuple[boards.BoardLayout, ...]] = ("table", "two", "cards")
CLOCK_HZ: Final = 90_000
WRAP: Final = 1 << 33  # where the clock of MPEG-TS starts again
LOW: Final = (720, 576)  # as digital television squeezes 16:9


class Encoding(NamedTuple):
    """How pictures are sent."""

    size: tuple[int, int]  # width, height
    crf: int  # x264's


QUALITIES: Final = {
    "1080": Encoding((1920, 1080), 23),
    "720": Encoding((1280, 720), 23),
    "low": Encoding(LOW, 33),
}


@lru_cache(4)
def drawn(scene: Scene, size: tuple[int, int]) -> Pixels:
    """The picture of a scene (height, width, BGR)."""
    image = {"advert": _advert, "presenter": _presenter, "board": _board}[scene.kind](scene)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def blurred(image: Pixels) -> Pixels:
    """Out of focus, so that no number can be read."""
    return cv2.GaussianBlur(image, (0, 0), image.shape[0] / 60).astype(np.uint8)


def encoded(images: Sequence[Pixels], *, begins_s: float, rate: int, crf: int) -> bytes:
    """A segment of MPEG-TS, `rate` pictures a second, whose clock begins at `begins_s`."""
    file = io.BytesIO()
    with av.open(
        file, "w", format="mpegts", options={"mpegts_flags": "initial_discontinuity"}
    ) as to:
        stream: Any = to.add_stream("libx264", rate=rate, options={
            "preset": "superfast", "crf": str(crf), "threads": "1", "bf": "0", "g": "1000",
        })  # fmt: skip
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
        for place, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.time_base = Fraction(1, CLOCK_HZ)
            frame.pts = int(begins_s * CLOCK_HZ) % WRAP + place * CLOCK_HZ // rate
            to.mux(stream.encode(frame))
        to.mux(stream.encode())
    return file.getvalue()


def _board(scene: Scene) -> Pixels:
    day = scene.day
    dice = Random(f"look {day}")
    look = boards.Appearance(
        dice.choice(LAYOUTS),
        palette=dice.randrange(6),
        ground=dice.choice(("plain", "fade")),
        mark=dice.choice(("plain", "ball", "tile")),
        capitals=dice.random() < 0.5,
        two_digits=dice.random() < 0.5,
        second_game=dice.random() < 0.3,
        title="I NUMERI DEL LOTTO",
        subtitle=f"Estrazione del {day:%d/%m/%Y} - dati inventati",
        clock=scene.clock,
        dice=dice.randrange(1 << 30),
    )
    return boards.draw(dict(scene.wheels), look).image


def _advert(scene: Scene) -> Pixels:
    title, text, colour = ADVERTS[scene.number % len(ADVERTS)]
    canvas = Image.new("RGB", boards.SIZE, colour)
    pen = ImageDraw.Draw(canvas)
    for ray in range(0, 360, 30):
        angle = math.radians(ray + 15)
        pen.line((960, 540, 960 + 1200 * math.cos(angle), 540 + 1200 * math.sin(angle)),
                 (255, 255, 255), 6)  # fmt: skip
    pen.rounded_rectangle((260, 330, 1660, 750), 40, (250, 240, 200))
    pen.text((960, 460), title, colour, ImageFont.load_default(120), "mm")
    pen.text((960, 630), text, (20, 20, 20), ImageFont.load_default(64), "mm")
    return _bgr(canvas)


def _presenter(scene: Scene) -> Pixels:
    canvas = Image.new("RGB", boards.SIZE, (30, 60, 110))
    pen = ImageDraw.Draw(canvas)
    pen.rectangle((0, 760, 1920, 1080), (60, 40, 30))
    pen.ellipse((820, 190, 1100, 530), (225, 180, 150))
    pen.pieslice((620, 520, 1300, 1300), 180, 360, (120, 20, 40))
    pen.rectangle((120, 850, 1800, 1000), (250, 250, 250))
    pen.text((160, 925), "IN DIRETTA  Sala estrazioni - dati inventati", (20, 20, 60),
             ImageFont.load_default(60), "lm")  # fmt: skip
    pen.text((1750, 60), scene.clock, (250, 250, 250), ImageFont.load_default(40), "mm")
    return _bgr(canvas)


def _bgr(canvas: Image.Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(canvas)[:, :, ::-1])
