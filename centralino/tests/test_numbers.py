"""One caller, one notation."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from centralino.numbers import (
    MAX_DIGITS,
    NumberError,
    canonical,
    e164,
    is_withheld,
    national,
    prefixes,
)


@pytest.mark.parametrize(
    "written",
    ["3331234567", "+393331234567", "00393331234567", "333 123 45 67", "333-1234567",
     "(333) 1234567", " 3331234567 ", "+39 333.123.4567"],
)  # fmt: skip
def test_one_caller_in_any_notation_is_one(written: str):
    assert canonical(written) == e164(written) == "+393331234567"
    assert national(canonical(written)) == "3331234567"


@pytest.mark.parametrize(
    ("written", "number", "shown"),
    [
        ("0551234567", "+390551234567", "0551234567"),
        ("899748963", "+39899748963", "899748963"),
        ("800129461", "+39800129461", "800129461"),
        ("+41791234567", "+41791234567", "+41791234567"),
        ("0041791234567", "+41791234567", "+41791234567"),
        ("105", "105", "105"),
        ("+3989*", "+3989*", "+3989*"),
        ("003989*", "+3989*", "+3989*"),
        ("89 9*", "+39899*", "+39899*"),
    ],
)
def test_other_numbers_keep_what_makes_them_different(written: str, number: str, shown: str):
    assert canonical(written) == number
    assert national(number) == shown


@pytest.mark.parametrize(
    "caller",
    ["", " ", "anonymous", "Anonymous", "ANONYMOUS", "anonymous@anonymous.invalid", "unknown",
     "<unknown>", "Unavailable", "Private", "Restricted", "asterisk", "sip:anonymous@x"],
)  # fmt: skip
def test_a_withheld_number_is_known_as_such(caller: str):
    assert is_withheld(caller)


@pytest.mark.parametrize("caller", ["3331234567", "sip:+393331234567@10.0.0.1", "tel:3331234567"])
def test_a_shown_number_is_not(caller: str):
    assert e164(caller) == "+393331234567"


@pytest.mark.parametrize(
    "written",
    ["", "x", "anonymous", "+", "*", "+*", "1*2", "**", "3331234567\0", "٣٣٣١٢٣٤٥٦٧", "3" * 10_000,
     "1" * 17, "333;DROP", "5", "3331234567**"],
    ids=lambda written: ascii(written)[:20],
)  # fmt: skip
def test_what_is_no_number_is_refused_with_advice(written: str):
    with pytest.raises(NumberError, match=r"Scrivere|prefisso"):
        canonical(written)


@given(st.text())
def test_whatever_a_telephone_sends_is_a_number_or_none(caller: str):
    number = e164(caller)
    assert len(number) <= MAX_DIGITS
    assert number.removeprefix("+").isdigit() or not number


@given(st.from_regex(r"\+?[0-9]{2,15}", fullmatch=True))
@example("+310000000")
def test_the_one_notation_stays_what_it_is(written: str):
    number = canonical(written)
    assert canonical(number) == number
    assert len(number) <= MAX_DIGITS


def test_prefixes_of_a_number_are_listed_longest_first():
    assert prefixes("+398") == ["+398*", "+39*", "+3*", "+*"]
