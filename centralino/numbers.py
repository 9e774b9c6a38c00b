"""Callers' numbers in one notation: E.164, whatever Asterisk, staff or a carrier write.

`3331234567`, `+393331234567`, `00393331234567` and `333 123 45 67` are one caller. What is no
number of the public network (an internal `105`, an odd foreign one) keeps its digits.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import Final

import phonenumbers
from django.utils.translation import gettext as _
from phonenumbers import NumberParseException, PhoneNumberFormat

REGION: Final = "IT"
COUNTRY: Final = "+39"
MAX_DIGITS: Final = 32  # characters of a number as it is stored
_MAX_E164_DIGITS: Final = 15  # of E.164
_WRITTEN: Final = re.compile(r"[+]?[0-9 ()./-]{1,40}", re.ASCII)
_PREFIX: Final = re.compile(r"[+]?[0-9]{1,20}[*]", re.ASCII)
_NOT_DIGITS: Final = re.compile(r"[^0-9]", re.ASCII)
# How telephone systems mark a withheld number.
_WITHHELD: Final = frozenset(
    {"", "anonymous", "unknown", "<unknown>", "unavailable", "private", "restricted", "withheld",
     "asterisk", "none", "<none>", "blocked", "privato", "anonimo", "sconosciuto"}
)  # fmt: skip


# Control characters: C0, DEL and C1. No telephone has a reason to send one.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class NumberError(ValueError):
    """What was given is no telephone number; the message says what is expected."""


def canonical(written: str) -> str:
    """A number, or a prefix with `*`, in the one notation that is stored and compared.

    Raises NumberError.
    """
    text = written.strip()
    if text.endswith("*"):
        return _canonical_prefix("".join(text.split()))
    number = e164(text) if _WRITTEN.fullmatch(text) else ""
    if not 2 <= len(number) <= _MAX_E164_DIGITS + 1:
        raise NumberError(_("Expected a telephone number as 3331234567, or a prefix as +3989*"))
    return number


@lru_cache(65_536)
def e164(caller: str) -> str:
    """The caller's number, or '' when it is withheld or there is none in it.

    Never raises: a telephone may send anything.
    """
    text = caller.strip().partition("@")[0].removeprefix("sip:").removeprefix("tel:")
    if text.lower() in _WITHHELD or not _WRITTEN.fullmatch(text):
        return ""
    with suppress(NumberParseException):
        number = phonenumbers.parse(text, REGION)
        if phonenumbers.is_possible_number(number):
            found = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            # Abroad a trunk prefix is dropped, one digit at a time: +31 0 0 20...
            return found if found == text or found.startswith(COUNTRY) else e164(found)
    digits = _NOT_DIGITS.sub("", text)[:MAX_DIGITS]
    # Once more with the digits alone: the same digits are always the same number.
    return digits if digits == text else e164(digits)


def has_control(text: str) -> bool:
    """Whether a control character is in it, such as a line break: somebody forged it."""
    return _CONTROL.search(text) is not None


def without_control(text: str) -> str:
    """The text with a blank for each control character."""
    return _CONTROL.sub(" ", text)


def masked(caller: str) -> str:
    """A number that is not to be read: its first three characters, and how long it is."""
    return caller[:3] + "*" * len(caller[3:])


def is_withheld(caller: str) -> bool:
    """Whether there is no number to call back: an anonymous, unknown or unreadable caller."""
    return not e164(caller)


def national(number: str) -> str:
    """A canonical number as Italians write it: without +39; prefixes and others as they are."""
    return number if number.endswith("*") else number.removeprefix(COUNTRY) or number


def prefixes(number: str) -> list[str]:
    """Every prefix entry that would match the number, the longest first."""
    return [f"{number[:end]}*" for end in range(len(number), 0, -1)]


def _canonical_prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise NumberError(_("Expected digits and *, as +3989* or 899*"))
    digits = text[:-1]
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif not digits.startswith("+"):
        digits = COUNTRY + digits
    if len(digits) < 3:
        raise NumberError(
            _("A prefix needs at least two digits, or it would match nearly everybody")
        )
    return f"{digits}*"
