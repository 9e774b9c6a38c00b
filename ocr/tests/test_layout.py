"""Which numbers belong to which name, from where they were found."""

from __future__ import annotations

import numpy as np

from ocr.reader import layout
from ocr.reader.layout_hypotheses import Way
from ocr.reader.types import Name, Number

HIGH = 124.0


def name_at(x: float, y: float, *, height: float) -> Name:
    return Name("RN", (x - 179.4, y - 4.1), (x, y), (x + 179.4, y + 4.1), height)


def line(*, x: float, y: float, step: float, rise: float, height: float) -> list[Number]:
    return [Number((x + i * step, y + i * rise), height) for i in range(5)]


def test_a_date_above_the_name_is_not_its_line() -> None:
    """A single wheel photographed askew, with a date and a ticker in small print."""
    drawn = line(x=328.2, y=587.9, step=196.5, rise=6.8, height=HIGH)
    clock = [Number((1244.2, 264.0), 36.0), Number((1279.8, 265.3), 36.0)]
    date = [
        Number((x, y), 23.0)
        for x, y in (
            (697.9, 283.6), (786.2, 286.1), (850.4, 287.9), (866.4, 288.4), (882.5, 288.8),
        )
    ]  # fmt: skip
    ticker = [
        Number((x, y), 30.1)
        for x, y in (
            (508, 851.7), (678, 858.7), (810.5, 864.1), (875.5, 866.8), (895.5, 867.6), (998, 871.8)
        )
    ]  # fmt: skip
    found = layout.fit([name_at(736.1, 412.9, height=59)], [*clock, *date, *drawn, *ticker])
    assert found
    assert found.height == HIGH
    assert np.abs(found.cells["RN"] - [number.centre for number in drawn]).max() < 2


def test_numbers_smaller_than_the_name_are_read_where_there_are_no_others() -> None:
    small = line(x=540, y=480, step=100, rise=0, height=30.0)
    found = layout.fit([name_at(740, 412, height=62)], small)
    assert found
    assert np.abs(found.cells["RN"] - [number.centre for number in small]).max() < 2


def test_ways_to_the_same_places_by_another_anchor_do_not_differ() -> None:
    """A shift along the line differs only while it is not settled which number is the first."""
    way = Way("row", 1, (100.0, 0.0), (50.0, 0.0))
    assert not layout._differ(way, way._replace(anchor=2, offset=(40.0, 0.0)), shifts=True)
    assert not layout._differ(way, way._replace(offset=(110.0, 0.0)), shifts=True)
    shifted = way._replace(offset=(150.0, 0.0))
    assert layout._differ(way, shifted, shifts=True)
    assert not layout._differ(way, shifted, shifts=False)
    assert layout._differ(way, way._replace(step=(80.0, 0.0)), shifts=False)
    assert layout._differ(way, way._replace(kind="column"), shifts=False)


def test_a_card_s_line_belongs_to_the_nearer_name() -> None:
    card = Way("card", 1, (-100.0, 60.0), (50.0, 0.0))
    assert not layout._differ(card, card._replace(offset=(-100.0, -200.0)), shifts=True)
