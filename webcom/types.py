"""Typed records of the carrier's facts, figures of the calls, and the carrier's errors.

Field names in payloads are the carrier's (`docs/upstreams/webcom.md`); inside, ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum
from typing import Annotated, Any, Final, Literal, NamedTuple, Protocol, TypeVar

import msgspec
import orjson
from msgspec import Meta, Struct

from core.lib.upstream import UpstreamError

EPOCH_MIN: Final = 946_684_800  # 2000-01-01, UTC seconds
EPOCH_MAX: Final = 4_102_444_800  # 2100-01-01
MAX_MONEY: Final = Decimal(10_000_000)
MAX_EXTRA_BYTES: Final = 8_192
CENTS: Final = Decimal("0.0001")  # the carrier bills in hundredths of a cent

Identifier = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+\Z")
]  # `$` would let a newline through
Label = Annotated[str, Meta(max_length=32, pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]*\Z")]
Name = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]*\Z")]
Epoch = Annotated[int, Meta(ge=EPOCH_MIN, le=EPOCH_MAX)]
Seconds = Annotated[int, Meta(ge=0, le=31_536_000)]
Revision = Annotated[int, Meta(ge=0, le=2**62)]
Month = Annotated[str, Meta(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")]


class NotFound(UpstreamError):
    """The carrier does not know the call (404)."""


class CursorExpired(UpstreamError):
    """The carrier no longer knows our cursor (410): start again from a point in time."""


class RecordError(ValueError):
    """A payload is not a record of its kind; the message names the field."""


class Stage(IntEnum):
    """How far a call has come. A call never goes back to an earlier stage."""

    RINGING = 10
    TALKING = 20
    LOST = 80  # ended, but the carrier no longer knows how; a real ending may still replace it
    ENDED = 90


# The carrier's states by stage. A state that is not listed is stored and shown unchanged, and
# counts as TALKING: the call stays on the screen until the carrier reports how it ended.
STAGES: Final[dict[str, Stage]] = {
    "Ringing": Stage.RINGING,
    "Pending": Stage.TALKING,
    "Lost": Stage.LOST,
    **dict.fromkeys(("Ok", "Busy", "NoAnswer", "Cancelled", "Failed", "Rejected"), Stage.ENDED),
}


class CallRecord(Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """One call as the carrier reports it at one `revision` (0: not numbered by the carrier)."""

    id: Identifier
    line_id: Label = msgspec.field(name="lineID", default="")
    line_number: Label = ""
    state: Label
    direction: Label = ""
    caller: Label = ""  # empty: withheld
    called: Label = ""
    caller_operator: Label = ""
    cost: Decimal | None = None  # euro; None: not known yet
    duration_s: Seconds | None = msgspec.field(name="duration", default=None)
    started_at: Epoch = msgspec.field(name="timestamp")
    ended_at: Epoch | None = None
    revision: Revision = 0
    line_type: Label = ""
    extra: str = "{}"  # JSON object of the unknown fields

    @property
    def stage(self) -> Stage:
        if self.ended_at is not None:
            return STAGES.get(self.state, Stage.ENDED)
        return STAGES.get(self.state, Stage.TALKING)


class LineRecord(Struct, frozen=True, rename="camel", kw_only=True):
    """One of our phone lines."""

    line_id: Annotated[Label, Meta(min_length=1)]
    number: Label
    line_type: Label
    group: Label = ""
    relations: list[Label] = []
    name: Name | None = None


class RebateRow(Struct, frozen=True, rename="camel", kw_only=True):
    """The rebate of one operator for one type of line in a month.

    `cost` is in euro, `counter` in calls; both are negative in a credit note.
    """

    type: Label
    operator: Label
    cost: Decimal
    counter: Annotated[int, Meta(ge=-(2**31) + 1, le=2**31 - 1)]


class RebateRecord(Struct, frozen=True, rename="camel", kw_only=True):
    """All rebates of one month, as of `updated_at`."""

    month: Month
    updated_at: Epoch
    rebates: list[RebateRow]


class _RebateReport(Struct, frozen=True, rename="camel", kw_only=True):
    """A month's rebates, its rows not read yet."""

    month: Month
    updated_at: Epoch
    rebates: list[Any]


@dataclass(frozen=True, slots=True)
class Figures:
    """Calls counted: how many, how long (seconds), at what cost (euro)."""

    calls: int = 0
    duration_s: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.calls + other.calls, self.duration_s + other.duration_s, self.cost + other.cost
        )


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One local day's calls: in total, and by type of line (Green and Vas always among them)."""

    calls: int
    duration_s: int
    cost: Decimal
    by_line_type: dict[str, Figures]


class CallPage(NamedTuple):
    """One page of raw call payloads; `cursor` is that of the next one."""

    calls: Sequence[Any]
    cursor: str
    more: bool


class PushMessage(NamedTuple):
    """One message of the carrier's push, by its WebSocket or our webhook; `body` is unparsed.

    The kind `message` is a message of a type that we do not know, or without content: all of it.
    """

    kind: Literal["call", "line", "rebates", "message"]
    body: Any


class WebcomTlc(Protocol):
    """The carrier. Every method raises UpstreamError; payloads are raw, `parse_*` reads them."""

    def active_calls(self) -> list[Any]: ...
    def call(self, call_id: str) -> Any: ...
    def calls_since(self, cursor: str, *, since: int) -> CallPage: ...
    def lines(self) -> list[Any]: ...
    def rebates(self, month: str) -> Any: ...
    def pushes(self, *, idle_s: float) -> Iterator[PushMessage | None]: ...


PUSH_KINDS: Final[tuple[Literal["call", "line", "rebates"], ...]] = ("call", "line", "rebates")
_CALL_FIELDS: Final = frozenset(f.encode_name for f in msgspec.structs.fields(CallRecord)) - {
    "lineType",
    "extra",
}
# Not the text \u0000, which JSON spells \\u0000.
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
T = TypeVar("T")


def _converted(payload: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(payload, kind)
    except (msgspec.ValidationError, RecursionError, UnicodeError) as exc:
        raise RecordError(str(exc)) from None


def _money(value: Decimal, field: str) -> Decimal:
    if not value.is_finite() or abs(value) > MAX_MONEY:
        raise RecordError(f"Expected an amount within ±{MAX_MONEY} - at `$.{field}`")
    return value.quantize(CENTS, ROUND_HALF_EVEN)


def parse_call(payload: Any) -> CallRecord:
    """The call in one decoded JSON payload; unknown fields are stored in `extra`.

    Raises RecordError naming the field that is missing or wrong.
    """
    if type(payload) is not dict:
        raise RecordError(f"Expected an object, got {type(payload).__name__}")
    unknown = payload.keys() - _CALL_FIELDS
    extra = "{}"
    if unknown:
        extra = _encoded_extra({name: payload[name] for name in unknown})
        payload = {name: payload[name] for name in payload.keys() & _CALL_FIELDS}
    call = _converted(payload, CallRecord)
    cost = call.cost
    if cost is not None:
        cost = _money(cost, "cost")
    elif extra == "{}":
        return call
    return msgspec.structs.replace(call, cost=cost, extra=extra)


def _encoded_extra(unknown: dict[str, Any]) -> str:
    try:
        text = orjson.dumps(unknown, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError as exc:  # an integer over 64 bits, too deep, half a character
        raise RecordError(f"Unknown fields cannot be stored: {exc}") from None
    if len(text) > MAX_EXTRA_BYTES:
        raise RecordError(f"Unknown fields are over {MAX_EXTRA_BYTES} bytes")
    return without_nul(text)


def without_nul(text: str) -> str:
    """JSON without the NULs in its strings: PostgreSQL's text and jsonb have none."""
    return _NUL.sub(r"\1", text) if "\\u0000" in text else text


def parse_line(payload: Any) -> LineRecord:
    """The line in one decoded JSON payload. Raises RecordError."""
    return _converted(payload, LineRecord)


def parse_rebates(payload: Any) -> RebateRecord:
    """A month's rebates, one row per type and operator. RecordError, also for duplicates."""
    record, reasons = parse_rebates_by_row(payload)
    if reasons:
        raise RecordError(reasons[0])
    return record


def parse_rebates_by_row(payload: Any) -> tuple[RebateRecord, list[str]]:
    """A month's rebates that can be read, and a reason for each row that cannot.

    Of two rows of the same type and operator neither is believed. Raises RecordError when there is
    no month, or not one row of several can be read.
    """
    report = _converted(payload, _RebateReport)
    reasons: list[str] = []
    found: dict[tuple[str, str], list[RebateRow]] = {}
    for number, item in enumerate(report.rebates, 1):
        try:
            row = _converted(item, RebateRow)
            row = msgspec.structs.replace(row, cost=_money(row.cost, "cost"))
        except RecordError as exc:
            reasons.append(f"Row {number}: {exc}")
        else:
            found.setdefault((row.type, row.operator), []).append(row)
    for (kind, operator), rows in found.items():
        if len(rows) > 1:
            reasons.append(f"Two rows of the same type and operator: {kind} {operator}")
    good = [rows[0] for rows in found.values() if len(rows) == 1]
    if reasons and not good:
        raise RecordError(reasons[0])
    return RebateRecord(month=report.month, updated_at=report.updated_at, rebates=good), reasons


def push_message(content: Any) -> PushMessage | None:
    """The pushed message in decoded JSON of any shape; None for a ping."""
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "ping":
        return None
    for known in PUSH_KINDS:
        if kind == known and known in content:
            return PushMessage(known, content[known])
    return PushMessage("message", content)
