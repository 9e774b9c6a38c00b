"""The audience for the screens, the API and other apps. Unknown is None, not 0."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from django.utils import timezone

from core.lib.days import bucket_start, day_bounds, zone
from webtv.models import Stream, ViewerRollup, ViewerSample
from webtv.rollups import DAY, FIVE_MINUTES, HOUR
from webtv.types import TOTAL, Current, Day, Point, ViewerFigures

SAMPLES: Final = 36  # five-minute samples: three hours
FRESH: Final = timedelta(seconds=30)  # an older sample no longer counts as current
_FIGURES: Final = ("start_at", "samples", "viewers_sum", "min_viewers", "peak_viewers")
_PAGE_SIZE: Final = 2_000


def stream(name: str | None) -> Stream | None:
    """The stream of that name, the total for None; None when there is no such stream."""
    return Stream.objects.filter(name=name or TOTAL).first()


def current(stream_id: int, *, day: date | None = None) -> Current | None:
    """The newest sample, or that day's; None when there is none."""
    samples = ViewerSample.objects.filter(stream_id=stream_id)
    if day is None:  # one in the future, of a clock that was ahead, is not the newest
        samples = samples.filter(at__lte=timezone.now() + FRESH)
    else:
        start, end = day_bounds(day)
        samples = samples.filter(at__gte=start, at__lt=end)
    row = samples.order_by("-at").values_list("viewers", "at").first()
    if row is None:
        return None
    viewers, at = row
    return Current(viewers, at, known=at > timezone.now() - FRESH)


def days(stream_id: int, *on: date) -> list[Day]:
    """Local days, in the order given.

    Where the clock goes back, an hour's peak is the higher of both passes; the hour skipped where
    it goes forward has none.
    """
    bounds = [day_bounds(day) for day in on]
    first, last = min(start for start, _ in bounds), max(end for _, end in bounds)
    by_start = dict(_rollups(stream_id, DAY, first, last))
    hours = list(_rollups(stream_id, HOUR, first, last))
    found = []
    for day, (start, end) in zip(on, bounds, strict=True):
        peaks: list[int | None] = [None] * 24
        for at, figures in hours:
            if start <= at < end:
                hour = at.astimezone(zone()).hour
                peaks[hour] = max(peaks[hour] or 0, figures.peak_viewers)
        found.append(Day(day, by_start.get(start), peaks))
    return found


def five_minutes(
    stream_id: int, *, until: datetime | None = None
) -> dict[datetime, ViewerFigures | None]:
    """The 36 buckets of five minutes up to that instant (default: now), by start, oldest first."""
    newest = bucket_start(until or timezone.now(), FIVE_MINUTES)
    span = timedelta(seconds=FIVE_MINUTES)
    found: dict[datetime, ViewerFigures | None] = {
        newest - span * n: None for n in reversed(range(SAMPLES))
    }
    found.update(_rollups(stream_id, FIVE_MINUTES, newest - span * (SAMPLES - 1), newest + span))
    return found


def history(stream_id: int, span_s: int, start: datetime, end: datetime) -> Iterator[Point]:
    """Known points from `start` up to `end`, oldest first, read page by page: memory stays flat.

    `span_s` is that of a rollup, or 0 for the samples themselves.
    """
    read = _rollups if span_s else _samples
    while page := read(stream_id, span_s, start, end, limit=_PAGE_SIZE):
        yield from (Point(at, figures) for at, figures in page)
        start = page[-1][0] + timedelta(microseconds=1)


def _rollups(
    stream_id: int, span_s: int, start: datetime, end: datetime, *, limit: int | None = None
) -> list[tuple[datetime, ViewerFigures]]:
    rows = (
        ViewerRollup.objects.filter(
            stream_id=stream_id, span_s=span_s, start_at__gte=start, start_at__lt=end
        )
        .order_by("start_at")
        .values_list(*_FIGURES)[:limit]
    )
    return [(at, ViewerFigures(*figures)) for at, *figures in rows]


def _samples(
    stream_id: int, span_s: int, start: datetime, end: datetime, *, limit: int
) -> list[tuple[datetime, ViewerFigures]]:
    rows = (
        ViewerSample.objects.filter(stream_id=stream_id, at__gte=start, at__lt=end)
        .order_by("at")
        .values_list("at", "viewers")[:limit]
    )
    return [(at, ViewerFigures.of(viewers)) for at, viewers in rows]
