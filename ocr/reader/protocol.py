"""Messages between the gateway and its reading process, in MessagePack."""

from __future__ import annotations

from msgspec import Struct

from ocr.reader.types import UNKNOWN_PAGE, Box, Page


class PictureRequest(Struct, tag=True):
    """A file to be read by itself."""

    file: bytes


class JpegRequest(Struct, tag=True):
    """A file to be made a JPEG of at most `side` px."""

    file: bytes
    side: int


class FrameRequest(Struct, tag=True):
    """The next frame of a stream: rows of BGR."""

    height: int
    width: int
    pixels: bytes


class NumberMessage(Struct, array_like=True):
    """A number as `types.NumberReading`."""

    number: int | None
    confidence: float
    candidates: list[tuple[int, float]]


class ReadResponse(Struct):
    """The wheels or the JPEG, or why the picture was refused.

    The first one tells whether the engines are loaded, or why they are not (`failed`). Before that
    to a PictureRequest comes an empty one: the picture is decoded, the reading begins.
    """

    wheels: dict[str, list[NumberMessage]] = {}
    boxes: dict[str, Box] = {}
    page: Page = UNKNOWN_PAGE
    simbolotto: tuple[str, list[NumberMessage]] | None = None  # its wheel and numbers
    jpeg: bytes = b""
    refused: str = ""
    failed: str = ""


ReadRequest = PictureRequest | JpegRequest | FrameRequest
