"""Which numbers of an AI are accepted: in doubt only, by the rules, where two agree."""

from __future__ import annotations

import random

import orjson
import pytest

from ocr.ai.consensus import NumberCorrection, Opinion, agreed, needs_another, parse_opinion, prompt
from ocr.reader.types import SURE, Candidate, NumberReading, Reading
from ocr.reader.verdict import by_the_rules

BARI = (50, 29, 12, 47, 73)


def sure(number: int) -> NumberReading:
    return NumberReading(number, 99.0, (Candidate(number, 99.0),))


def doubt(number: int | None, confidence: float = 60.0) -> NumberReading:
    candidates = () if number is None else (Candidate(number, confidence),)
    return NumberReading(number, confidence if candidates else 0.0, candidates)


def reading(*last: NumberReading) -> Reading:
    """Bari with these as its last numbers, and Roma, all sure."""
    bari = (*map(sure, BARI[: 5 - len(last)]), *last)
    return Reading({"BA": bari, "RM": tuple(map(sure, (1, 2, 3, 4, 5)))})


def opinion(*bari: int | None, roma: tuple[int | None, ...] = (1, 2, 3, 4, 5)) -> Opinion:
    return Opinion({"BA": bari, "RM": roma}, 97.0)


def test_guess_of_the_ocr_that_the_ai_confirms_is_sure() -> None:
    found = agreed(reading(doubt(73)), [opinion(*BARI)])
    assert found.reading.sure()["BA"] == BARI
    assert (found.corrections, found.confirmed) == ((), 1)
    assert found.reading.wheels["BA"][4].confidence == SURE


def test_another_number_needs_a_second_opinion_that_agrees() -> None:
    read, first = reading(doubt(78)), opinion(*BARI)
    assert needs_another(read, first)
    alone = agreed(read, [first])
    assert (alone.reading, alone.corrections, alone.confirmed) == (read, (), 0)
    both = agreed(read, [first, opinion(*BARI)])
    assert both.reading.sure()["BA"] == BARI
    assert both.corrections == (NumberCorrection("BA", 5, 78, 73),)


def test_unread_number_is_filled_in_by_two_opinions_only() -> None:
    read = reading(doubt(47), doubt(None))
    first = opinion(*BARI)
    assert "BA" not in agreed(read, [first]).reading.sure()
    found = agreed(read, [first, opinion(*BARI)])
    assert found.reading.sure()["BA"] == BARI
    assert (found.corrections, found.confirmed) == ((NumberCorrection("BA", 5, None, 73),), 1)


@pytest.mark.parametrize("other", [74, 29])
def test_opinions_that_differ_leave_the_doubt(other: int) -> None:
    read = reading(doubt(73))
    found = agreed(read, [opinion(*BARI), opinion(*BARI[:4], other)])
    assert found.reading == read


def test_sure_number_is_never_changed_and_the_dispute_is_reported() -> None:
    many = {wheel: tuple(map(sure, (1, 2, 3, 4, 5))) for wheel in ("CA", "FI", "GE", "MI", "NA")}
    read = Reading({"BA": (*map(sure, BARI[:4]), doubt(73)), **many})
    wheels = {**dict.fromkeys(many, (1, 2, 3, 4, 5)), "BA": (51, *BARI[1:])}
    found = agreed(read, [Opinion(wheels, 99.0), Opinion(wheels, 99.0)])
    assert found.reading.sure()["BA"] == BARI
    assert found.disputed == (NumberCorrection("BA", 1, 50, 51),)


def test_opinion_with_sure_numbers_wrong_is_not_trusted() -> None:
    read = reading(doubt(73))
    wrong = opinion(*BARI, roma=(2, 1, 4, 3, 5))
    found = agreed(read, [wrong, wrong])
    assert (found.reading, found.corrections, len(found.disputed)) == (read, (), 4)
    assert not needs_another(reading(doubt(None)), wrong)


@pytest.mark.parametrize("twice", [50, 29])
def test_number_that_the_wheel_has_already_is_rejected(twice: int) -> None:
    read = reading(doubt(twice))
    wrong = Opinion({"BA": (None, None, None, None, twice)}, 99.0)
    assert agreed(read, [wrong, wrong]).reading == read


def test_two_cells_cannot_be_filled_with_one_number() -> None:
    read = reading(doubt(8), doubt(8))
    one, other = (Opinion({"BA": said}, 99.0) for said in ((*(None,) * 3, 8, None), (None,) * 5))
    assert agreed(read, [one, other]).reading == read


def test_wheels_that_were_not_read_are_not_added() -> None:
    read = reading(doubt(73))
    more = Opinion({"BA": BARI, "RM": (1, 2, 3, 4, 5), "VE": (9, 8, 7, 6, 5)}, 99.0)
    assert set(agreed(read, [more, more]).reading.wheels) == {"BA", "RM"}


@pytest.mark.parametrize("seed", range(200))
def test_rules_hold_for_any_opinions(seed: int) -> None:
    dice = random.Random(seed)

    def any_number() -> int | None:
        return dice.choice([None, *range(1, 8)])  # few, so that they often agree or clash

    def any_reading() -> NumberReading:
        return sure(number) if (number := any_number()) and dice.random() < 0.3 else doubt(number)

    firm = tuple(map(sure, dice.sample(range(10, 91), 5)))
    read = Reading({"BA": by_the_rules([any_reading() for _ in range(5)]), "RM": firm})
    roma = tuple(each.number for each in firm)

    def any_opinion() -> Opinion:  # right about what is sure, or it would not be trusted
        cells = read.wheels["BA"]
        said = (each.number if each.confidence >= SURE else any_number() for each in cells)
        return opinion(*said, roma=roma)

    opinions = [any_opinion() for _ in range(dice.choice([1, 2]))]
    after = agreed(read, opinions).reading
    assert after.wheels["RM"] == firm
    for place, (old, new) in enumerate(zip(read.wheels["BA"], after.wheels["BA"], strict=True)):
        if old.confidence >= SURE:
            assert new == old
        elif new != old:
            said = [each.wheels["BA"][place] for each in opinions]
            assert [*said, old.number].count(new.number) >= 2
            assert {*said} <= {None, new.number}
    if "BA" in after.sure():
        assert len(set(after.sure()["BA"])) == 5


def test_guesses_of_the_ocr_are_not_sent_to_the_ai() -> None:
    text = prompt(reading(doubt(78)), with_sure_numbers=True)
    read = orjson.loads(text.rpartition("\n")[2])
    assert read == {"BA": [50, 29, 12, 47, None], "RM": [1, 2, 3, 4, 5]}
    blind = prompt(reading(doubt(78)), with_sure_numbers=False)
    assert "BA (BARI)" in blind
    assert not any(str(number) in blind for number in (50, 29, 12, 47, 78))


def test_numbers_against_the_rules_are_none() -> None:
    body = {
        "wheels": [
            {"wheel": "BA", "numbers": [0, 91, -1, 5, None]},
            {"wheel": "RM", "numbers": [7, 7, 1, 2, 3]},
            {"wheel": "VE", "numbers": [1, 2, 3]},
            {"wheel": "TO", "numbers": [1, 2, 3, 4, 5]},
            {"wheel": "TO", "numbers": [1, 2, 3, 4, 5]},
        ],
        "confidence": 90,
    }
    nothing = (None,) * 5
    assert parse_opinion(orjson.dumps(body).decode()) == Opinion(
        {
            "BA": (None, None, None, 5, None),
            "RM": (None, None, 1, 2, 3),
            "VE": nothing,
            "TO": nothing,
        },
        90.0,
    )


@pytest.mark.parametrize(
    "text",
    ["", "I cannot see it.", "[]", '{"wheels": {}}', '{"wheels": [], "confidence": 101}',
     '{"wheels": [{"wheel": "BA", "numbers": ["5"]}], "confidence": 1}', '{"wheels": [], "conf'],
)  # fmt: skip
def test_response_without_an_opinion_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_opinion(text)


def test_fenced_response_is_read_too() -> None:
    assert parse_opinion('```json\n{"wheels": [], "confidence": 5}\n```') == Opinion({}, 5.0)
