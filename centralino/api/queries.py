"""The query strings, bodies and cursors of `/jpbx-api/api/*`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from centralino.selectors.lists import ListFilter
from centralino.types import DEFAULT_HOURS, Hours, ListedNumber
from core.api.documents import like
from core.api.params import Cursor, Text, cursor_of, read_body, read_cursor
from core.lib.numbers import NumberError, canonical
from core.lib.texts import LINE

MAX_ENTRIES: Final = 10_000
Note = Annotated[str, Meta(max_length=200, pattern=LINE)]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class ListQuery(Struct, frozen=True):
    """`GET blacklist` and `GET allowlist`: the entries in force, newest first."""

    limit: Annotated[int, Meta(ge=1, le=MAX_ENTRIES)] = MAX_ENTRIES
    number: Text | None = None
    reason: Text | None = None
    cursor: Cursor | None = None

    def filter(self, *, allowed: bool) -> ListFilter:
        """Raises ValidationError (400) for what is no number or no cursor."""
        return ListFilter(
            allowed=allowed,
            number=read_number(self.number) if self.number is not None else None,
            reason=self.reason,
            after=_read_cursor(self.cursor) if self.cursor else None,
        )


class NewEntry(Struct, frozen=True):
    """A number for the blacklist."""

    number: Annotated[
        str,
        like("3331234567", "Any notation: +39 333 1234567, 0039333..., or a prefix: +3989*"),
    ]
    hours: Annotated[Hours | None, like(24)] = DEFAULT_HOURS
    permanent: Annotated[bool, like(False, "True: hours do not count")] = False
    note: Annotated[Note, like("", "Addition to the reference")] = ""


class NewAllowed(Struct, frozen=True):
    """A number for the allow list."""

    number: Annotated[str, like("3331234567", "Any notation, or a prefix as +3989*")]
    hours: Annotated[Hours | None, like(24, "Default: permanent")] = None
    note: Annotated[Note, like("")] = ""


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
    return cursor_of((entry.created_at - _EPOCH) // _MICROSECOND, entry.number)


def _read_cursor(text: str) -> tuple[datetime, str]:
    last = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    place, number = read_cursor(text, max_place=last)
    return _EPOCH + place * _MICROSECOND, number
