"""Query strings and JSON bodies into typed structs."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime
from msgspec import Meta
from rest_framework.exceptions import ValidationError

from core.api.shapes import CURSOR
from core.lib.days import day_bounds, zone
from core.lib.texts import LINE

T = TypeVar("T")
Text = Annotated[str, Meta(max_length=64, pattern=LINE)]  # one short line
Short = Annotated[str, Meta(max_length=64)]  # one that a rule reads as a whole
Cursor = Annotated[str, Meta(max_length=128), CURSOR]
_DAY: Final = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


def read_query(params: QueryDict, kind: type[T]) -> T:
    """The query's parameters as the struct `kind`.

    Unknown ones are ignored, the last of several counts. Raises ValidationError (400) naming the
    parameter.
    """
    return _converted(params.dict(), kind, strict=False, whole="query")


def read_body(body: Any, kind: type[T], *, whole: str = "non_field_errors") -> T:
    """The JSON object as the struct `kind`; unknown fields are ignored.

    Raises ValidationError (400) naming the field, or `whole` where no field is to be named.
    """
    if not isinstance(body, dict):
        raise ValidationError("The body must be a JSON object.")
    return _converted(body, kind, strict=True, whole=whole)


def _converted(values: dict[str, Any], kind: type[T], *, strict: bool, whole: str) -> T:
    try:
        return msgspec.convert(values, kind, strict=strict)
    except msgspec.ValidationError as exc:
        reason, _, path = str(exc).partition(" - at `$.")
        raise ValidationError({path.rstrip("`") or whole: [reason]}) from None


def read_day(name: str, text: str) -> date:
    """The day `text` (YYYY-MM-DD). Raises ValidationError (400)."""
    try:
        day = parse_date(text) if _DAY.fullmatch(text) else None
    except ValueError:  # 31 February
        day = None
    if day is None:
        raise ValidationError(
            {name: [f"{text[:40]!r} is not a day as YYYY-MM-DD, from 2000 to 2099."]}
        )
    return day


def read_instant(name: str, text: str, *, end: bool = False) -> datetime:
    """The instant in `text`: epoch seconds, ISO 8601 (local where it names no zone), or a day.

    A day stands for its start, or with `end` for its end. Raises ValidationError (400).
    """
    if re.fullmatch(r"[0-9]{9,10}", text):
        return datetime.fromtimestamp(int(text), zone())
    if _DAY.fullmatch(text):
        return day_bounds(read_day(name, text))[end]
    try:
        at = parse_datetime(text)
    except ValueError:  # hour 25
        at = None
    if at is None or not 2000 <= at.year <= 2099:
        raise ValidationError(
            {name: [f"{text[:40]!r} is not a time: epoch seconds, ISO 8601 or YYYY-MM-DD."]}
        )
    return at if at.tzinfo else at.replace(tzinfo=zone())


def cursor_of(place: int, row_id: str) -> str:
    """The opaque cursor of the page that follows the row `row_id` at `place` of the order."""
    return urlsafe_b64encode(f"{place}:{row_id}".encode()).decode().rstrip("=")


def read_cursor(text: str, *, max_place: int) -> tuple[int, str]:
    """The place, from 0 to `max_place`, and the row's id in a cursor. ValidationError (400)."""
    try:
        place, _, row_id = (
            urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(":")
        )
        number = int(place)
    except ValueError:
        number, row_id = -1, ""
    if not (0 <= number <= max_place and row_id and row_id.isprintable()):
        raise ValidationError(
            {"cursor": ["This is no cursor of ours: take `next` from the page before."]}
        )
    return number, row_id
