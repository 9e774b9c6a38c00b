"""Which numbers of an AI are taken: in doubt only, by the rules, where two looks agree."""

from __future__ import annotations

import random

import orjson
import pytest

from ocr.ai.consensus import Correction, Look, agreed, look_of, needs_another, question
from ocr.reader.types import SURE, Candidate, NumberReading, Reading
from ocr.reader.verdict import by_the_rules

BARI = (50, 29, 12, 47, 73)


def sure(number: int) -> NumberReading:
    return NumberReading(number, 99.0, (Candidate(number, 99.0),))


def doubt(number: int | None, confidence: float = 60.0) -> NumberReading:
    told = () if number is None else (Candidate(number, confidence),)
    return NumberReading(number, confidence if told else 0.0, told)


def reading(*last: NumberReading) -> Reading:
    """Bari with these as its last numbers, and Roma, all sure."""
    bari = (*map(sure, BARI[: 5 - len(last)]), *last)
    return Reading({"BA": bari, "RM": tuple(map(sure, (1, 2, 3, 4, 5)))})


def look(*bari: int | None, roma: tuple[int | None, ...] = (1, 2, 3, 4, 5)) -> Look:
    return Look({"BA": bari, "RM": roma}, 97.0)


def test_what_the_ocr_guessed_and_the_ai_sees_is_sure() -> None:
    found = agreed(reading(doubt(73)), [look(*BARI)])
    assert found.reading.sure()["BA"] == BARI
    assert (found.corrections, found.confirmed) == ((), 1)
    assert found.reading.wheels["BA"][4].confidence == SURE


def test_another_number_needs_a_second_look_that_agrees() -> None:
    read, first = reading(doubt(78)), look(*BARI)
    assert needs_another(read, first)
    alone = agreed(read, [first])
    assert (alone.reading, alone.corrections, alone.confirmed) == (read, (), 0)
    both = agreed(read, [first, look(*BARI)])
    assert both.reading.sure()["BA"] == BARI
    assert both.corrections == (Correction("BA", 5, 78, 73),)


def test_what_could_not_be_read_is_filled_in_by_two_looks_only() -> None:
    read = reading(doubt(47), doubt(None))
    first = look(*BARI)
    assert "BA" not in agreed(read, [first]).reading.sure()
    found = agreed(read, [first, look(*BARI)])
    assert found.reading.sure()["BA"] == BARI
    assert (found.corrections, found.confirmed) == ((Correction("BA", 5, None, 73),), 1)


@pytest.mark.parametrize("other", [74, 29])
def test_looks_that_differ_leave_the_doubt(other: int) -> None:
    read = reading(doubt(73))
    found = agreed(read, [look(*BARI), look(*BARI[:4], other)])
    assert found.reading == read


def test_a_sure_number_is_never_changed_and_the_dispute_is_told() -> None:
    many = {wheel: tuple(map(sure, (1, 2, 3, 4, 5))) for wheel in ("CA", "FI", "GE", "MI", "NA")}
    read = Reading({"BA": (*map(sure, BARI[:4]), doubt(73)), **many})
    told = {**dict.fromkeys(many, (1, 2, 3, 4, 5)), "BA": (51, *BARI[1:])}
    found = agreed(read, [Look(told, 99.0), Look(told, 99.0)])
    assert found.reading.sure()["BA"] == BARI
    assert found.disputed == (Correction("BA", 1, 50, 51),)


def test_who_gets_sure_numbers_wrong_is_not_believed_about_the_others() -> None:
    read = reading(doubt(73))
    wrong = look(*BARI, roma=(2, 1, 4, 3, 5))
    found = agreed(read, [wrong, wrong])
    assert (found.reading, found.corrections, len(found.disputed)) == (read, (), 4)
    assert not needs_another(reading(doubt(None)), wrong)


@pytest.mark.parametrize("twice", [50, 29])
def test_a_number_that_the_wheel_has_already_is_not_taken(twice: int) -> None:
    read = reading(doubt(twice))
    told = Look({"BA": (None, None, None, None, twice)}, 99.0)
    assert agreed(read, [told, told]).reading == read


def test_two_cells_cannot_be_filled_with_one_number() -> None:
    read = reading(doubt(8), doubt(8))
    one, other = (Look({"BA": said}, 99.0) for said in ((*(None,) * 3, 8, None), (None,) * 5))
    assert agreed(read, [one, other]).reading == read


def test_wheels_that_were_not_read_are_not_added() -> None:
    read = reading(doubt(73))
    told = Look({"BA": BARI, "RM": (1, 2, 3, 4, 5), "VE": (9, 8, 7, 6, 5)}, 99.0)
    assert set(agreed(read, [told, told]).reading.wheels) == {"BA", "RM"}


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_said_the_rules_hold(seed: int) -> None:
    dice = random.Random(seed)

    def any_number() -> int | None:
        return dice.choice([None, *range(1, 8)])  # few, so that they often agree or clash

    def any_reading() -> NumberReading:
        return sure(number) if (number := any_number()) and dice.random() < 0.3 else doubt(number)

    firm = tuple(map(sure, dice.sample(range(10, 91), 5)))
    read = Reading({"BA": by_the_rules([any_reading() for _ in range(5)]), "RM": firm})
    roma = tuple(each.number for each in firm)

    def any_look() -> Look:  # right about what is sure, or it would not be believed
        cells = read.wheels["BA"]
        said = (each.number if each.confidence >= SURE else any_number() for each in cells)
        return look(*said, roma=roma)

    looks = [any_look() for _ in range(dice.choice([1, 2]))]
    after = agreed(read, looks).reading
    assert after.wheels["RM"] == firm
    for place, (old, new) in enumerate(zip(read.wheels["BA"], after.wheels["BA"], strict=True)):
        if old.confidence >= SURE:
            assert new == old
        elif new != old:
            said = [each.wheels["BA"][place] for each in looks]
            assert [*said, old.number].count(new.number) >= 2
            assert {*said} <= {None, new.number}
    if "BA" in after.sure():
        assert len(set(after.sure()["BA"])) == 5


def test_what_the_ocr_guesses_is_not_told_to_the_ai() -> None:
    text = question(reading(doubt(78)), with_what_was_read=True)
    read = orjson.loads(text.rpartition("\n")[2])
    assert read == {"BA": [50, 29, 12, 47, None], "RM": [1, 2, 3, 4, 5]}
    blind = question(reading(doubt(78)), with_what_was_read=False)
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
    assert look_of(orjson.dumps(body).decode()) == Look(
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
def test_an_answer_that_is_no_look_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        look_of(text)


def test_a_fenced_answer_is_read_too() -> None:
    assert look_of('```json\n{"wheels": [], "confidence": 5}\n```') == Look({}, 5.0)
