"""Lines of text taken apart into names and numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ocr.reader.tokens import names_and_numbers
from ocr.reader.types import TextLine


def line(text: str, places: list[float]) -> TextLine:
    """Characters 25 px wide and 40 px high."""
    width = 25 * len(text)
    quad = np.array([[0, 0], [width, 0], [width, 40], [0, 40]], np.float32)
    return TextLine(quad, text, tuple(places), 0.9)


@pytest.mark.parametrize(
    ("text", "places", "middles"),
    [
        ("7", [0.5], [12]),
        ("82", [0.3, 0.7], [25]),
        ("5066", [0.12, 0.32, 0.66, 0.9], [22, 78]),
        # As a recogniser places four numbers that stand close, each place up to 0.03 off.
        ("50666356", [0.09, 0.20, 0.35, 0.42, 0.57, 0.67, 0.82, 0.93], [29, 77, 124, 175]),
        ("158", [0.2, 0.5, 0.8], []),
    ],
)
def test_numbers_that_stand_close_are_parted(
    text: str, places: list[float], middles: list[float]
) -> None:
    names, numbers = names_and_numbers([line(text, places)])
    assert names == []
    assert [round(number.centre[0]) for number in numbers] == middles


@pytest.mark.parametrize(
    ("text", "wheel"),
    [("BARI", "BA"), ("Nazionale", "RN"), ("CAGLLARI", "CA"), ("RN", "RN")],
)
def test_names_are_known_also_with_a_letter_wrong(text: str, wheel: str) -> None:
    (name,), _ = names_and_numbers([line(text, list(np.linspace(0.1, 0.9, len(text))))])
    assert name.wheel == wheel


@pytest.mark.parametrize("text", ["LAZIO", "ENALOTTO", "LOTTO", "ROMANO"])
def test_other_words_are_no_names(text: str) -> None:
    assert names_and_numbers([line(text, list(np.linspace(0.1, 0.9, len(text))))]) == ([], [])
