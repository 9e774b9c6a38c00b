"""The verdict on opinions, the lexicon, and the vote of frames."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ocr.reader.lexicon import Digits, numbers
from ocr.reader.types import SURE, NumberReading, Reading
from ocr.reader.verdict import by_the_rules, verdict
from ocr.reader.vote import agreed


def opinion(**said: float) -> np.ndarray:
    """`n12=0.9` ...; the rest is no number."""
    found = np.zeros((1, 91), np.float32)
    for name, probability in said.items():
        found[0, int(name[1:])] = probability
    found[0, 0] = 1 - found.sum()
    return found


def test_two_that_agree_are_sure() -> None:
    (said,) = verdict([opinion(n12=0.97), opinion(n12=0.99)])
    assert said.number == 12
    assert said.confidence >= SURE


def test_one_that_is_sure_against_another_is_in_doubt() -> None:
    (said,) = verdict([opinion(n12=0.95, n72=0.05), opinion(n72=0.6, n12=0.4)])
    assert said.confidence < SURE
    assert {candidate.number for candidate in said.candidates} >= {12, 72}


def test_a_cell_that_shows_no_number_has_none() -> None:
    (said,) = verdict([opinion(n12=0.01), opinion(n12=0.02)])
    assert said == NumberReading(None, 0.0)


def test_a_number_that_one_does_not_see_at_all_is_in_doubt() -> None:
    (said,) = verdict([opinion(n12=0.999), opinion(n12=0.05)])
    assert said.confidence < SURE


def test_with_a_number_twice_the_whole_wheel_is_in_doubt() -> None:
    checked = by_the_rules([NumberReading(number, 99.0) for number in (1, 2, 3, 2, 5)])
    assert not any(each.confidence >= SURE for each in checked)
    assert [each.number for each in checked] == [1, 2, 3, 2, 5]


def test_without_the_first_number_the_others_are_in_doubt() -> None:
    checked = by_the_rules(
        [NumberReading(None, 0.0), *(NumberReading(n, 99.0) for n in (1, 2, 3, 4))]
    )
    assert not any(each.confidence >= SURE for each in checked)
    assert [each.number for each in checked] == [None, 1, 2, 3, 4]


def by_hand(columns: np.ndarray, text: str) -> float:
    """The probability of a text: the sum over every path that spells it."""
    total = 0.0
    for path in product(range(columns.shape[1]), repeat=len(columns)):
        spelt = [k for k, before in zip(path, (0, *path), strict=False) if k and k != before]
        if "".join(str(k - 1) for k in spelt) == text:
            total += float(np.prod([columns[i, k] for i, k in enumerate(path)]))
    return total


def test_the_lexicon_sums_all_ways_to_spell_a_number() -> None:
    columns = np.random.default_rng(4).dirichlet(np.ones(11), 4).astype(np.float32)
    (found,) = numbers(columns[None])
    for number in (7, 11, 42, 90):
        texts = [str(number), f"0{number}"] if number < 10 else [str(number)]
        assert found[number] == pytest.approx(sum(by_hand(columns, t) for t in texts), rel=1e-4)
    assert found.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("said", "number"), [("③", 3), ("8日", 80), ("¹O", 10), ("Z²", 22)])
def test_what_a_recogniser_takes_digits_for_is_those_digits(said: str, number: int) -> None:
    characters = ["blank", *"0123456789", *dict.fromkeys(said), "x"]
    columns = np.full((1, 2 * len(said), len(characters)), 0.0, np.float32)
    for place, character in enumerate(said):
        columns[0, 2 * place, characters.index(character)] = 0.9
        columns[0, 2 * place, characters.index("x")] = 0.1
        columns[0, 2 * place + 1, 0] = 1
    (found,) = numbers(Digits(characters).of(columns))
    assert found[number] == pytest.approx(0.9 ** len(said), rel=1e-4)


def reading(**wheels: list[int]) -> Reading:
    return Reading({w: tuple(NumberReading(n, 99.0) for n in ns) for w, ns in wheels.items()})


def test_a_wheel_counts_when_three_frames_in_a_row_say_the_same() -> None:
    bari, half = [1, 2, 3, 4, 5], [1, 2, 3, 4, 6]
    assert agreed([reading(BA=bari)] * 2) == {}
    assert agreed([reading(BA=bari)] * 3) == {"BA": (1, 2, 3, 4, 5)}
    assert agreed([reading(BA=bari), reading(BA=half), reading(BA=bari)]) == {}
    assert agreed([reading(BA=half), *[reading(BA=bari)] * 3]) == {"BA": (1, 2, 3, 4, 5)}
    assert agreed([reading(BA=bari), reading(), reading(BA=bari)]) == {}
