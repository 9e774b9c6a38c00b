"""What happens to the picture of a board on its way: encoders, cameras, a slow animation.

A spoilt picture knows where everything went, so that each cell of it can be cut out.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, cast

import av
import cv2
import numpy as np

from ocr.synthetic.boards import SIZE, Picture, Pixels, corners_of

Damage = Literal["clean1080", "tv720", "tv576", "photo"]
DAMAGES: Final[tuple[Damage, ...]] = ("clean1080", "tv720", "tv576", "photo")


def between(before: Picture, after: Picture, share: float) -> Picture:
    """A frame of the animation from one picture to the next: `share` (0 to 1) of the next one."""
    mixed = cv2.addWeighted(before.image, 1 - share, after.image, share, 0)
    return Picture(cast(Pixels, mixed), after.cells, after.names)


def blurred(picture: Picture, px: float) -> Picture:
    """The picture out of focus."""
    return Picture(
        cast(Pixels, cv2.GaussianBlur(picture.image, (0, 0), px)), picture.cells, picture.names
    )


def spoil(picture: Picture, damage: Damage, dice: random.Random) -> Picture:
    """The picture as it arrives: a clean frame, one of an encoded channel, a photograph of a TV."""
    return _DAMAGES[damage](picture, dice)


def _clean(picture: Picture, dice: random.Random) -> Picture:
    image = picture.image if dice.random() < 0.5 else _jpeg(picture.image, 92)
    return picture.moved(image, np.eye(3))


def _tv720(picture: Picture, dice: random.Random) -> Picture:
    small = _resized(picture, 1280, 720)
    image = cv2.GaussianBlur(small.image, (0, 0), dice.uniform(0.3, 0.8))
    image = _noisy(image, dice.uniform(1, 4), dice)
    small.image = _encoded([image] * 3, dice.randint(26, 31))
    return small


def _tv576(picture: Picture, dice: random.Random) -> Picture:
    small = _resized(picture, dice.choice((1024, 720)), 576)
    image = cv2.GaussianBlur(small.image, (0, 0), dice.uniform(0.4, 0.9))
    if dice.random() < 0.6:  # two fields of a picture that moves
        other = np.roll(image, dice.choice((-3, -2, 2, 3)), axis=1)
        image = image.copy()
        image[1::2] = other[1::2]
    image = _noisy(image, dice.uniform(3, 7), dice)
    small.image = _jpeg(_encoded([image] * 3, dice.randint(31, 36)), dice.randint(55, 75))
    return small


def _photo(picture: Picture, dice: random.Random) -> Picture:
    width, height = dice.choice(((1440, 1080), (1600, 1200), (1600, 900)))
    wide, high = width * dice.uniform(0.8, 0.93), 0.0
    high = wide * SIZE[1] / SIZE[0] * dice.uniform(0.9, 1.0)
    x, y = (width - wide) / 2, (height - high) / 2

    def about(px: float, py: float) -> tuple[float, float]:
        return px + dice.uniform(-0.035, 0.035) * width, py + dice.uniform(-0.035, 0.035) * height

    there = [about(x, y), about(x + wide, y), about(x + wide, y + high), about(x, y + high)]
    matrix = cv2.getPerspectiveTransform(corners_of(0, 0, *SIZE), np.array(there, np.float32))
    room = np.full((height, width, 3), dice.randint(40, 90), np.uint8)
    cv2.warpPerspective(
        picture.image, matrix, (width, height), room, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT
    )
    image = room.astype(np.float32) * dice.uniform(0.55, 0.95)
    yy, xx = np.mgrid[:height, :width].astype(np.float32)
    image *= (1 - 0.35 * np.hypot(xx / width - dice.random(), yy / height - dice.random()))[
        ..., None
    ]
    spot = np.hypot((xx - dice.random() * width) / width, (yy - dice.random() * height) / height)
    image += (np.exp(-(spot**2) * 30) * dice.uniform(0, 45))[..., None]
    image *= (1 + dice.uniform(0, 0.03) * np.sin(xx * dice.uniform(1.0, 1.8) + yy * 0.3))[..., None]
    blurred = cv2.GaussianBlur(image, (0, 0), dice.uniform(0.4, 1.1))
    length = dice.randint(1, 4)
    blurred = cv2.blur(blurred, (length, 1) if dice.random() < 0.5 else (1, length))
    spoilt = _noisy(blurred.clip(0, 255).astype(np.uint8), dice.uniform(2, 6), dice)
    return picture.moved(_jpeg(spoilt, dice.randint(62, 82)), np.asarray(matrix, np.float64))


_DAMAGES: Final[dict[Damage, Callable[[Picture, random.Random], Picture]]] = {
    "clean1080": _clean,
    "tv720": _tv720,
    "tv576": _tv576,
    "photo": _photo,
}


def _resized(picture: Picture, width: int, height: int) -> Picture:
    image = cv2.resize(picture.image, (width, height), interpolation=cv2.INTER_AREA)
    scale = np.diag([width / SIZE[0], height / SIZE[1], 1.0])
    return picture.moved(image.astype(np.uint8), scale)


def _noisy(image: Any, sigma: float, dice: random.Random) -> Pixels:
    noise = np.random.default_rng(dice.randrange(1 << 30)).normal(0, sigma, image.shape)
    return cast(Pixels, (image + noise).clip(0, 255).astype(np.uint8))


def _jpeg(image: Pixels, quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cast(Pixels, cv2.imdecode(data, cv2.IMREAD_COLOR))


def _encoded(images: Sequence[Pixels], crf: int) -> Pixels:
    """The last of the images, out of an H.264 clip of that quality."""
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as clip:
        stream = clip.add_stream(
            "libx264", rate=25, options={"crf": str(crf), "preset": "veryfast"}
        )
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        clip.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r", format="mpegts") as clip:
        frames = [frame.to_ndarray(format="bgr24") for frame in clip.decode(video=0)]
    return cast(Pixels, frames[-1])
