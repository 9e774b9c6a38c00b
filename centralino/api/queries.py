"""The query strings, bodies and cursors of `/jpbx-api/api/*`."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from centralino.numbers import NumberError, canonical
from centralino.selectors.lists import ListFilter
from centralino.types import ListedNumber
from core.api.params import read_body

MAX_ENTRIES: Final = 10_000
MAX_HOURS: Final = 87_600  # ten years
Text = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Hours = Annotated[int, Meta(ge=1, le=MAX_HOURS)]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ListQuery(Struct, frozen=True):
    """`GET blacklist` and `GET allowlist`: the entries in force, newest first."""

    limit: Annotated[int, Meta(ge=1, le=MAX_ENTRIES)] = MAX_ENTRIES
    number: Text | None = None
    reason: Text | None = None
    cursor: Annotated[str, Meta(max_length=128)] | None = None

    def filter(self, *, allowed: bool) -> ListFilter:
        """Raises ValidationError (400) for what is no number or no cursor."""
        return ListFilter(
            allowed=allowed,
            number=read_number(self.number) if self.number is not None else None,
            reason=self.reason,
            after=_read_cursor(self.cursor) if self.cursor else None,
        )


class Entry(Struct, frozen=True):
    """The body of `POST blacklist`."""

    number: str
    hours: Hours | None = None
    permanent: bool = False
    note: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*\Z")] = ""


class AllowedEntry(Struct, frozen=True):
    """The body of `POST allowlist`: permanent, unless `hours` are given."""

    number: str
    hours: Hours | None = None
    note: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*\Z")] = ""


def read_entry(body: Any, kind: type[Any]) -> Any:
    """The JSON object as the struct `kind`. Raises ValidationError (400) naming the field.

    Types are those of JSON, but a text of digits is accepted as `hours`: forms send it so. With
    `permanent`, `hours` are ignored, whatever they are.
    """
    if not isinstance(body, dict):
        return read_body(body, kind)
    hours = body.get("hours")
    if body.get("permanent") is True:
        body = {name: value for name, value in body.items() if name != "hours"}
    elif isinstance(hours, str) and hours.isascii() and hours.isdigit() and len(hours) <= 6:
        body = {**body, "hours": int(hours)}
    return read_body(body, kind, whole="number")  # the one field that can be missing


def read_number(text: str) -> str:
    """The number in one notation. Raises ValidationError (400)."""
    try:
        return canonical(text)
    except NumberError as exc:
        raise ValidationError({"number": [str(exc)]}) from None


def cursor_after(entry: ListedNumber) -> str:
    """The opaque cursor of the page that follows `entry`."""
    microseconds = (entry.created_at - _EPOCH) // timedelta(microseconds=1)
    return urlsafe_b64encode(f"{microseconds}:{entry.number}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[datetime, str]:
    try:
        at, _, number = (
            urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(":")
        )
        created_at = _EPOCH + timedelta(microseconds=int(at))
    except (ValueError, OverflowError):
        created_at, number = _EPOCH, ""
    if not (number and number.isprintable()):
        raise ValidationError(
            {"cursor": ["This is no cursor of ours: take `next` from the page before."]}
        )
    return created_at, number
