"""Predictions against draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotto.types import CITIES, OUTCOMES, WHEELS, RuleError
from ocr.legacy.riscontri import (
    MAX_NUMBERS,
    Prediction,
    Riscontro,
    newest,
    numbers_of,
    outcomes,
    riscontro,
    wheels_of,
)

DAY = date(2025, 12, 6)
BARI = (12, 45, 67, 23, 89)
DRAWN = {
    "BA": BARI,
    "CA": (4, 79, 80, 66, 84),
    "RN": (4, 12, 45, 67, 23),
}


def against_draw(wheels: str, *numbers: int) -> Riscontro:
    return riscontro(Prediction(1, DAY, wheels_of(wheels), numbers), DRAWN, colpo=1)


@pytest.mark.parametrize(
    ("text", "wheels"),
    [
        ("BA", ("BA",)),
        ("  bari ", ("BA",)),
        ("Bari, Roma", ("BA", "RM")),
        ("RM-BA", ("RM", "BA")),
        ("Torino/Venezia", ("TO", "VE")),
        ("Nazionale", ("RN",)),
        ("NZ", ("RN",)),
        ("BA BARI", ("BA",)),
        ("TUTTE", CITIES),
        ("tutte", CITIES),
        ("Tutte le ruote", CITIES),
    ],
)
def test_wheels_are_codes_or_names_one_or_several(text: str, wheels: tuple[str, ...]) -> None:
    assert wheels_of(text) == wheels


@pytest.mark.parametrize("text", ["", " , ", "Forlì", "BA e CA", "TUTTE, RN", "TUTTE TUTTE", "B"])
def test_what_is_no_wheel_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        wheels_of(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("12", (12,)), ("12, 45", (12, 45)), ("05.12-90", (5, 12, 90)), (" 1 / 2 ;3 ", (1, 2, 3))],
)
def test_numbers_stand_between_any_marks(text: str, numbers: tuple[int, ...]) -> None:
    assert numbers_of(text) == numbers


@pytest.mark.parametrize(
    "text",
    ["", ",", "0", "91", "12, 12", "12, 45 (2 colpi)", "ambo", "123", "1.5e1", "²",
     ",".join(map(str, range(1, 12)))],
)  # fmt: skip
def test_what_is_no_bet_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        numbers_of(text)


@pytest.mark.parametrize("hits", range(6))
def test_outcome_is_named_after_the_hits_on_a_wheel(hits: int) -> None:
    numbers = BARI[:hits] or (1,)
    found = against_draw("BA", *numbers)
    assert (found.best, found.outcome) == (hits, OUTCOMES[hits - 1] if hits else None)


def test_hits_on_two_wheels_are_not_added_up() -> None:
    found = against_draw("BA, CA", 12, 45, 4)
    assert found.hits == {"BA": (12, 45), "CA": (4,)}
    assert (found.best, found.outcome) == (2, "ambo")


def test_all_wheels_are_the_ten_of_the_cities_without_nazionale() -> None:
    found = against_draw("TUTTE", 12, 45, 4)
    assert found.prediction.is_all
    assert len(found.prediction.wheels) == 10
    assert found.hits == {"BA": (12, 45), "CA": (4,)}  # Nazionale has all three
    assert against_draw("Nazionale", 12, 45, 4).outcome == "terno"


def test_a_wheel_that_is_not_drawn_yet_is_no_miss() -> None:
    found = against_draw("BA, RM", 12)
    assert (found.missing, found.outcome) == (("RM",), "estratto")


def test_each_prediction_is_counted_once_by_its_best_outcome() -> None:
    found = [against_draw("BA, CA", 12, 45, 4), against_draw("BA", 12), against_draw("CA", 1)]
    assert outcomes(found) == {"ambo": 1, "estratto": 1, None: 1}


def test_the_newest_days_are_those_that_have_predictions() -> None:
    made = [
        riscontro(Prediction(n, date(2025, 12, day), ("BA",), (1,)), DRAWN, colpo=1)
        for n, day in enumerate([6, 6, 4, 2, 1])
    ]
    assert [each.prediction.id for each in newest(made, 3)] == [0, 1, 2, 3]
    assert newest([], 3) == []


some_numbers = st.lists(st.integers(1, 90), min_size=1, max_size=MAX_NUMBERS, unique=True)
some_wheels = st.lists(st.sampled_from(list(WHEELS)), min_size=1, unique=True)
draws = st.dictionaries(
    st.sampled_from(list(WHEELS)), st.lists(st.integers(1, 90), min_size=5, max_size=5, unique=True)
)
between = st.sampled_from([",", ", ", " ", ".", "-", " - ", "/", ";", " + "])


@given(some_numbers, between, st.booleans())
def test_numbers_are_read_as_they_were_written(numbers: list[int], mark: str, zeros: bool) -> None:
    text = mark.join(f"{number:02}" if zeros else str(number) for number in numbers)
    assert numbers_of(text) == tuple(numbers)


@given(some_wheels, between, st.randoms(use_true_random=False))
def test_wheels_are_read_as_they_were_written(wheels: list[str], mark: str, dice: Random) -> None:
    spelt = [
        dice.choice([code, code.lower(), WHEELS[code], WHEELS[code].title()]) for code in wheels
    ]
    assert wheels_of(mark.join(spelt)) == tuple(wheels)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (wheels_of, numbers_of):
        try:
            assert read(text)
        except RuleError as exc:
            assert len(str(exc)) < 200  # noqa: PT017  (most texts are refused, some are not)


@given(some_wheels, some_numbers, draws)
def test_hits_are_what_was_both_played_and_drawn(
    wheels: list[str], numbers: list[int], drawn: dict[str, list[int]]
) -> None:
    found = riscontro(Prediction(1, DAY, tuple(wheels), tuple(numbers)), drawn, colpo=1)
    for wheel in WHEELS:
        played = wheel in wheels and wheel in drawn
        assert set(found.hits.get(wheel, ())) == (
            set(numbers) & set(drawn[wheel]) if played else set()
        )
    assert all(found.hits.values())
    assert set(found.missing) == set(wheels) - set(drawn)
    assert (found.outcome is None) == (found.best == 0) == (not found.hits)
    assert found.best <= min(5, len(numbers))


@given(some_wheels, some_numbers, draws, st.permutations(range(1, 91)))
def test_the_names_of_numbers_do_not_matter(
    wheels: list[str], numbers: list[int], drawn: dict[str, list[int]], other: Sequence[int]
) -> None:
    def renamed(of: Sequence[int]) -> tuple[int, ...]:
        return tuple(other[number - 1] for number in of)

    one = riscontro(Prediction(1, DAY, tuple(wheels), tuple(numbers)), drawn, colpo=1)
    two = riscontro(
        Prediction(1, DAY, tuple(wheels), renamed(numbers)),
        {wheel: renamed(came) for wheel, came in drawn.items()},
        colpo=1,
    )
    assert two.outcome == one.outcome
    assert {wheel: renamed(came) for wheel, came in one.hits.items()} == two.hits


@given(some_wheels, some_numbers, draws, st.integers(1, 90), st.sampled_from(list(WHEELS)))
def test_more_numbers_or_wheels_never_lessen_the_outcome(
    wheels: list[str], numbers: list[int], drawn: dict[str, list[int]], number: int, wheel: str
) -> None:
    def best(wheels: Iterable[str], numbers: Iterable[int]) -> int:
        return riscontro(Prediction(1, DAY, tuple(wheels), tuple(numbers)), drawn, colpo=1).best

    assert best(wheels, {*numbers, number}) >= best(wheels, numbers)
    assert best({*wheels, wheel}, numbers) >= best(wheels, numbers)


@given(st.lists(st.tuples(some_wheels, some_numbers)), draws)
def test_counts_add_up_to_all_predictions(
    played: list[tuple[list[str], list[int]]], drawn: dict[str, list[int]]
) -> None:
    found = [
        riscontro(Prediction(n, DAY, tuple(wheels), tuple(numbers)), drawn, colpo=1)
        for n, (wheels, numbers) in enumerate(played)
    ]
    counts = outcomes(found)
    assert counts.total() == len(played)
    assert set(counts) <= {None, *OUTCOMES}
