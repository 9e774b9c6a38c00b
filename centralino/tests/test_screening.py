"""Screening by lists, prefixes and rules."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.numbers import prefixes
from centralino.screening import PERMANENT, Numbers, Rule, Screening
from centralino.types import Decision, Verdict, Why

NOW = 1_765_265_705
CALLER, LINE = "3331234567", "899748963"
PASSED, BLOCKED = Verdict.PASSED, Verdict.BLOCKED


@pytest.fixture
def screening() -> Screening:
    return Screening()


def test_a_clean_caller_passes(screening: Screening):
    assert screening.decide(CALLER, LINE, NOW) == Decision(PASSED, Why.CLEAN, "+393331234567")


@pytest.mark.parametrize("caller", ["", "anonymous", "<unknown>", "Restricted"])
def test_a_withheld_number_is_blocked(screening: Screening, caller: str):
    assert screening.decide(caller, LINE, NOW) == Decision(BLOCKED, Why.ANONYMOUS, "")


@pytest.mark.parametrize("caller", ["3331234567", "+393331234567", "00393331234567"])
def test_a_listed_caller_is_blocked_in_any_notation(screening: Screening, caller: str):
    screening.blocked.put("+393331234567", NOW + 1)
    decision = screening.decide(caller, LINE, NOW)
    assert decision == Decision(BLOCKED, Why.LISTED, "+393331234567", "+393331234567")


def test_an_entry_counts_until_it_expires_and_not_a_second_longer(screening: Screening):
    screening.blocked.put("+393331234567", NOW)
    assert screening.decide(CALLER, LINE, NOW - 0.1).verdict is BLOCKED
    assert screening.decide(CALLER, LINE, NOW).verdict is PASSED


def test_a_prefix_keeps_all_of_its_numbers_out(screening: Screening):
    screening.blocked.put("+39333*", PERMANENT)
    assert screening.decide(CALLER, LINE, NOW).entry == "+39333*"
    assert screening.decide("3341234567", LINE, NOW).verdict is PASSED


@pytest.mark.parametrize(
    "caller", ["3331234567\r\nEvent: Hangup", "333\n", "333\x00", "\x1b[2J", "3\x85"]
)
def test_a_control_character_is_refused_whatever_is_listed(screening: Screening, caller: str):
    screening.set_rules([("", Rule(enabled=False, block_anonymous=False))])
    screening.allowed.put("+393331234567", PERMANENT)
    forged = Decision(BLOCKED, Why.FORGED, "")
    assert screening.decide(caller, LINE, NOW) == forged
    assert screening.decide(CALLER, f"{LINE}{caller}", NOW) == forged
    assert screening.decide(CALLER, LINE, NOW, said=["Nicolò", caller]) == forged
    assert screening.decide(CALLER, LINE, NOW, said=["Nicolò", "公司"]).verdict is PASSED


def test_the_allow_list_wins(screening: Screening):
    screening.blocked.put("+39333*", PERMANENT)
    screening.allowed.put("+393331234567", PERMANENT)
    decision = screening.decide(CALLER, LINE, NOW)
    assert (decision.verdict, decision.why) == (PASSED, Why.ALLOWED)


def test_each_line_has_its_own_rule(screening: Screening):
    screening.blocked.put("+393331234567", PERMANENT)
    screening.set_rules(
        [
            ("", Rule(block_anonymous=False)),
            ("+39 899 748963", Rule(enabled=False)),
            ("800129461", Rule(block_listed=False)),
        ]
    )
    assert screening.decide("", LINE, NOW).why is Why.OFF
    assert screening.decide(CALLER, "+39899748963", NOW).why is Why.OFF
    assert screening.decide(CALLER, "800129461", NOW).verdict is PASSED
    assert screening.decide("", "800129461", NOW).verdict is BLOCKED
    assert screening.decide("", "0551234567", NOW).verdict is PASSED
    assert screening.decide(CALLER, "s", NOW).verdict is BLOCKED


def test_an_internal_number_is_not_mistaken_for_an_outside_one(screening: Screening):
    screening.blocked.put("105", PERMANENT)
    assert screening.decide("105", LINE, NOW).verdict is BLOCKED
    assert screening.decide("+105", LINE, NOW).number == "105"
    assert screening.decide("0105", LINE, NOW).verdict is PASSED


E164 = st.from_regex(r"\+39[0-9]{6,10}", fullmatch=True)


@given(st.dictionaries(E164 | E164.map(lambda n: f"{n[:6]}*"), st.integers(NOW - 5, NOW + 5)), E164)
def test_a_match_is_what_a_plain_search_finds(entries: dict[str, int], number: str):
    numbers = Numbers()
    for entry, until in entries.items():
        numbers.put(entry, until)
    alive = {entry for entry, until in entries.items() if until > NOW}
    expected = next((e for e in (number, *prefixes(number)) if e in alive), "")
    assert numbers.match(number, NOW) == expected
    numbers.drop_expired(NOW)
    assert len(numbers) == len(alive)
    assert numbers.match(number, NOW) == expected


def test_a_hundred_thousand_entries_need_little_memory():
    tracemalloc.start()
    numbers = Numbers()
    for n in range(100_000):
        numbers.put(f"+39333{n:07d}", NOW + n)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 20_000_000
