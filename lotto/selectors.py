"""The archive for the API and other apps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from lotto.archive_cache import history
from lotto.models import NUMBERS, Extraction
from lotto.types import Draw, Totals

Wheels = dict[str, tuple[int, ...]]


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
