"""Calls, lines, rebates and figures for the screens, the API and other apps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.utils import timezone

from core.lib.days import bucket_start, day_bounds, local_day, zone
from core.lib.numbers import notations
from core.lib.upsert import sql_time
from webcom.call_rows import Condition, among, known_calls, select_calls
from webcom.line_types import GREEN, VAS
from webcom.models import Call, Line, Rebate, RebateMonth, Unreadable
from webcom.rollups import FIVE_MINUTES, HOUR, Tally, Window, tallies, tallies_of, totals
from webcom.types import (
    CallRecord,
    DayTotals,
    Figures,
    LineRecord,
    RebateRecord,
    RebateRow,
    Stage,
)

SAMPLES: Final = 36  # five-minute samples: three hours
_PAGE_SIZE: Final = 2_000


@dataclass(frozen=True, slots=True)
class DaySoFar:
    """A local day as of one of its instants."""

    whole: DayTotals
    until: DayTotals  # the calls before the five minutes of the instant
    hours: list[Figures]  # as `hourly_figures`
    recent: dict[datetime, Figures]  # as `five_minute_figures`


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls: None or False does not filter. `after` is the last call of the page before."""

    active: bool = False
    state: str | None = None
    line: str | None = None  # a line's id or its number
    caller: str | None = None  # in any notation
    start: datetime | None = None
    end: datetime | None = None
    after: tuple[int, str] | None = None  # started_at (epoch seconds), id


def active_calls_count() -> int:
    """How many calls are in progress."""
    return Call.objects.active().count()


def call(call_id: str) -> CallRecord | None:
    """The call of that id, or None."""
    return known_calls([call_id]).get(call_id)


def calls(wanted: CallFilter, *, limit: int) -> list[CallRecord]:
    """The calls that match, newest first, at most `limit`."""
    return select_calls(_conditions(wanted), limit=limit)


def all_calls(wanted: CallFilter) -> Iterator[CallRecord]:
    """Every call that matches, newest first, read page by page: memory stays flat."""
    conditions = _conditions(wanted)
    after: list[Condition] = []
    while page := select_calls(conditions + after, limit=_PAGE_SIZE):
        yield from page
        after = [_after(page[-1].started_at, page[-1].id)]


def lines() -> list[LineRecord]:
    """All lines, by id."""
    columns = ("line_id", "number", "line_type", "group", "relations", "name")
    rows = Line.objects.order_by("line_id").values_list(*columns)
    return [LineRecord(**dict(zip(columns, row, strict=True))) for row in rows]


def line_ids() -> list[str]:
    """The ids of all lines, in order."""
    return list(Line.objects.order_by("line_id").values_list("line_id", flat=True))


def unreadable_count() -> int:
    """How many payloads are kept that could not be read."""
    return Unreadable.objects.count()


def rebates(month: str) -> RebateRecord | None:
    """The rebates of a month (YYYY-MM), highest cost first, or None when it was never reported."""
    rows = list(
        Rebate.objects.filter(month=month)
        .order_by("-cost", "type", "operator")
        .values_list("updated_at", "type", "operator", "cost", "counter")
    )
    reported = RebateMonth.objects.filter(month=month).values_list("updated_at", flat=True)
    known_at = [row[0] for row in rows] or list(reported)
    if not known_at:
        return None
    return RebateRecord(
        month=month,
        updated_at=int(max(known_at).timestamp()),
        rebates=[RebateRow(type=r[1], operator=r[2], cost=r[3], counter=r[4]) for r in rows],
    )


def day_totals(day: date) -> DayTotals:
    """The calls that started on that local day."""
    return _day_totals(tallies(*day_bounds(day), HOUR))


def days_so_far(ends: Sequence[datetime]) -> list[DaySoFar]:
    """The local day of each instant, whole and up to the instant's five minutes."""
    span = timedelta(seconds=FIVE_MINUTES)
    newest = [bucket_start(end, FIVE_MINUTES) for end in ends]
    days: list[Window] = [(*day_bounds(local_day(end)), HOUR) for end in ends]
    threes: list[Window] = [(at - span * (SAMPLES - 1), at + span, FIVE_MINUTES) for at in newest]
    found = tallies_of(days + threes)
    return [
        _day_so_far(at, hours, fine)
        for at, hours, fine in zip(newest, found[: len(ends)], found[len(ends) :], strict=True)
    ]


def _day_so_far(newest: datetime, hours: list[Tally], fine: list[Tally]) -> DaySoFar:
    """`newest` is the start of the current five minutes, up to which the day is compared."""
    hour, now = int(bucket_start(newest, HOUR).timestamp()), int(newest.timestamp())
    before = [tally for tally in hours if tally.start < hour]
    before += [tally for tally in fine if hour <= tally.start < now]
    return DaySoFar(
        whole=_day_totals(hours),
        until=_day_totals(before),
        hours=_by_hour(hours),
        recent=_by_five_minutes(newest, fine),
    )


def _day_totals(found: list[Tally]) -> DayTotals:
    by_type: dict[str, Figures] = {GREEN: Figures(), VAS: Figures()}
    for tally in found:
        name = tally.line_type or "Unknown"
        by_type[name] = by_type.get(name, Figures()) + Figures(*tally[2:])
    total = sum(by_type.values(), Figures())
    return DayTotals(total.calls, total.duration_s, total.cost, by_type)


def daily_figures(days: int) -> dict[date, Figures]:
    """The last `days` local days, today first, every day listed."""
    today = local_day()
    figures = {today - timedelta(days=n): Figures() for n in range(days)}
    midnights = [day_bounds(day)[0] for day in reversed(figures)]
    for tally in totals([*midnights, day_bounds(today)[1]]):
        figures[datetime.fromtimestamp(tally.start, zone()).date()] += Figures(*tally[2:])
    return figures


def hourly_figures(day: date) -> list[Figures]:
    """The 24 hours of the local clock on that day.

    Where the clock goes back, one entry holds both passes of the hour; where it goes forward, one
    entry is empty.
    """
    return _by_hour(tallies(*day_bounds(day), HOUR))


def _by_hour(found: list[Tally]) -> list[Figures]:
    figures = [Figures()] * 24
    for tally in found:
        hour = datetime.fromtimestamp(tally.start, zone()).hour
        figures[hour] += Figures(*tally[2:])
    return figures


def five_minute_figures() -> dict[datetime, Figures]:
    """The last 36 five-minute buckets by their start (UTC), oldest first, the current one last."""
    newest = bucket_start(timezone.now(), FIVE_MINUTES)
    span = timedelta(seconds=FIVE_MINUTES)
    found = tallies(newest - span * (SAMPLES - 1), newest + span, FIVE_MINUTES)
    return _by_five_minutes(newest, found)


def _by_five_minutes(newest: datetime, found: list[Tally]) -> dict[datetime, Figures]:
    span = timedelta(seconds=FIVE_MINUTES)
    figures = {newest - span * n: Figures() for n in reversed(range(SAMPLES))}
    for tally in found:
        figures[datetime.fromtimestamp(tally.start, UTC)] += Figures(*tally[2:])
    return figures


def _conditions(wanted: CallFilter) -> list[Condition]:
    found: list[Condition] = []
    if wanted.active:
        found.append(("stage < %s", [int(Stage.LOST)]))
    if wanted.state is not None:
        found.append(("state = %s", [wanted.state]))
    if wanted.line is not None:
        numbers = Line.objects.filter(number__in=notations(wanted.line))
        ids = list(numbers.values_list("line_id", flat=True))
        ids = ids or [wanted.line]
        found.append((f"line_id IN ({', '.join(['%s'] * len(ids))})", list(ids)))
    if wanted.caller is not None:
        found.append(among("caller", sorted(notations(wanted.caller))))
    if wanted.start is not None:
        found.append(("started_at >= %s", [sql_time(int(wanted.start.timestamp()))]))
    if wanted.end is not None:
        found.append(("started_at < %s", [sql_time(int(wanted.end.timestamp()))]))
    if wanted.after is not None:
        found.append(_after(*wanted.after))
    return found


def _after(started_at: int, call_id: str) -> Condition:
    return ("(started_at, id) < (%s, %s)", [sql_time(started_at), call_id])
