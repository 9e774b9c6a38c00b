"""Query strings and cursors of the calls' endpoints."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from core.api.params import Cursor, Short, Text, cursor_of, read_cursor, read_instant
from core.api.shapes import DAY_TEXT, INSTANT_TEXT
from core.lib.numbers import CHANGED, is_changed
from webcom.selectors import CallFilter
from webcom.types import EPOCH_MAX, CallRecord, Month

MAX_CALLS: Final = 10_000


class CallQuery(Struct, frozen=True, rename={"from_": "from"}):
    """`GET /api/webcom/calls`: without a filter the active calls, with one all calls that match."""

    limit: Annotated[int, Meta(ge=1, le=MAX_CALLS)] = 50
    active: bool | None = None
    state: Text | None = None
    line: Text | None = None
    caller: Text | None = None
    from_: Annotated[Short, INSTANT_TEXT] | None = None
    to: Annotated[Short, INSTANT_TEXT] | None = None
    cursor: Cursor | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is the reference's own query, without a filter: the active calls."""
        history = (
            self.active,
            self.state,
            self.line,
            self.caller,
            self.from_,
            self.to,
            self.cursor,
        )
        return all(value is None for value in history)

    def filter(self) -> CallFilter:
        """Raises ValidationError (400) for an unreadable caller, time or cursor."""
        return CallFilter(
            active=self.is_plain or bool(self.active),
            state=self.state,
            line=self.line,
            caller=_read_caller(self.caller),
            start=read_instant("from", self.from_) if self.from_ else None,
            end=read_instant("to", self.to, end=True) if self.to else None,
            after=read_cursor(self.cursor, max_place=EPOCH_MAX) if self.cursor else None,
        )


def _read_caller(text: str | None) -> str | None:
    """A caller, or what is none and is found by nobody. ValidationError (400) for a changed one."""
    if text is not None and is_changed(text):
        raise ValidationError({"caller": [str(CHANGED)]})
    return text


class DaysQuery(Struct, frozen=True):
    """`GET /api/webcom/stats/daily`."""

    days: Annotated[int, Meta(ge=1, le=30)] = 7


class DateQuery(Struct, frozen=True):
    """`GET /api/webcom/stats/hourly`."""

    date: Annotated[Short, DAY_TEXT] | None = None


class MonthQuery(Struct, frozen=True):
    """`GET /api/webcom/rebates`."""

    month: Month | None = None


def cursor_after(call: CallRecord) -> str:
    """The opaque cursor of the page that follows `call`."""
    return cursor_of(call.started_at, call.id)
