"""Screening by lists, prefixes and rules."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centralino.screening import PERMANENT, Numbers, Rule, Screening
from centralino.types import Decision, Verdict, Why
from core.lib.numbers import prefixes

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


FOREIGN = "+41791234567"


@pytest.mark.parametrize(
    ("rule", "caller", "why"),
    [
        (Rule(block_foreign=True), "+41 79 123 45 67", Why.FOREIGN),
        (Rule(block_foreign=True), "447911123456", Why.FOREIGN),
        (Rule(block_foreign=True), CALLER, Why.CLEAN),
        (Rule(block_foreign=True), "40123", Why.CLEAN),
        (Rule(block_foreign=True, foreign_except=("+378", "+41")), "0041791234567", Why.CLEAN),
        (Rule(block_foreign=True, foreign_except=("+378",)), "0041791234567", Why.FOREIGN),
        (Rule(block_impossible=True), "+39612345678", Why.IMPOSSIBLE),
        (Rule(block_impossible=True), "+3478893084", Why.IMPOSSIBLE),
        (Rule(block_impossible=True), CALLER, Why.CLEAN),
        (Rule(block_impossible=True), "187", Why.CLEAN),
        (Rule(block_short=True), "+39187", Why.SHORT),
        (Rule(block_short=True), "892424", Why.CLEAN),
        (Rule(), "0041791234567", Why.CLEAN),
    ],
)
def test_a_rule_refuses_classes_of_callers(screening: Screening, rule: Rule, caller: str, why: Why):
    screening.set_rules([("", rule)])
    assert screening.decide(caller, LINE, NOW).why is why
    number = screening.decide(caller, LINE, NOW).number
    screening.allowed.put(number, PERMANENT)
    assert screening.decide(caller, LINE, NOW).why is Why.ALLOWED


def test_who_calls_again_too_soon_is_refused_on_that_line(screening: Screening):
    screening.set_rules([("", Rule(block_repeated=True, repeated_s=60))])

    def why(at: float, *, called: str = LINE, caller: str = CALLER, channel: str = "") -> Why:
        channel_id = channel or f"{called}-{at}"
        return screening.decide(caller, called, NOW + at, channel_id=channel_id).why

    assert why(0, channel="1.1") is Why.CLEAN
    assert why(1, channel="1.1") is Why.CLEAN  # the same call, after a reconnect
    assert why(30) is Why.REPEATED
    assert why(31, caller="+39 333 1234567", called="+39899748963") is Why.REPEATED
    assert why(32, called="800129461") is Why.CLEAN
    assert why(61) is Why.CLEAN  # a minute after it was let through, whatever was refused since
    screening.allowed.put("+393331234567", PERMANENT)
    assert why(62) is Why.ALLOWED


def test_callers_of_more_than_an_hour_ago_are_forgotten(screening: Screening):
    for n in range(100):
        screening.recent.note(LINE, f"+39333{n:07d}", NOW + n * 60, f"1.{n}")
    assert len(screening.recent._calls) == 61


@pytest.mark.parametrize(
    "called", ["800026028", "800026028;npdi;rn=+39360", "+39800026028;phone-context=+39",
               "tel:800026028", "sip:800026028@10.0.0.1"],
)  # fmt: skip
def test_a_line_s_rule_is_found_whatever_the_carrier_adds(screening: Screening, called: str):
    screening.set_rules([("800 026 028", Rule(enabled=False))])
    assert screening.decide(CALLER, called, NOW).why is Why.OFF


def test_prefixes_of_short_codes_and_countries_match(screening: Screening):
    for prefix in ("+3918*", "+3940*", "+1*", "+7*"):
        screening.blocked.put(prefix, PERMANENT)
    refused = {"187": "+3918*", "40123": "+3940*", "+12125551234": "+1*", "0074951234567": "+7*"}
    for caller, entry in refused.items():
        assert screening.decide(caller, LINE, NOW).entry == entry
    for caller in ("119", CALLER, FOREIGN):
        assert screening.decide(caller, LINE, NOW).verdict is PASSED


def test_all_countries_are_one_prefix(screening: Screening):
    screening.blocked.put("+*", PERMANENT)
    assert screening.decide(FOREIGN, LINE, NOW).entry == "+*"
    assert screening.decide("447911123456", LINE, NOW).entry == "+*"
    for caller in (CALLER, "0649911", "187"):
        assert screening.decide(caller, LINE, NOW).verdict is PASSED


def test_a_trunk_without_plus_is_read_so(screening: Screening):
    screening.blocked.put("+4412345678", PERMANENT)
    assert screening.decide("4412345678", LINE, NOW, without_plus=True).verdict is BLOCKED
    assert screening.decide("4412345678", LINE, NOW).verdict is PASSED


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
