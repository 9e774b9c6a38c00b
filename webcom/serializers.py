"""JSON documents of the calls, in the spelling of the API reference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from msgspec import UNSET, UnsetType

from core.api.documents import Document, Instant, like
from core.api.shapes import CURSOR, EPOCH_TEXT, LOCAL_TIME, MONTH
from core.lib.days import zone
from webcom.types import CallRecord, DayTotals, Figures, LineRecord, RebateRecord

CALL_CSV_FIELDS: Final = (
    "id", "timestamp", "endedAt", "state", "direction", "lineID", "lineNumber", "caller", "called",
    "callerOperator", "duration", "cost",
)  # fmt: skip


class CallDocument(Document):
    """A call; `lineType`, `endedAt` and `revision` are additions to the reference."""

    id: Annotated[str, like("691880b00a5a19c9db354ac8")]
    lineID: Annotated[str, like("Sickprod90TLW")]
    state: Annotated[
        str, like("Pending", "Ringing, Pending, Ok, Busy, ...; new ones are shown unchanged")
    ]
    direction: Annotated[str, like("Entering")]
    caller: Annotated[str, like("331234567", "Empty: withheld")]
    called: Annotated[str, like("899748963")]
    callerOperator: Annotated[str, like("TIM")]
    cost: Annotated[float, like(0.15, "Euro; 0 until the carrier reports it")]
    duration: Annotated[int, like(0, "Seconds; 0 until the carrier reports it")]
    lineNumber: Annotated[str, like("899748963")]
    timestamp: Annotated[int, like(1731671400, "Start, epoch seconds")]
    lineType: Annotated[str, like("Vas", "Vas, Green, ...; empty: not known")]
    endedAt: Annotated[int | None, like(None, "End, epoch seconds")]
    revision: Annotated[int, like(2, "Grows with every change of the call")]


class CallsDocument(Document):
    """Calls, newest first; `next` is the cursor of the following page."""

    count: Annotated[int, like(1)]
    calls: list[CallDocument]
    next: Annotated[str, CURSOR] | UnsetType | None = UNSET


class CallNotFoundDocument(Document):
    """`error` is the reference's own spelling, `detail` that of all our errors."""

    error: Annotated[str, like("Call not found")]
    detail: Annotated[str, like("Call not found")]


class LineDocument(Document):
    lineId: Annotated[str, like("Sickprod28GN")]
    number: Annotated[str, like("800026028")]
    lineType: Annotated[str, like("Green")]
    group: Annotated[str, like("Green")]
    relations: Annotated[Sequence[str], like(["Read", "Write", "Owner"])]
    name: Annotated[str | None, like(None)]


class LinesDocument(Document):
    count: Annotated[int, like(1)]
    lines: list[LineDocument]


class RebateRowDocument(Document):
    type: Annotated[str, like("Vas")]
    operator: Annotated[str, like("TIMG")]
    cost: Annotated[float, like(2092.68)]
    counter: Annotated[int, like(923)]


class RebatesDocument(Document):
    month: Annotated[str, like("2025-11"), MONTH]
    count: Annotated[int, like(1)]
    updated_at: Annotated[
        str | None,
        like("1731671400", "Epoch seconds, as a string; null: none known"),
        EPOCH_TEXT,
    ]
    rebates: list[RebateRowDocument]


class LineTypeFiguresDocument(Document):
    calls: Annotated[int, like(125)]
    cost: Annotated[float, like(125.5)]


class TodayDocument(Document):
    date: Annotated[dt.date, like("2025-12-09")]
    total_calls: Annotated[int, like(245)]
    total_duration_seconds: Annotated[int, like(45600)]
    total_cost: Annotated[float, like(125.5)]
    by_line_type: Annotated[
        dict[str, LineTypeFiguresDocument],
        like({"Green": {"calls": 120, "cost": 0}, "Vas": {"calls": 125, "cost": 125.5}}),
    ]


class DayDocument(Document):
    date: Annotated[dt.date, like("2025-12-09")]
    calls: Annotated[int, like(245)]
    cost: Annotated[float, like(125.5)]


class DailyDocument(Document):
    days: list[DayDocument]


class HourDocument(Document):
    hour: Annotated[int, like(0, ge=0, le=23)]
    calls: Annotated[int, like(5)]
    cost: Annotated[float, like(2.5)]


class HourlyDocument(Document):
    date: Annotated[dt.date, like("2025-12-09")]
    hours: list[HourDocument]


class SampleDocument(Document):
    time: Annotated[str, like("19:05", "HH:MM, Europe/Rome"), LOCAL_TIME]
    calls: Annotated[int, like(2)]


class FiveMinutesDocument(Document):
    samples: list[SampleDocument]
    count: Annotated[int, like(36)]
    timestamp: Annotated[Instant, like("2025-11-18T22:05:00Z")]


class DeliveredDocument(Document):
    success: Annotated[bool, like(True)]
    duplicate: Annotated[bool, like(False, "True: this webhook-id was stored before")]
    created: Annotated[int, like(1)] = 0
    changed: Annotated[int, like(2)] = 0
    unchanged: Annotated[int, like(0)] = 0
    unreadable: Annotated[int, like(0, "Messages that are kept for staff, not stored")] = 0


def call_document(call: CallRecord) -> CallDocument:
    """A cost or duration that the carrier has not reported yet is 0: clients expect numbers."""
    return CallDocument(
        id=call.id,
        lineID=call.line_id,
        state=call.state,
        direction=call.direction,
        caller=call.caller,
        called=call.called,
        callerOperator=call.caller_operator,
        cost=float(call.cost or 0),
        duration=call.duration_s or 0,
        lineNumber=call.line_number,
        timestamp=call.started_at,
        lineType=call.line_type,
        endedAt=call.ended_at,
        revision=call.revision,
    )


def lines_document(lines: Sequence[LineRecord]) -> LinesDocument:
    found = [
        LineDocument(one.line_id, one.number, one.line_type, one.group, one.relations, one.name)
        for one in lines
    ]
    return LinesDocument(len(found), found)


def rebates_document(month: str, record: RebateRecord | None) -> RebatesDocument:
    """A month's rebates; none when there is no record."""
    if record is None:
        return RebatesDocument(month, 0, None, [])
    rows = [RebateRowDocument(r.type, r.operator, float(r.cost), r.counter) for r in record.rebates]
    return RebatesDocument(month, len(rows), str(record.updated_at), rows)


def today_document(day: dt.date, totals: DayTotals) -> TodayDocument:
    """The totals of a day, by type of line in the order of their names."""
    by_type = {
        name: LineTypeFiguresDocument(figures.calls, float(figures.cost))
        for name, figures in sorted(totals.by_line_type.items())
    }
    return TodayDocument(day, totals.calls, totals.duration_s, float(totals.cost), by_type)


def daily_document(figures: Mapping[dt.date, Figures]) -> DailyDocument:
    """The figures of several days, in the order given."""
    return DailyDocument(
        [DayDocument(day, one.calls, float(one.cost)) for day, one in figures.items()]
    )


def hourly_document(day: dt.date, hours: Sequence[Figures]) -> HourlyDocument:
    """The figures of the 24 hours of a day."""
    return HourlyDocument(
        day, [HourDocument(n, one.calls, float(one.cost)) for n, one in enumerate(hours)]
    )


def five_minute_document(
    figures: Mapping[dt.datetime, Figures], *, now: dt.datetime
) -> FiveMinutesDocument:
    """Five-minute samples by their local start, in the order given."""
    samples = [
        SampleDocument(f"{at.astimezone(zone()):%H:%M}", found.calls)
        for at, found in figures.items()
    ]
    return FiveMinutesDocument(samples, len(samples), now)
