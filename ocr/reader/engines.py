"""Which engines read: chosen by name, loaded when asked for.

Two recognisers read every cell, and never the same network twice: the second opinion is our own,
except where EasyOCR runs that one.
"""

from __future__ import annotations

from ocr.reader.dependencies import missing
from ocr.reader.rapidocr_engine import Rapid
from ocr.reader.reader import Reader
from ocr.reader.second_opinion import SecondOpinion
from ocr.types import ReaderFailed


def rapidocr() -> Reader:
    """RapidOCR finds and reads; our own network gives a second opinion."""
    rapid = Rapid()
    return Reader(rapid, [rapid, SecondOpinion()])


def easyocr(models: str = "", download: str = "") -> Reader:
    """RapidOCR finds, EasyOCR reads.

    With a folder of `models` it reads by its stock weights, fetched into it if `download` is given;
    else by our own network. Raises ReaderFailed where something is missing or broken.
    """
    if lacking := missing("easyocr", models, download):
        raise ReaderFailed(str(lacking))
    from ocr.reader.easyocr_engine import EasyOcr  # late: PyTorch is not installed everywhere

    rapid = Rapid()
    if models:
        return Reader(rapid, [EasyOcr.stock(models, may_download=bool(download)), SecondOpinion()])
    return Reader(rapid, [EasyOcr.own(), rapid])


ENGINES = {"rapidocr": rapidocr, "easyocr": easyocr}
