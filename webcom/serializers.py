"""JSON documents of the calls, in the spelling of the API reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from core.lib.days import zone
from webcom.types import CallRecord, DayTotals, Figures, LineRecord, RebateRecord

CALL_CSV_FIELDS: Final = (
    "id",
    "timestamp",
    "endedAt",
    "state",
    "direction",
    "lineID",
    "lineNumber",
    "caller",
    "called",
    "callerOperator",
    "duration",
    "cost",
)


def call_document(call: CallRecord) -> dict[str, Any]:
    """A call as the API reference spells it; `lineType`, `endedAt` and `revision` are additions.

    A cost or duration that the carrier has not reported yet is 0: the reference's clients expect
    numbers.
    """
    return {
        "id": call.id,
        "lineID": call.line_id,
        "state": call.state,
        "direction": call.direction,
        "caller": call.caller,
        "called": call.called,
        "callerOperator": call.caller_operator,
        "cost": float(call.cost or 0),
        "duration": call.duration_s or 0,
        "lineNumber": call.line_number,
        "timestamp": call.started_at,
        "lineType": call.line_type,
        "endedAt": call.ended_at,
        "revision": call.revision,
    }


def line_document(line: LineRecord) -> dict[str, Any]:
    """A line as the API reference spells it."""
    return {
        "lineId": line.line_id,
        "number": line.number,
        "lineType": line.line_type,
        "group": line.group,
        "relations": line.relations,
        "name": line.name,
    }


def rebates_document(record: RebateRecord) -> dict[str, Any]:
    """A month's rebates as the API reference spells them; `updated_at` is a string of epoch s."""
    return {
        "month": record.month,
        "count": len(record.rebates),
        "updated_at": str(record.updated_at),
        "rebates": [
            {"type": r.type, "operator": r.operator, "cost": float(r.cost), "counter": r.counter}
            for r in record.rebates
        ],
    }


def no_rebates_document(month: str) -> dict[str, Any]:
    """A month without rebates."""
    return {"month": month, "count": 0, "updated_at": None, "rebates": []}


def today_document(day: date, totals: DayTotals) -> dict[str, Any]:
    """The totals of a day, by type of line in the order of their names."""
    by_type = sorted(totals.by_line_type.items())
    return {
        "date": day,
        "total_calls": totals.calls,
        "total_duration_seconds": totals.duration_s,
        "total_cost": totals.cost,
        "by_line_type": {name: _figures(figures) for name, figures in by_type},
    }


def daily_document(figures: Mapping[date, Figures]) -> dict[str, Any]:
    """The figures of several days, in the order given."""
    return {"days": [{"date": day, **_figures(figures[day])} for day in figures]}


def hourly_document(day: date, hours: Sequence[Figures]) -> dict[str, Any]:
    """The figures of the 24 hours of a day."""
    return {"date": day, "hours": [{"hour": n, **_figures(hours[n])} for n in range(len(hours))]}


def five_minute_document(figures: Mapping[datetime, Figures], *, now: datetime) -> dict[str, Any]:
    """Five-minute samples by their local start, in the order given."""
    samples = [
        {"time": f"{at.astimezone(zone()):%H:%M}", "calls": found.calls}
        for at, found in figures.items()
    ]
    return {"samples": samples, "count": len(samples), "timestamp": now}


def _figures(figures: Figures) -> dict[str, Any]:
    return {"calls": figures.calls, "cost": figures.cost}
