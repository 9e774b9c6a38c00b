"""Every value that the API says in a word has a name for people, and an Italian one."""

from __future__ import annotations

from enum import EnumType

import pytest
from django.utils import translation

from centralino import labels as centralino
from centralino.types import Reason, Verdict, Why
from core.lib.labels import Labels, choices, label_of
from lotto import labels as lotto
from lotto.types import Source
from ocr import labels as ocr
from ocr.types import Held, Origin, RunState, StepName, StepState
from webcom import labels as webcom
from webcom.types import STAGES

NAMED: list[tuple[Labels, EnumType]] = [
    (centralino.VERDICTS, Verdict),
    (centralino.WHYS, Why),
    (centralino.REASONS, Reason),
    (lotto.SOURCES, Source),
    (ocr.RUN_STATES, RunState),
    (ocr.HELD, Held),
    (ocr.ORIGINS, Origin),
    (ocr.STEPS, StepName),
    (ocr.STEP_STATES, StepState),
]
SAME_IN_ITALIAN = {"OCR", "Telegram"}


@pytest.mark.parametrize(("words", "kind"), NAMED, ids=lambda each: getattr(each, "__name__", ""))
def test_every_value_has_a_name(words: Labels, kind: EnumType) -> None:
    assert list(words) == list(kind)


def test_every_state_of_the_carrier_has_a_name() -> None:
    assert webcom.CALL_STATES.keys() == STAGES.keys()


@pytest.mark.parametrize(
    "words", [*(words for words, _ in NAMED), webcom.CALL_STATES, centralino.ENDPOINTS]
)
def test_every_name_is_in_italian(words: Labels) -> None:
    with translation.override("en"):
        english = [str(name) for name in words.values()]
    with translation.override("it"):
        italian = [str(name) for name in words.values()]
    same = {name for name, other in zip(english, italian, strict=True) if name == other}
    assert same <= SAME_IN_ITALIAN


def test_choices_are_plain_and_what_is_unknown_stays() -> None:
    assert [type(value) for value, _ in choices(ocr.HELD)] == [str] * len(Held)
    assert label_of(webcom.CALL_STATES, "Parked") == "Parked"
