"""Messages between the gateway and its reading process, in MessagePack."""

from __future__ import annotations

from msgspec import Struct

from ocr.reader.types import Box


class PictureRequest(Struct, tag=True):
    """A file to be read by itself."""

    file: bytes


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
    """The wheels, or why the picture was refused.

    The first one tells whether the engines are loaded, or why they are not (`failed`).
    """

    wheels: dict[str, list[NumberMessage]] = {}
    boxes: dict[str, Box] = {}
    refused: str = ""
    failed: str = ""


ReadRequest = PictureRequest | FrameRequest
