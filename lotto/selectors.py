"""The archive for the API and other apps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.utils import timezone

from core.lib.days import local_day
from lotto.archive_cache import history
from lotto.draw_calendar import DrawCalendar, PlannedDraw
from lotto.models import NUMBERS, DrawException, Extraction
from lotto.rules import ROME
from lotto.types import Draw, Totals

Wheels = dict[str, tuple[int, ...]]


def calendar() -> DrawCalendar:
    """On which days draws are held, with the exceptions that staff have entered."""
    return DrawCalendar(row.change for row in DrawException.objects.all())


def begins_at(day: date, draw: PlannedDraw | None) -> datetime:
    """When the draw of that day can begin at the earliest; `draw`: what the calendar has of it.

    LOTTO_DRAW_TIME in Rome, summer or winter, or the time of the exception.
    """
    at = draw and draw.begins_at
    return datetime.combine(day, at or settings.LOTTO_DRAW_TIME, ROME)


def draw_begins_at(day: date) -> datetime:
    """As `begins_at`, whether the calendar has a draw on that day or not."""
    return begins_at(day, calendar().on(day))


def planned(first: date, last: date) -> list[tuple[PlannedDraw, datetime, int]]:
    """The calendar's draws from `first` to `last`: when each begins, and its wheels stored."""
    now = history()
    days, counts = np.unique(now.days[now.rows(None, first, last)], return_counts=True)
    stored = dict(zip(days.tolist(), counts.tolist(), strict=True))
    return [
        (draw, begins_at(draw.day, draw), stored.get(draw.day, 0))
        for draw in calendar().between(first, last)
    ]


def next_draw() -> tuple[PlannedDraw, datetime] | None:
    """The first draw that has not begun, and when it does; None where the calendar ends."""
    planned, now = calendar(), timezone.now()
    draw = planned.since(local_day(now))
    if draw and begins_at(draw.day, draw) <= now:
        draw = planned.since(draw.day + timedelta(days=1))
    return (draw, begins_at(draw.day, draw)) if draw else None


def missing_draws() -> list[date]:
    """The days of draws before today, since the archive's first, that it lacks; oldest first."""
    stored = history().all_days.tolist()
    if not stored:
        return []
    held = calendar().between(stored[0], local_day() - timedelta(days=1))
    return sorted({draw.day for draw in held}.difference(stored))


def totals() -> Totals:
    """Counts over the whole archive."""
    now = history()
    days = now.all_days
    first, last = (days[0].item(), days[-1].item()) if len(days) else (None, None)
    return Totals(len(now.days), len(days), first, last, now.counts)


def latest(days: int) -> list[tuple[date, Wheels]]:
    """The newest days with a draw, newest first."""
    now = history()
    newest = now.all_days[-days:].tolist()
    if not newest:
        return []
    found: dict[date, Wheels] = {day: {} for day in reversed(newest)}
    for draw in now.draws(now.rows(None, newest[0])):
        found[draw.day][draw.wheel] = draw.numbers
    return list(found.items())


def on(day: date) -> Wheels:
    """A day's numbers by wheel; empty without a draw."""
    now = history()
    return {draw.wheel: draw.numbers for draw in now.draws(now.rows(None, day, day))}


def draw(day: date, wheel: str) -> Extraction | None:
    """One wheel's stored draw of a day, or None."""
    return Extraction.objects.filter(day=day, wheel=wheel).first()


def stored(day: date) -> dict[str, Extraction]:
    """A day's stored draws by wheel, with their sources and whether the operator confirmed them."""
    return {draw.wheel: draw for draw in Extraction.objects.filter(day=day)}


def days_of(wheel: str, numbers: Sequence[int]) -> list[date]:
    """The days on which the wheel drew these numbers in this order, oldest first."""
    same = dict(zip(NUMBERS, numbers, strict=True))
    draws = Extraction.objects.filter(wheel=wheel, **same).order_by("day")
    return list(draws.values_list("day", flat=True))


def has_since(wheel: str, first: date, before: date) -> bool:
    """Whether the archive has a draw of the wheel from `first` to the day before `before`."""
    return Extraction.objects.filter(wheel=wheel, day__gte=first, day__lt=before).exists()


def between(
    first: date, last: date, *, wheel: str | None = None, limit: int, offset: int
) -> tuple[int, Sequence[Draw]]:
    """The number of draws from `first` to `last`, and those of one page, oldest first."""
    now = history()
    rows = now.rows(wheel, first, last)
    return len(rows), now.draws(rows[offset : offset + limit])
