"""What the API and other apps read of the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lotto.archive_cache import history
from lotto.models import NUMBERS, Extraction
from lotto.types import Draw

Wheels = dict[str, tuple[int, ...]]


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
    now = history()
    days = now.all_days
    first, last = (days[0].item(), days[-1].item()) if len(days) else (None, None)
    return Totals(len(now.days), len(days), first, last, now.counts)


def latest(days: int) -> list[tuple[date, Wheels]]:
    """The newest so many days with a draw, newest first."""
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
    """One wheel's draw of a day, with who told it."""
    return Extraction.objects.filter(day=day, wheel=wheel).first()


def stored(day: date) -> dict[str, Extraction]:
    """A day's draws by wheel, each with who told it and whether the operator confirmed it."""
    return {draw.wheel: draw for draw in Extraction.objects.filter(day=day)}


def days_of(wheel: str, numbers: Sequence[int]) -> list[date]:
    """The days on which the wheel gave these numbers in this order, oldest first."""
    same = dict(zip(NUMBERS, numbers, strict=True))
    draws = Extraction.objects.filter(wheel=wheel, **same).order_by("day")
    return list(draws.values_list("day", flat=True))


def has_since(wheel: str, first: date, before: date) -> bool:
    """Whether the archive has a draw of the wheel from `first` to the day before `before`."""
    return Extraction.objects.filter(wheel=wheel, day__gte=first, day__lt=before).exists()


def between(
    first: date, last: date, *, wheel: str | None = None, limit: int, offset: int
) -> tuple[int, Sequence[Draw]]:
    """How many draws there are from `first` to `last`, and those of one page, oldest first."""
    now = history()
    rows = now.rows(wheel, first, last)
    return len(rows), now.draws(rows[offset : offset + limit])
