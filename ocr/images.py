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
MAX_PARTS: Final = 1_000  # chunks or segments before the picture: cameras write some fifty
MAX_SCANS: Final = 50  # of a JPEG: encoders write up to fourteen
KINDS: Final = ("JPEG", "PNG", "WEBP")
ON_ITS_SIDE: Final = (5, 6, 7, 8)  # of EXIF's orientations
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_SCAN, _END, _PIXELS = 0xDA, 0xD9, b"IDAT"
_BARE: Final = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_NEXT_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)  # after a scan
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
    _refuse_many_parts(file)
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


def _refuse_many_parts(file: bytes) -> None:
    """ImageRefused for a file that is made to keep a decoder busy.

    A JPEG may have any number of scans, each of which is a pass over all its pixels, and both
    kinds any number of parts that say nothing about them.
    """
    if file.startswith(_JPEG):
        parts, scans = _jpeg_parts(file)
    else:
        parts, scans = _png_parts(file) if file.startswith(_PNG) else 0, 0
    if parts > MAX_PARTS or scans > MAX_SCANS:
        raise ImageRefused("The image is made of too many parts.")


def _jpeg_parts(file: bytes) -> tuple[int, int]:
    """Segments and scans up to the end of the first picture, or to more than are accepted."""
    parts = scans = 0
    at = 2
    while parts <= MAX_PARTS and scans <= MAX_SCANS:
        marker = (_NEXT_MARKER if scans else _MARKER).search(file, at)
        if marker is None or (code := marker[1][0]) == _END:
            break
        parts += 1
        scans += code == _SCAN
        at = marker.end()
        if code not in _BARE:
            at += int.from_bytes(file[at : at + 2])
    return parts, scans


def _png_parts(file: bytes) -> int:
    """Chunks before the pixels, or more than are accepted."""
    at, parts = len(_PNG), 0
    while parts <= MAX_PARTS and at < len(file) and file[at + 4 : at + 8] != _PIXELS:
        parts += 1
        at += 12 + int.from_bytes(file[at : at + 4])
    return parts


def _on_black(image: Image.Image) -> Image.Image:
    """Without transparency, which a reader cannot see through."""
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return image.convert("RGB")
