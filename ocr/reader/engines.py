"""Which engines read: chosen by name, loaded when asked for."""

from __future__ import annotations

from ocr.reader.rapid import Rapid
from ocr.reader.reader import Reader
from ocr.reader.second import SecondOpinion


def rapidocr() -> Reader:
    """RapidOCR finds and reads; our own network is asked for a second opinion."""
    rapid = Rapid()
    return Reader(rapid, [rapid, SecondOpinion()])


ENGINES = {"rapidocr": rapidocr}
