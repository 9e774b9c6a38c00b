"""What is said between the gateway and its reading process, as MessagePack."""

from __future__ import annotations

from msgspec import Struct

from ocr.reader.types import Box


class Picture(Struct, tag=True):
    """A file to be read by itself."""

    file: bytes


class Frame(Struct, tag=True):
    """The next frame of a stream: rows of BGR."""

    height: int
    width: int
    pixels: bytes


class Said(Struct, array_like=True):
    """A number as `types.NumberReading`."""

    number: int | None
    confidence: float
    candidates: list[tuple[int, float]]


class Answer(Struct):
    """The wheels, or why the picture was refused.

    The first one says that the engines are there, or why they are not.
    """

    wheels: dict[str, list[Said]] = {}
    boxes: dict[str, Box] = {}
    refused: str = ""
    failed: str = ""


Question = Picture | Frame
