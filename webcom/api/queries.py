"""The query strings and cursors of the calls' endpoints."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

from msgspec import Meta, Struct
from rest_framework.exceptions import ValidationError

from core.api.params import read_instant
from webcom.selectors import CallFilter
from webcom.types import EPOCH_MAX, CallRecord, Month

Text = Annotated[str, Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
MAX_CALLS: Final = 10_000


class CallQuery(Struct, frozen=True, rename={"from_": "from"}):
    """`GET /api/webcom/calls`: without a filter the active calls, with one all calls that match."""

    limit: Annotated[int, Meta(ge=1, le=MAX_CALLS)] = 50
    active: bool | None = None
    state: Text | None = None
    line: Text | None = None
    caller: Text | None = None
    from_: Text | None = None
    to: Text | None = None
    cursor: Annotated[str, Meta(max_length=128)] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is the reference's own question: the active calls."""
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
        """Raises ValidationError (400) for an unreadable time or cursor."""
        return CallFilter(
            active=self.is_plain or bool(self.active),
            state=self.state,
            line=self.line,
            caller=self.caller,
            start=read_instant("from", self.from_) if self.from_ else None,
            end=read_instant("to", self.to, end=True) if self.to else None,
            after=_read_cursor(self.cursor) if self.cursor else None,
        )


class DaysQuery(Struct, frozen=True):
    """`GET /api/webcom/stats/daily`."""

    days: Annotated[int, Meta(ge=1, le=30)] = 7


class DateQuery(Struct, frozen=True):
    """`GET /api/webcom/stats/hourly`."""

    date: Text | None = None


class MonthQuery(Struct, frozen=True):
    """`GET /api/webcom/rebates`."""

    month: Month | None = None


def cursor_after(call: CallRecord) -> str:
    """The opaque cursor of the page that follows `call`."""
    return urlsafe_b64encode(f"{call.started_at}:{call.id}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, str]:
    try:
        started_at, _, call_id = (
            urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(":")
        )
        epoch = int(started_at)
    except ValueError:
        epoch, call_id = -1, ""
    if not (0 <= epoch <= EPOCH_MAX and call_id and call_id.isprintable()):
        raise ValidationError(
            {"cursor": ["This is no cursor of ours: take `next` from the page before."]}
        )
    return epoch, call_id
