"""JSON documents of the audience, in the spelling of the API reference.

The reference's numbers are integers: unknown ones are 0, and an added `known` is false.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

from msgspec import Meta

from core.api.documents import Document, Instant, like
from core.api.shapes import LOCAL_TIME
from core.lib.days import zone
from webtv.types import Current, Day, Point, ViewerFigures

VIEWERS_CSV_FIELDS: Final = ("timestamp", "viewers", "known")
HOURS_CSV_FIELDS: Final = ("hour", "today", "yesterday")
FIVE_MINUTES_CSV_FIELDS: Final = ("time", "viewers", "peak", "known")
HISTORY_CSV_FIELDS: Final = ("start", "viewers", "min", "max", "samples")

_IS_TIME: Final = Meta(extra_json_schema={"format": "date-time"})
_HOURS: Final = [0] * 18 + [12, 23, 0, 0, 0, 0]
_AtMicrosecond = Annotated[str, like("2025-11-15T18:57:05.000000+00:00"), _IS_TIME]
_AtSecond = Annotated[str, like("2025-11-15T18:00:00Z"), _IS_TIME]


class StreamNotFoundDocument(Document):
    detail: Annotated[str, like("There is no stream 'x'.")]


class ViewersDocument(Document):
    viewers: Annotated[int, like(23)]
    timestamp: _AtMicrosecond
    known: Annotated[bool, like(True, "False: the sample is older than 30 s, or there is none")]


class AudienceDayDocument(Document):
    date: Annotated[dt.date, like("2025-11-15")]
    min: Annotated[int, like(5)]
    max: Annotated[int, like(23)]
    avg: Annotated[int, like(10, "Rounded")]
    hourly: Annotated[
        list[int], like(_HOURS, "The peak of each hour", min_length=24, max_length=24)
    ]
    hourly_known: Annotated[
        list[bool],
        like(
            [peak > 0 for peak in _HOURS],
            "False: no sample in that hour, its 0 means unknown",
            min_length=24,
            max_length=24,
        ),
    ]
    known: Annotated[bool, like(True, "False: no sample on that day")]


class AudienceTodayDocument(AudienceDayDocument):
    current: Annotated[int, like(23, "The newest sample of the day")]
    current_known: Annotated[bool, like(True, "False: it is older than 30 s")]


class AudienceComparisonDocument(Document):
    min_change_pct: Annotated[float, like(-50.0)]
    max_change_pct: Annotated[float, like(-23.3)]
    avg_change_pct: Annotated[float, like(0.0, "0.0 where yesterday's was 0")]


class AudienceStatsDocument(Document):
    today: AudienceTodayDocument
    yesterday: AudienceDayDocument
    comparison: AudienceComparisonDocument
    timestamp: _AtMicrosecond


class ViewerSampleDocument(Document):
    time: Annotated[
        str, like("19:05", "HH:MM, Europe/Rome: the start of the five minutes"), LOCAL_TIME
    ]
    viewers: Annotated[int, like(142, "The mean, rounded")]
    peak: Annotated[int, like(145)]
    known: Annotated[bool, like(True, "False: no sample, the 0 means unknown")]


class AudienceHourlyDocument(Document):
    samples: list[ViewerSampleDocument]
    count: Annotated[int, like(36)]
    timestamp: Annotated[Instant, like("2025-11-16T22:05:00Z")]


class HistoryPointDocument(Document):
    start: _AtSecond
    viewers: Annotated[int, like(10, "The mean, rounded")]
    min: Annotated[int, like(5)]
    max: Annotated[int, like(23)]
    samples: Annotated[int, like(720)]


class AudienceHistoryDocument(Document):
    span: Annotated[str, like("hour")]
    count: Annotated[int, like(1)]
    points: list[HistoryPointDocument]
    next: Annotated[_AtSecond | None, like(None, "`from` of the next page; null on the last one")]


def format_instant(at: datetime) -> str:
    """The instant as the reference's examples spell it: 2025-11-15T18:57:08.177349+00:00."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def format_start(at: datetime) -> str:
    """The start of a point of history: 2025-11-15T18:00:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def viewers_document(current: Current | None, *, now: datetime) -> ViewersDocument:
    """The newest sample, with its time; without one the time is `now`."""
    if current is None:
        return ViewersDocument(0, format_instant(now), known=False)
    return ViewersDocument(current.viewers, format_instant(current.at), current.known)


def stats_document(
    today: Day, yesterday: Day, current: Current | None, *, now: datetime
) -> AudienceStatsDocument:
    """Two days and how they compare."""
    viewers, known = (current.viewers, current.known) if current else (0, False)
    changes = map(_change_pct, _brief(today), _brief(yesterday))
    return AudienceStatsDocument(
        AudienceTodayDocument(*_day(today), viewers, known),
        AudienceDayDocument(*_day(yesterday)),
        AudienceComparisonDocument(*changes),
        format_instant(now),
    )


def five_minute_document(
    buckets: Mapping[datetime, ViewerFigures | None], *, now: datetime
) -> AudienceHourlyDocument:
    """Five-minute samples by their local start, in the order given."""
    samples = [
        ViewerSampleDocument(
            f"{at.astimezone(zone()):%H:%M}",
            figures.avg_viewers if figures else 0,
            figures.peak_viewers if figures else 0,
            figures is not None,
        )
        for at, figures in buckets.items()
    ]
    return AudienceHourlyDocument(samples, len(samples), now)


def point_document(point: Point) -> HistoryPointDocument:
    """One point of history."""
    one = point.figures
    return HistoryPointDocument(
        format_start(point.start), one.avg_viewers, one.min_viewers, one.peak_viewers, one.samples
    )


def _day(day: Day) -> tuple[dt.date, int, int, int, list[int], list[bool], bool]:
    """The fields of AudienceDayDocument."""
    peaks = day.hourly_peaks
    known = [peak is not None for peak in peaks]
    return day.on, *_brief(day), [peak or 0 for peak in peaks], known, day.figures is not None


def _brief(day: Day) -> tuple[int, int, int]:
    """Minimum, maximum and mean; 0 where unknown."""
    one = day.figures
    return (one.min_viewers, one.peak_viewers, one.avg_viewers) if one else (0, 0, 0)


def _change_pct(now: int, before: int) -> float:
    """The change in percent of `before`; 0.0 where that was 0."""
    return round((now - before) / before * 100, 1) if before else 0.0
