"""What a telephone number is: one caller in one notation, whatever people and systems write.

`3478893084`, `+39 347 889 3084`, `tel:00393478893084;npdi` are `+393478893084` (E.164). Short codes
and extensions (`187`, `105`) are their digits. `phonenumbers` knows the plans of all countries; the
rules here only prepare a text for it, and say what it does not: docs/decisions/0023.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

import phonenumbers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

REGION: Final = "IT"
COUNTRY: Final = "+39"
MAX_DIGITS: Final = 32  # characters of a number as it is stored
MAX_WRITTEN: Final = 200  # characters of a notation
MAX_SHORT: Final = 6  # digits of a short code or an extension; numbers of E.164 have more
MIN_SHORT: Final = 3

EXPECTED: Final = _("Expected a telephone number as 3331234567, or a prefix as +3989*")
CHANGED: Final = _("A spreadsheet has changed this number: format its column as text")
WITHHELD: Final = _("This stands for a withheld number")
TOO_SHORT: Final = _("The number is too short")
TOO_LONG: Final = _("The number is too long")
NO_ZERO: Final = _(
    "A leading zero may be missing; otherwise write the number with its country, +39"
)
NO_PREFIX: Final = _("Expected digits and *, as +3989* or 899*")
WIDE_PREFIX: Final = _("A prefix needs at least two digits, or it would match nearly everybody")

# What spreadsheets make of a number: 3.47889E+09, 3478893084.0, 3478893084,0, '347..., ="347..."
_CHANGED: Final = re.compile(
    r"['\u2018\u2019=].*|[+-]?[\d.,]+E[+-]?\d+|[+-]?\d{5,}\.0*|[+-]?\d[\d.]*,[\d.,]*", re.I | re.S
)
_ADDRESS: Final = re.compile(r"[^<]*<([^<>]*)>.*", re.S)  # "Mario" <sip:+39347...@host>;tag=1
_NAMED: Final = re.compile(r'"([^"]*)"\s*(.*)', re.S)
_SCHEME: Final = re.compile(r"(tel|sips?|callto):(//)?", re.I)
_PARAMETERS: Final = re.compile(r"(;\s*(npdi|[a-z-]+=[^;]*)?)*", re.I)
_CONTEXT: Final = re.compile(r";phone-context=(\+\d+)", re.I)
_MARKS: Final = re.compile(r"[ ()./-]")
_DIGITS: Final = re.compile(r"\+?\d{1,40}", re.ASCII)
_PREFIX: Final = re.compile(r"\+?\d{0,20}", re.ASCII)
# Italian numbers that are read the same without +39, whether they are assigned or not.
_PLAIN: Final = re.compile(r"\+39(?:3[1-9]\d{8}|0[1-9]\d{4,9})", re.ASCII)
_LANDLINE_39: Final = re.compile(r"390(?!\d{7}\Z)\d{4,}", re.ASCII)  # 3 Italia has 390 and 7 digits
_ZEROS: Final = re.compile(r"(\+?0+)?")
_LETTERS: Final = re.compile(r"[^a-z]")
# How telephone systems and people name a number that is not shown.
_NOT_SHOWN: Final = frozenset(
    {"anonymous", "anonymouscaller", "unknown", "unknowncaller", "unavailable", "private",
     "privatenumber", "restricted", "withheld", "hidden", "asterisk", "none", "null", "blocked",
     "nocallerid", "notavailable", "privato", "numeroprivato", "anonimo", "numeroanonimo",
     "sconosciuto", "numerosconosciuto", "nascosto", "numeronascosto", "riservato"}
)  # fmt: skip

Reading = tuple[str, Promise | str]  # the number or '', and why it is doubtful or none


class NumberError(ValueError):
    """What was given is no telephone number; the message says why, in the reader's language."""


def canonical(written: str) -> str:
    """A number, or a prefix with `*`, in the one notation that is stored and compared.

    Raises NumberError where a number is doubtful: nothing is guessed about what people enter.
    """
    if _plain_text(written).endswith("*"):
        return _prefix(written)
    number, reason = _read(written)
    if reason:
        raise NumberError(str(reason if written.strip() else EXPECTED))
    return number


def e164(caller: str, *, without_plus: bool = False) -> str:
    """The caller's number, or '' when it is withheld or there is none in it.

    Never raises: a telephone may send anything. `without_plus`: the trunk sends E.164 without it.
    """
    return _read(caller, without_plus)[0]


def is_withheld(caller: str) -> bool:
    """Whether there is no number to call back: an anonymous, unknown or unreadable caller."""
    return not e164(caller)


def is_changed(written: str) -> bool:
    """Whether a spreadsheet has changed the number: its digits may be others than they were."""
    return _CHANGED.fullmatch(_plain_text(written)) is not None


def national(number: str) -> str:
    """A canonical number as Italians write it: without +39, where it is read as the same one."""
    if number.endswith("*") or not number.startswith(COUNTRY):
        return number
    short = number.removeprefix(COUNTRY)
    return short if _PLAIN.fullmatch(number) or _read(short) == (number, "") else number


def masked(caller: str) -> str:
    """A number that is not to be read: its first three characters, and how long it is."""
    return caller[:3] + "*" * len(caller[3:])


def country(name: str) -> str:
    """How the numbers of a country begin: `+41` for `CH`, `+41` or `0041`. Raises NumberError."""
    code = name.strip().upper()
    if code.isalpha():
        prefix = f"+{phonenumbers.country_code_for_region(code)}"  # 0: unknown
    else:
        prefix = canonical(f"{code}*").removesuffix("*")
    if len(prefix) < 2 or not is_foreign(prefix) or _code_of(prefix) is None:
        raise NumberError(_("%s is no other country: write CH or +41") % name[:20])
    return prefix


def _code_of(prefix: str) -> str | None:
    """The country code that it begins with."""
    codes = (prefix[1:end] for end in range(2, 5))
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return next((code for code in codes if int(code) in known), None)


def is_foreign(number: str) -> bool:
    """Whether a canonical number belongs to another country."""
    return number.startswith("+") and not number.startswith(COUNTRY)


def is_short(number: str) -> bool:
    """Whether a canonical number is a short code or an extension."""
    return 0 < len(number) <= MAX_SHORT and not number.startswith("+")


@lru_cache(65_536)
def is_impossible(number: str) -> bool:
    """Whether a canonical number cannot be any subscriber's, by the plan of its country."""
    if not number or is_short(number):
        return False
    try:
        return not phonenumbers.is_valid_number(phonenumbers.parse(number, None))
    except NumberParseException:
        return True


def prefixes(number: str) -> list[str]:
    """Every prefix entry that would match the number, the longest first."""
    whole = comparable(number)
    shortest = 1 if is_foreign(number) else len(COUNTRY)
    return [f"{whole[:end]}*" for end in range(len(whole), shortest - 1, -1)]


def comparable(number: str) -> str:
    """A canonical number as prefixes see it: 18* matches 187, as it does 18 and more digits."""
    return number if number.startswith("+") else COUNTRY + number


def notations(term: str) -> frozenset[str]:
    """How a number may be written where it is kept as it was sent; `term` itself is among them.

    Of a prefix, how such a number may begin, each with `*`. What is no number has only itself, a
    name for a withheld one those that systems use.
    """
    text = term.strip()
    if _plain_text(text).endswith("*"):
        return _notations_of_prefix(text)
    number, reason = _read(text)
    if not number:
        hidden = {"", "anonymous", "Anonymous", "unknown"} if reason is WITHHELD else set()
        return frozenset({text, *hidden})
    digits = number.removeprefix("+")
    found = {text, number, digits, f"00{digits}"}
    if number.startswith(COUNTRY):
        found.add(number.removeprefix(COUNTRY))
    else:  # also as numbers without + and short codes were read once
        found |= {COUNTRY + digits, f"00{COUNTRY[1:]}{digits}", COUNTRY[1:] + digits}
    return frozenset(found)


def _notations_of_prefix(text: str) -> frozenset[str]:
    try:
        begin = _prefix(text).removesuffix("*")
    except NumberError:
        return frozenset({text})
    digits = begin.removeprefix("+")
    found = {begin, f"00{digits}"}
    if begin.startswith(COUNTRY):
        found |= {begin.removeprefix(COUNTRY), digits}
    return frozenset(f"{one}*" for one in found if one)


def _read(written: str, without_plus: bool = False) -> Reading:
    if len(written) > MAX_WRITTEN:
        return "", TOO_LONG
    return _read_once(written, without_plus)


@lru_cache(65_536)
def _read_once(written: str, without_plus: bool) -> Reading:
    text = _plain_text(written)
    if _CHANGED.fullmatch(text):
        return "", CHANGED
    text = _user_part(text)
    if _ZEROS.fullmatch(text) or _LETTERS.sub("", text.casefold()) in _NOT_SHOWN:
        return "", WITHHELD
    digits = _MARKS.sub("", text)
    if not _DIGITS.fullmatch(digits):
        return "", EXPECTED
    while digits.startswith(("00", "+0")):  # no country begins with 0
        digits = f"+{digits[2:]}" if digits.startswith("00") else digits[1:]
    if digits.startswith("+"):
        return _international(digits)
    return _e164_without_plus(digits) if without_plus else _domestic(digits)


def _plain_text(written: str) -> str:
    """The text with ASCII for what only looks different, without marks that are not seen."""
    text = written.strip()
    return text if text.isascii() else "".join(map(_ascii, text)).strip()


def _ascii(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cf":  # directions, joiners, soft hyphens
        return ""
    if kind == "Zs":
        return " "
    if kind == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    full_width = "\uff01" <= character <= "\uff5e"
    return chr(ord(character) - 0xFEE0) if full_width else character


def _user_part(text: str) -> str:
    """The number in an address of SIP or a `tel:` URI (RFC 3261, 3966), without its parameters."""
    if found := _ADDRESS.fullmatch(text):
        text = found[1].strip()
    elif found := _NAMED.fullmatch(text):
        text = found[2] or found[1].strip()
    if scheme := _SCHEME.match(text):
        text = unquote(text[scheme.end() :])
    context = _CONTEXT.search(text)
    user, at, _host = text.partition("@")
    number, *_ = user.split(";", 1)
    if not _PARAMETERS.fullmatch(user[len(number) :]):
        return text
    if at:
        number = number.partition(":")[0]  # a password
    if context and not number.startswith(("+", "00")):
        number = context[1] + number
    return number.strip()


def _international(text: str) -> Reading:
    """A number that begins with its country's code."""
    own = text.removeprefix(COUNTRY) if text.startswith(COUNTRY) else ""
    if len(text) <= MAX_SHORT + 1 and not own:
        return _domestic(text[1:])  # a short code that somebody has put a + before
    number, fault, _is_valid = _parsed(text)
    if (own and fault is TOO_SHORT) or (0 < len(own) <= MAX_SHORT and _is_short_code(own)):
        return _short(own)
    return number, fault


def _e164_without_plus(digits: str) -> Reading:
    """A number of a trunk that sends E.164 without its +."""
    if digits.startswith("0") or len(digits) <= MAX_SHORT:
        return _domestic(digits)
    if not _parsed(f"+{digits}").is_valid and _parsed(COUNTRY + digits).is_valid:
        return _domestic(digits)
    return _international(f"+{digits}")


def _domestic(digits: str) -> Reading:
    """A number as it is dialled in Italy, or else one that only lacks its +."""
    if _LANDLINE_39.fullmatch(digits) and _parsed(f"+{digits}").is_valid:
        return f"+{digits}", ""
    number, fault, is_valid = _parsed(digits)
    if is_valid:
        return number, ""
    if fault is TOO_SHORT or (len(digits) <= MAX_SHORT and _is_short_code(digits)):
        return _short(digits)
    if not digits.startswith("0"):
        abroad = _parsed(f"+{digits}")
        if abroad.is_valid:
            return abroad.number, ""
        if _parsed(f"{COUNTRY}0{digits}").is_valid:
            return number, NO_ZERO
    return number, fault


def _is_short_code(digits: str) -> bool:
    """Whether so few digits are no number of the plan: 892424 is one, 40123 is not."""
    return not (digits.startswith("0") or _parsed(COUNTRY + digits).is_valid)


def _short(digits: str) -> Reading:
    fits = MIN_SHORT <= len(digits) <= MAX_SHORT and not digits.startswith("0")
    return digits, "" if fits else TOO_SHORT


class _Parsed(NamedTuple):
    """The E.164 of digits, or the digits where it has none, and why; whether it is assigned."""

    number: str
    fault: Promise | str = ""
    is_valid: bool = False


_FAULTS: Final[dict[int, Promise | str]] = {
    ValidationResult.IS_POSSIBLE: "",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "",
    ValidationResult.TOO_SHORT: TOO_SHORT,
    ValidationResult.TOO_LONG: TOO_LONG,
}


def _parsed(text: str) -> _Parsed:
    try:
        number = phonenumbers.parse(text, REGION)
    except NumberParseException:
        return _Parsed(text[:MAX_DIGITS], EXPECTED)
    if fault := _FAULTS.get(phonenumbers.is_possible_number_with_reason(number), EXPECTED):
        return _Parsed(text[:MAX_DIGITS], fault)
    found = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if found == text or found.startswith(COUNTRY):
        return _Parsed(found, "", phonenumbers.is_valid_number(number))
    return _parsed(found)  # abroad a trunk prefix is dropped, one digit at a time: +31 0 0 20...


def _prefix(written: str) -> str:
    """A prefix in one notation: +3989* for 899... here; +1*, +* (all countries but Italy)."""
    text = _MARKS.sub("", _SCHEME.sub("", _plain_text(written), count=1)).removesuffix("*")
    if not (text and _PREFIX.fullmatch(text)):
        raise NumberError(str(NO_PREFIX))
    if text.startswith("00"):
        text = f"+{text[2:]}"
    elif not text.startswith("+"):
        text = COUNTRY + text
    if text.startswith("+0"):
        raise NumberError(str(NO_PREFIX))
    if text == COUNTRY[:2]:  # Italy and its neighbours
        raise NumberError(str(WIDE_PREFIX))
    return f"{text}*"
