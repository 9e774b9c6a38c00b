"""Delays and searches against the plain definition, draw by draw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lotto.archive_cache import History
from lotto.statistics import PAIR_NUMBERS, PAIRS, pair_items
from lotto.tsv import draw_of, line_of
from lotto.types import ALL, CITIES, Draw

FIVE = st.lists(st.integers(1, 90), min_size=5, max_size=5, unique=True)
# Few numbers and wheels, so that they coincide.
FEW = st.lists(st.integers(1, 8), min_size=5, max_size=5, unique=True)
DRAWS = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["BA", "RM", "RN"]), st.one_of(FEW, FIVE)),
    max_size=40,
    unique_by=lambda draw: draw[:2],
)


def history_of(draws: Sequence[Draw]) -> History:
    return History.of_lines(line_of(draw) for draw in draws)


def expected(draws: Sequence[Draw], wanted: set[int]) -> tuple[int, int, int]:
    """Frequency, delay and longest delay of numbers that come together, day by day."""
    days = sorted({draw.day for draw in draws})
    hits = [draw.day for draw in draws if wanted <= set(draw.numbers)]
    came = [-1, *sorted({days.index(day) for day in hits}), len(days)]
    gaps = [after - before - 1 for before, after in pairwise(came)]
    return len(hits), gaps[-1], max(gaps)


@settings(max_examples=60)
@given(DRAWS, st.sampled_from(["BA", "RN", ALL]), st.integers(1, 8), st.integers(9, 20))
def test_tables_and_search_are_as_defined(
    rows: list[tuple[int, str, list[int]]], wheel: str, one: int, other: int
) -> None:
    draws = sorted(
        Draw(date(2020, 1, 1) + timedelta(day), code, tuple(numbers)) for day, code, numbers in rows
    )
    mine = [d for d in draws if d.wheel == wheel or (wheel == ALL and d.wheel in CITIES)]
    history = history_of(draws)
    table = history.table("numbers", wheel)
    pairs = history.table("pairs", wheel)
    for number in (one, other):
        n = number - 1
        found = (table.delays.frequency[n], table.delays.delay[n], table.delays.longest[n])
        assert found == expected(mine, {number})
        days = [draw.day for draw in mine if number in draw.numbers]
        assert table.last_day(n) == max(days, default=None)
    pair = [tuple(numbers) for numbers in PAIR_NUMBERS.tolist()].index((one, other))
    wanted = expected(mine, {one, other})
    found = (pairs.delays.frequency[pair], pairs.delays.delay[pair], pairs.delays.longest[pair])
    assert found == wanted
    searched = history.find([one, other], wheel=wheel, at_least=2)
    hits = [draw for draw in mine if {one, other} <= set(draw.numbers)]
    assert sorted(history.draws(searched.rows)) == hits
    assert searched.delay == wanted[1]


def test_every_pair_has_an_item_of_its_own() -> None:
    assert PAIRS == len({tuple(pair) for pair in PAIR_NUMBERS.tolist()}) == 4_005
    history = history_of([Draw(date(2020, 1, 1), "BA", (90, 1, 45, 2, 89))])
    pairs = {tuple(PAIR_NUMBERS[item].tolist()) for item in pair_items(history.numbers)[0]}
    assert len(pairs) == 10
    assert {(1, 90), (1, 2), (89, 90)} <= pairs


def test_a_range_has_its_own_delays() -> None:
    draws = [
        Draw(date(2020, 1, day), "BA", (day, 50, 60, 70, 80)) for day in (1, 2, 3, 4, 5)
    ]  # fmt: skip
    history = history_of(draws)
    table = history.table("numbers", "BA", date(2020, 1, 2), date(2020, 1, 4))
    assert len(table.days) == 3
    assert table.delays.frequency[0] == 0
    assert (table.delays.delay[1], table.delays.delay[49]) == (2, 0)
    found = history.find([2, 3], wheel="BA", at_least=1, first=date(2020, 1, 3))
    assert [draw.day.day for draw in history.draws(found.rows)] == [3]
    assert (found.draws, found.delay) == (3, 2)


def test_the_archive_in_columns_equals_its_lines(archive: bytes) -> None:
    lines = archive.splitlines()
    history = History.of_lines(lines)
    assert len(history.days) == len(lines)
    rows = np.arange(0, len(lines), 997)
    assert history.draws(rows) == [draw_of(lines[row]) for row in rows]
    assert sum(history.counts.values()) == len(lines)
    assert len(history.all_days) == len({line[:10] for line in lines})


def test_an_empty_archive_has_tables_too() -> None:
    history = history_of([])
    table = history.table("numbers", ALL)
    assert (len(table.days), table.delays.delay[0], table.last_day(0)) == (0, 0, None)
    found = history.find([1], wheel="BA", at_least=1)
    assert (len(found.rows), found.draws, found.delay) == (0, 0, 0)
