"""What the screens, the API and other apps read of the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Max, Min

from lotto.models import Extraction

Wheels = dict[str, list[int]]


@dataclass(frozen=True)
class Totals:
    """How much the archive holds; the days are None when it is empty."""

    draws: int
    days: int
    first: date | None
    last: date | None
    by_wheel: dict[str, int]


def totals() -> Totals:
    """Counts over the whole archive."""
    whole = Extraction.objects.aggregate(
        draws=Count("id"), days=Count("day", distinct=True), first=Min("day"), last=Max("day")
    )
    counts = Extraction.objects.order_by("wheel").values_list("wheel").annotate(Count("id"))
    return Totals(**whole, by_wheel=dict(counts))


def latest(days: int) -> list[tuple[date, Wheels]]:
    """The newest so many days with a draw, newest first."""
    newest = list(
        Extraction.objects.order_by("-day").values_list("day", flat=True).distinct()[:days]
    )
    if not newest:
        return []
    found: dict[date, Wheels] = {day: {} for day in newest}
    for row in Extraction.objects.filter(day__gte=newest[-1]).order_by("wheel"):
        found[row.day][row.wheel] = row.numbers
    return list(found.items())


def on(day: date) -> Wheels:
    """A day's numbers by wheel; empty without a draw."""
    rows = Extraction.objects.filter(day=day).order_by("wheel")
    return {row.wheel: row.numbers for row in rows}


def draw(day: date, wheel: str) -> Extraction | None:
    """One wheel's draw of a day."""
    return Extraction.objects.filter(day=day, wheel=wheel).first()


def between(
    first: date, last: date, *, wheel: str | None = None, limit: int, offset: int
) -> tuple[int, Sequence[Extraction]]:
    """How many draws there are from `first` to `last`, and those of one page, oldest first."""
    draws = Extraction.objects.filter(day__gte=first, day__lte=last)
    if wheel:
        draws = draws.filter(wheel=wheel)
    return draws.count(), list(draws.order_by("day", "wheel")[offset : offset + limit])
