"""Pictures from outside, which may be anything: recognised, bounded and turned upright."""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from ocr.types import ImageRefused, ImageTooLarge

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_PIXELS: Final = 40_000_000
MIN_SIDE: Final = 32  # px: on less, no board can be read
READ_SIDE: Final = 2_400  # px: the reader sees no more on larger ones
JPEG_QUALITY: Final = 90
KINDS: Final = ("JPEG", "PNG", "WEBP")
ON_ITS_SIDE: Final = (5, 6, 7, 8)  # of EXIF's orientations
_DATA_URI: Final = re.compile(r"\s*data:[\w.+-]+/[\w.+-]+(?:;[\w.+=-]+)*;base64,", re.ASCII)


def decoded(text: str) -> bytes:
    """The file in base64, with or without a data URI's head, once it is known to be a picture.

    The kind of picture follows from its content, not from its name. Only its head is read.
    Raises ImageRefused, or ImageTooLarge over 10 MB or 40 megapixels.
    """
    head = _DATA_URI.match(text)
    body = text[head.end() :] if head else text
    if len(body) > MAX_BYTES * 1.5:  # the third more of base64, and line ends
        raise ImageTooLarge(f"The image is over {MAX_BYTES} bytes.")
    try:
        file = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ImageRefused("This is no base64.") from None
    _opened(file).close()
    return file


def upright(file: bytes) -> NDArray[np.uint8]:
    """The picture's pixels (height, width, BGR) as a camera's EXIF data says that it was held.

    Large ones are made smaller. Raises ImageRefused, also for a file that ends in the middle.
    """
    try:
        with _opened(file) as image:
            image.draft("RGB", (READ_SIDE, READ_SIDE))  # a JPEG is decoded smaller at once
            turned = ImageOps.exif_transpose(image)
            turned.thumbnail((READ_SIDE, READ_SIDE))
            pixels = np.asarray(_on_black(turned))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as exc:
        if isinstance(exc, ImageRefused):
            raise
        raise ImageRefused("The image is broken.") from None
    return np.ascontiguousarray(pixels[:, :, ::-1])


def size(file: bytes) -> tuple[int, int]:
    """Width and height of the picture, turned as `upright` turns it; only its head is read.

    Raises ImageRefused.
    """
    with _opened(file) as image:
        width, height = image.size
        try:
            is_on_its_side = image.getexif().get(ExifTags.Base.Orientation, 1) in ON_ITS_SIDE
        except (OSError, SyntaxError, ValueError):
            raise ImageRefused("The image is broken.") from None
    return (height, width) if is_on_its_side else (width, height)


def jpeg(file: bytes, side: int) -> bytes:
    """The picture upright, as a JPEG of at most `side` px without metadata.

    Raises ImageRefused as `upright`.
    """
    image = Image.fromarray(upright(file)[:, :, ::-1])
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _opened(file: bytes) -> Image.Image:
    if len(file) > MAX_BYTES:
        raise ImageTooLarge(f"The image is over {MAX_BYTES} bytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our limit is lower
            image = Image.open(io.BytesIO(file), formats=KINDS)
    except Image.DecompressionBombError:
        raise ImageTooLarge(f"The image has over {MAX_PIXELS} pixels.") from None
    except (OSError, SyntaxError, ValueError):
        raise ImageRefused(f"This is no image of these kinds: {', '.join(KINDS)}.") from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(f"The image has over {MAX_PIXELS} pixels.")
    if min(width, height) < MIN_SIDE:
        raise ImageRefused(f"The image is less than {MIN_SIDE} pixels wide or high.")
    return image


def _on_black(image: Image.Image) -> Image.Image:
    """Without transparency, which a reader cannot see through."""
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return image.convert("RGB")
