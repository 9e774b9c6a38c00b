"""Which numbers belong to which name, from where they were found."""

from __future__ import annotations

import numpy as np

from ocr.reader import layout
from ocr.reader.types import Name, Number

HIGH = 124.0


def name_at(x: float, y: float, *, height: float) -> Name:
    return Name("RN", (x - 185, y - 6), (x, y), (x + 185, y + 6), height)


def line(*, x: float, y: float, step: float, rise: float, height: float) -> list[Number]:
    return [Number((x + i * step, y + i * rise), height) for i in range(5)]


def test_a_date_above_the_name_is_not_its_line() -> None:
    """A single wheel photographed askew, with a date and a ticker in small print."""
    drawn = line(x=328, y=587, step=196.5, rise=7, height=HIGH)
    date = [
        Number((x, y), 23.0)
        for x, y in ((697, 283), (786, 286), (850, 287), (866, 288), (882, 288))
    ]
    ticker = [
        Number((x, y), 30.0)
        for x, y in ((508, 851), (678, 858), (810, 864), (875, 866), (895, 867), (998, 871))
    ]
    found = layout.fit([name_at(736, 412, height=62)], [*date, *drawn, *ticker])
    assert found
    assert found.height == HIGH
    assert np.abs(found.cells["RN"] - [number.centre for number in drawn]).max() < 2


def test_numbers_smaller_than_the_name_are_read_where_there_are_no_others() -> None:
    small = line(x=540, y=480, step=100, rise=0, height=30.0)
    found = layout.fit([name_at(740, 412, height=62)], small)
    assert found
    assert np.abs(found.cells["RN"] - [number.centre for number in small]).max() < 2
