"""Calls of the carrier and of the switchboards: those in progress, and how the day compares."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from centralino.selectors import live
from centralino.serializers import call_fields
from centralino.types import CallInProgress
from core.lib.days import bucket_start, zone
from webcom import selectors
from webcom.line_types import GREEN, VAS
from webcom.rollups import FIVE_MINUTES
from webcom.selectors import CallFilter, DaySoFar
from webcom.types import STAGES, CallRecord, DayTotals, Figures, Stage

MAX_ROWS: Final = 500
ALL: Final = "all"
BEFORE: Final = {"yesterday": 1, "last_week": 7}  # days ago
MEASURES: Final[dict[str, Callable[[Any], float]]] = {
    "calls": lambda figures: figures.calls,
    "minutes": lambda figures: round(figures.duration_s / 60),
    "cost": lambda figures: float(figures.cost),
}


def in_progress() -> dict[str, Any]:
    """`rows` of the list, newest first, and `beyond`: how many more calls than a page can show.

    Both kinds of calls have one shape (the same as in `calls.js`): `key`, `source` (`webcom`
    or `pbx`), `line`, `tag`, `caller`, `operator`, `state`, `started` (epoch s), `cost` (euro, or
    None), `revision`.
    """
    carrier = selectors.calls(CallFilter(active=True), limit=MAX_ROWS)
    full = len(carrier) == MAX_ROWS
    beyond = selectors.active_calls_count() - len(carrier) if full else 0
    rows = [*map(_carrier_row, carrier), *pbx_rows(live.calls_in_progress())]
    return {"rows": sorted(rows, key=lambda row: -row["started"]), "beyond": beyond}


def pbx_rows(calls: list[CallInProgress]) -> list[dict[str, Any]]:
    """The rows of the switchboards' calls, at most 500.

    A listener stores its state a moment after its event, so a page that has just been rendered may
    be behind the events that follow: these rows, which come with every refresh, correct it.
    """
    return [_pbx_row(call) for call in calls[:MAX_ROWS]]


def ended_states() -> list[str]:
    """The carrier's states of calls that are over."""
    return [state for state, stage in STAGES.items() if stage >= Stage.LOST]


def _carrier_row(call: CallRecord) -> dict[str, Any]:
    return {
        "key": call.id,
        "source": "webcom",
        "line": call.line_number or call.called or call.line_id,
        "tag": call.line_type,
        "caller": call.caller,
        "operator": call.caller_operator,
        "state": call.state,
        "started": call.started_at,
        "cost": float(call.cost or 0),
        "revision": call.revision,
    }


def _pbx_row(call: CallInProgress) -> dict[str, Any]:
    return {**call_fields(call), "source": "pbx", "tag": "PBX", "cost": None, "revision": 0}


def figures() -> dict[str, Any]:
    """What is counted of the carrier's calls.

    `today`: for each measure the day so far and, up to the five minutes that run now, the same of
    yesterday and a week ago, in all and by type of line. `rhythm` and `hours`: two charts.
    """
    now = timezone.now()
    today, *others = selectors.days_so_far([now, *(_ago(now, days) for days in BEFORE.values())])
    before = dict(zip(BEFORE, others, strict=True))
    return {
        "today": _today(today, before),
        "rhythm": _rhythm(today, before["yesterday"]),
        "hours": _hours(now, today, before),
        "until": int(bucket_start(now, FIVE_MINUTES).timestamp()),
    }


def _today(today: DaySoFar, before: dict[str, DaySoFar]) -> dict[str, list[dict[str, Any]]]:
    totals = [today.whole, *(day.until for day in before.values())]
    others = {name for one in totals for name in one.by_line_type} - {VAS, GREEN}
    return {
        measure: [
            {
                "type": name,
                "value": of(_part(today.whole, name)),
                **_compared(of, name, today, before),
            }
            for name in (ALL, VAS, GREEN, *sorted(others))
        ]
        for measure, of in MEASURES.items()
    }


def _compared(
    of: Callable[[Any], float], name: str, today: DaySoFar, before: dict[str, DaySoFar]
) -> dict[str, float | None]:
    now = of(_part(today.until, name))
    compared: dict[str, float | None] = {}
    for when, day in before.items():
        then = of(_part(day.until, name))
        compared |= {when: then, f"{when}_change": change(now, then)}
    return compared


def change(now: float, before: float) -> float | None:
    """The difference as a share of `before`; None where that was nothing."""
    return round((now - before) / before, 4) if before else None


def _part(totals: DayTotals, name: str) -> DayTotals | Figures:
    return totals if name == ALL else totals.by_line_type.get(name, Figures())


def _ago(now: datetime, days: int) -> datetime:
    """The same local time, so many days ago."""
    local = now.astimezone(zone())
    return datetime.combine(local.date() - timedelta(days=days), local.time(), zone())


def _rhythm(today: DaySoFar, yesterday: DaySoFar) -> dict[str, list[int]]:
    """Calls by five minutes in the last three hours, and at the same time yesterday."""
    return {
        "at": [int(start.timestamp()) for start in today.recent],
        "now": [part.calls for part in today.recent.values()],
        "before": [part.calls for part in yesterday.recent.values()],
    }


def _hours(now: datetime, today: DaySoFar, before: dict[str, DaySoFar]) -> dict[str, list[int]]:
    """Calls by hour of today, as far as it has come, and of the days before."""
    come = now.astimezone(zone()).hour + 1
    return {
        "now": [part.calls for part in today.hours][:come],
        **{name: [part.calls for part in day.hours] for name, day in before.items()},
    }
