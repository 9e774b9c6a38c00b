"""One caller, one notation."""

from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st

from core.lib.numbers import (
    MAX_DIGITS,
    MAX_WRITTEN,
    NumberError,
    canonical,
    comparable,
    country,
    e164,
    is_changed,
    is_foreign,
    is_impossible,
    is_short,
    is_withheld,
    national,
    notations,
    prefixes,
)

MOBILE = [
    "3478893084", "+393478893084", "00393478893084", "393478893084", "347 889 30 84",
    "347-8893084", "(347) 8893084", " 3478893084 ", "+39 347.889.3084", "3.478.893.084",
    "(+39) 347 889 3084", "+39\u00a0347\u00a0889\u00a03084", "\u202a3478893084\u202c",
    "\u200e3478893084", "\u202d347\u202c8893084\u202e", "\u2066347\u20698893084",
    "\ufeff3478893084",
    "347\u2013889\u20113084", "347\u2012889\u22123084", "347\u2009889\u202f3084",
    "347\u3000889\u00ad3084",
    "3478893084;", "3478893084 ;", "\uff0b\uff13\uff193478893084", "\uff13\uff14\uff178893084",
    "\u0663\u0664\u0667\u0668\u0668\u0669\u0663\u0660\u0668\u0664", "\u06f3478893084",
    "tel:+393478893084", "TEL:3478893084;phone-context=+39", "tel:+39-347-889-3084;ext=12",
    "3478893084;phone-context=+39;ext=5", "sip:+393478893084@10.0.0.1",
    "sip:3478893084@host:5060;user=phone", "SIPS:3478893084:secret@host",
    "sip:%2B393478893084@host",
    "sip:+393478893084;npdi;rn=+39360@host", "<sip:+393478893084@host;user=phone>",
    '"Mario Rossi" <sip:3478893084@host>;tag=1', "Mario <tel:+393478893084>", '"Mario" 3478893084',
    '"3478893084"', "3478893084@host", "callto:3478893084",
]  # fmt: skip


@pytest.mark.parametrize("written", MOBILE, ids=ascii)
def test_one_caller_in_any_notation_is_one(written: str):
    assert canonical(written) == e164(written) == "+393478893084"
    assert national(canonical(written)) == "3478893084"


@pytest.mark.parametrize(
    ("written", "number", "shown"),
    [
        ("0551234567", "+390551234567", "0551234567"),
        ("390649911", "+390649911", "0649911"),
        ("+390649911", "+390649911", "0649911"),
        ("06 49911", "+390649911", "0649911"),
        ("06.49911", "+390649911", "0649911"),
        ("+39 (0)6 49911", "+390649911", "0649911"),
        ("+0649911", "+390649911", "0649911"),
        ("3906499111", "+393906499111", "3906499111"),  # a mobile number with ten digits
        ("899748963", "+39899748963", "899748963"),
        ("800026028;npdi;rn=+39360", "+39800026028", "800026028"),
        ("892424", "+39892424", "892424"),
        ("+41791234567", "+41791234567", "+41791234567"),
        ("0041791234567", "+41791234567", "+41791234567"),
        ("447911123456", "+447911123456", "+447911123456"),
        ("40712345678", "+40712345678", "+40712345678"),
        ("+44 (0)7911 123456", "+447911123456", "+447911123456"),
        ("tel:7911123456;phone-context=+44", "+447911123456", "+447911123456"),
        ("+39612345678", "+39612345678", "+39612345678"),  # impossible, but not to be guessed at
        ("187", "187", "187"),
        ("+39187", "187", "187"),
        ("0039187", "187", "187"),
        ("+39 40123", "40123", "40123"),
        ("119", "119", "119"),
        ("105", "105", "105"),
    ],
)
def test_other_numbers_keep_what_makes_them_different(written: str, number: str, shown: str):
    assert canonical(written) == e164(written) == number
    assert national(number) == shown


@pytest.mark.parametrize(
    ("written", "prefix"),
    [
        ("+3989*", "+3989*"), ("003989*", "+3989*"), ("89 9*", "+39899*"), ("18*", "+3918*"),
        ("+1*", "+1*"), ("001*", "+1*"), ("+7*", "+7*"), ("+*", "+*"), ("00*", "+*"),
        ("+44*", "+44*"),
        ("tel:+44*", "+44*"), ("(+39) 347\u2013*", "+39347*"), ("\u202a333*\u202c", "+39333*"),
    ],
)  # fmt: skip
def test_a_prefix_has_one_notation(written: str, prefix: str):
    assert canonical(written) == national(prefix) == prefix


@pytest.mark.parametrize(
    "caller",
    ["anonymous", "Anonymous", "ANONYMOUS", "anonymous@anonymous.invalid", "unknown",
     "<unknown>", "Unavailable", "Private", "Restricted", "asterisk", "sip:anonymous@x", "anonimo",
     '"Anonymous" <sip:anonymous@anonymous.invalid>', "Numero privato", "\uff41nonymous",
     "0000000000", "0", "+000", "\u200e"],
    ids=ascii,
)  # fmt: skip
def test_a_withheld_number_is_known_as_such(caller: str):
    assert is_withheld(caller)
    with translation.override("en"), pytest.raises(NumberError, match="withheld"):
        canonical(caller)


@pytest.mark.parametrize(
    "written",
    ["3478893084.0", "3478893084,0", "3478893084.00", "3478893084.", "3.47889E+09", "3,47889E+09",
     "3.47889e9", "3E+09", "+3.93478893084E+11", "'3478893084", "'+393478893084", "\u2019347",
     '="3478893084"', "=3478893084", "3,478,893,084", "\u200e3478893084.0"],
    ids=ascii,
)  # fmt: skip
def test_what_a_spreadsheet_has_changed_is_no_number(written: str):
    assert is_changed(written)
    assert e164(written) == ""
    with translation.override("en"), pytest.raises(NumberError, match="A spreadsheet has changed"):
        canonical(written)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("12", "too short"), ("5", "too short"), ("0105", "too short"), ("+3912", "too short"),
        ("+3478893084", "too short"), ("612345678", "leading zero"), ("551234567", "leading zero"),
        ("1" * 17, "too long"), ("3" * 10_000, "too long"), ("x", "Expected a telephone"),
        ("+", "Expected a"), ("1*2", "Expected a"), ("3331234567\0", "Expected a"),
        ("333;DROP*", "Expected digits"), ("*", "Expected digits"), ("**", "Expected digits"),
        ("3331234567**", "Expected digits"), ("+0*", "Expected digits"), ("+3*", "two digits"),
        ("3331234567x5", "Expected a"), ("", "Expected a"), (" ", "Expected a"),
        ("333;DROP", "Expected a"), ("+999123456789", "Expected a"),
    ],
    ids=lambda text: ascii(text)[:20],
)  # fmt: skip
def test_what_is_no_number_is_refused_with_the_reason(written: str, reason: str):
    with translation.override("en"), pytest.raises(NumberError, match=reason):
        canonical(written)


@pytest.mark.parametrize(
    ("caller", "number"),
    [
        ("447911123456", "+447911123456"),
        ("393478893084", "+393478893084"),
        ("390649911", "+390649911"),
        ("4412345678", "+4412345678"),  # impossible, yet British
        ("3478893084", "+393478893084"),  # no number of Spain
        ("0649911", "+390649911"),
        ("+41791234567", "+41791234567"),
        ("187", "187"),
        ("3906499111", "+3906499111"),
    ],
)
def test_a_trunk_may_send_e164_without_its_plus(caller: str, number: str):
    assert e164(caller, without_plus=True) == number


def test_classes_of_numbers():
    assert is_foreign("+41791234567")
    assert not is_foreign("+393478893084")
    assert not is_foreign("187")
    assert is_short("187")
    assert not is_short("+39892424")
    assert not is_short("")
    impossible = ["+39612345678", "+3478893084", "+999123456789", "11111111111111111"]
    assert all(map(is_impossible, impossible))
    assert not any(map(is_impossible, ["", "187", "+393478893084", "+390649911", "+41791234567"]))


@pytest.mark.parametrize(
    ("written", "begin"),
    [("CH", "+41"), ("ch", "+41"), ("+378", "+378"), ("00378", "+378"), ("+1787", "+1787")],
)
def test_a_country_is_named_by_its_letters_or_its_code(written: str, begin: str):
    assert country(written) == begin


@pytest.mark.parametrize("written", ["IT", "+39", "XX", "41", "+", "", "+999", "CHE"])
def test_what_is_no_other_country_is_refused(written: str):
    with pytest.raises(NumberError):
        country(written)


def test_a_number_is_found_however_it_was_stored():
    assert notations("347 889 3084") == {
        "347 889 3084", "+393478893084", "393478893084", "00393478893084", "3478893084",
    }  # fmt: skip
    assert {"+447911123456", "447911123456", "+39447911123456"} <= notations("0044 7911 123456")
    assert {"187", "+39187", "0039187", "39187"} <= notations("187")
    assert notations("347*") == {"+39347*", "0039347*", "39347*", "347*"}
    assert notations("nobody") == {"nobody"}
    assert {"", "anonymous"} <= notations("Anonymous")


@given(st.text())
def test_whatever_a_telephone_sends_is_a_number_or_none(caller: str):
    number = e164(caller)
    assert len(number) <= MAX_DIGITS
    assert number.removeprefix("+").isdigit() or not number
    assert e164(number) == number or is_impossible(number) or is_short(number)
    assert caller.strip() in notations(caller)


@given(st.from_regex(r"\+?[0-9]{2,15}", fullmatch=True))
@example("+310000000")
@example("390649911")
@example("3906499111")
def test_the_one_notation_stays_what_it_is_and_is_read_back(written: str):
    try:
        number = canonical(written)
    except NumberError:
        return
    assert len(number) <= MAX_DIGITS
    assert canonical(number) == number
    assert canonical(national(number)) == number


def test_prefixes_of_a_number_are_listed_longest_first():
    assert prefixes("+398") == ["+398*", "+39*"]
    assert prefixes("+417") == ["+417*", "+41*", "+4*", "+*"]
    assert prefixes("187") == ["+39187*", "+3918*", "+391*", "+39*"]
    assert comparable("187") == "+39187"


def test_a_notation_of_any_length_costs_little():
    assert e164("+39347" + " " * MAX_WRITTEN + "8893084") == ""
