"""Numbers that their callers hide are masked wherever they stand."""

from __future__ import annotations

from typing import Any

import pytest

from centralino.hidden_callers import HOLD_S, KEPT_S, HiddenCallers, of_channel, of_message
from centralino.types import AmiMessage

NUMBER, SHOWN = "3478893084", "347*******"


@pytest.fixture
def callers() -> HiddenCallers:
    return HiddenCallers()


def passed(callers: HiddenCallers, what: Any, at: float = 0, **more: Any) -> list[Any]:
    facts: dict[str, Any] = {"channel": "1.1", "number": NUMBER, "hidden": None, "begins": False}
    return callers.pass_on(what, at, **facts | more)


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [(True, [SHOWN, f"{SHOWN} rings"]), (False, [NUMBER, f"{NUMBER} rings"])],
)
def test_what_is_said_of_a_new_caller_waits_for_what_they_wish(callers, hidden, expected):
    assert passed(callers, NUMBER, begins=True) == []
    assert passed(callers, f"{NUMBER} rings") == []
    assert passed(callers, "another", channel="1.2", number="") == ["another"]
    assert callers.resolve("1.1", NUMBER, hidden=hidden) == expected
    assert callers.resolve("1.1", NUMBER, hidden=hidden) == []


def test_a_message_that_says_so_releases_those_before_it(callers):
    assert passed(callers, [NUMBER], begins=True) == []
    assert passed(callers, {"number": NUMBER}, hidden=True) == [[SHOWN], {"number": SHOWN}]


def test_nobody_waits_for_longer_than_a_moment(callers):
    passed(callers, NUMBER, begins=True)
    assert callers.due(HOLD_S - 0.01) == []
    assert callers.due(HOLD_S) == [NUMBER]
    assert passed(callers, NUMBER, HOLD_S + 1, hidden=True) == [SHOWN]


def test_a_withheld_number_has_nothing_to_wait_for(callers):
    assert passed(callers, "x", number="anonymous", begins=True) == ["x"]


def test_the_number_is_masked_in_any_notation_and_anybody_s_words(callers):
    passed(callers, "", hidden=True)
    event = {
        "peer": {"connected": {"number": NUMBER, "name": f"Mario ({NUMBER})"}},
        "args": ["+393478893084", "00393478893084", 7, None, "34788930845", "899748963"],
    }
    assert callers.masked(event) == {
        "peer": {"connected": {"number": SHOWN, "name": f"Mario ({SHOWN})"}},
        "args": ["+39**********", "003***********", 7, None, "34788930845", "899748963"],
    }
    message = AmiMessage({"connectedlinenum": NUMBER})
    message.repeated = {"variable": [NUMBER, "a"]}
    shown = callers.masked(message)
    assert (shown, shown.all("variable")) == ({"connectedlinenum": SHOWN}, [SHOWN, "a"])


def test_a_number_is_forgotten_after_its_call(callers):
    passed(callers, "", hidden=True)
    callers.end("1.1", 10)
    assert callers.masked(NUMBER) == SHOWN
    callers.end("9.9", 10 + KEPT_S)
    assert callers.masked(NUMBER) == NUMBER


def test_a_call_whose_end_was_missed_is_forgotten_with_the_next_snapshot(callers):
    passed(callers, "", hidden=True)
    callers.keep({"1.1", "1.2"})
    assert callers.masked(NUMBER) == SHOWN
    callers.keep({"1.2"})
    assert callers.masked(NUMBER) == NUMBER


@pytest.mark.parametrize(
    ("headers", "hidden"),
    [
        ({"chanvariable": "CALLERID(num-pres)=prohib_passed_screen"}, True),
        ({"chanvariable": "CALLERID(num-pres)=allowed_not_screened"}, False),
        ({"cid-callingpres": "35 (Presentation Prohibited, Network Number)"}, True),
        ({"cid-callingpres": "0 (Presentation Allowed, Not Screened)"}, False),
        ({"cid-callingpres": "67 (Number Unavailable)"}, False),
        ({"cid-callingpres": "many"}, None),
        ({"chanvariable": "DID=899748963"}, None),
        ({}, None),
    ],
)
def test_ami_says_it_in_two_ways(headers: dict[str, str], hidden: bool | None):
    assert of_message(AmiMessage(headers)) is hidden


def test_of_repeated_variables_the_right_one_is_read():
    message = AmiMessage({"chanvariable": "DID=1"})
    message.repeated = {"chanvariable": ["DID=1", "CALLERID(num-pres)=prohib"]}
    assert of_message(message) is True


@pytest.mark.parametrize(
    ("variables", "passed_on", "hidden"),
    [
        ({"CALLERID(num-pres)": "prohib"}, "", True),
        ({"CALLERID(num-pres)": "allowed"}, "", False),
        ({}, "prohib_passed_screen", True),
        ({"CALLERID(num-pres)": "prohib"}, "allowed", False),
        (None, "", None),
    ],
)
def test_ari_says_it_in_two_ways(variables: Any, passed_on: str, hidden: bool | None):
    assert of_channel({"channelvars": variables}, passed_on) is hidden
