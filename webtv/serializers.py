"""JSON documents of the audience, in the spelling of the API reference.

The reference's numbers are integers: unknown ones are 0, and an added `known` is false.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from core.lib.days import zone
from webtv.types import Current, Day, Point, ViewerFigures

VIEWERS_CSV_FIELDS: Final = ("timestamp", "viewers", "known")
HOURS_CSV_FIELDS: Final = ("hour", "today", "yesterday")
FIVE_MINUTES_CSV_FIELDS: Final = ("time", "viewers", "peak", "known")
HISTORY_CSV_FIELDS: Final = ("start", "viewers", "min", "max", "samples")


def format_instant(at: datetime) -> str:
    """The instant as the reference's examples spell it: 2025-11-15T18:57:08.177349+00:00."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def format_start(at: datetime) -> str:
    """The start of a point of history: 2025-11-15T18:00:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def viewers_document(current: Current | None, *, now: datetime) -> dict[str, Any]:
    """The newest sample, with its time; without one the time is `now`."""
    if current is None:
        return {"viewers": 0, "timestamp": format_instant(now), "known": False}
    return {
        "viewers": current.viewers,
        "timestamp": format_instant(current.at),
        "known": current.known,
    }


def stats_document(
    today: Day, yesterday: Day, current: Current | None, *, now: datetime
) -> dict[str, Any]:
    """Two days and how they compare."""
    return {
        "today": {
            **_day(today),
            "current": current.viewers if current else 0,
            "current_known": bool(current and current.known),
        },
        "yesterday": _day(yesterday),
        "comparison": {
            f"{name}_change_pct": _change_pct(_brief(today)[name], _brief(yesterday)[name])
            for name in ("min", "max", "avg")
        },
        "timestamp": format_instant(now),
    }


def five_minute_document(
    buckets: Mapping[datetime, ViewerFigures | None], *, now: datetime
) -> dict[str, Any]:
    """Five-minute samples by their local start, in the order given."""
    samples = [
        {
            "time": f"{at.astimezone(zone()):%H:%M}",
            "viewers": figures.avg_viewers if figures else 0,
            "peak": figures.peak_viewers if figures else 0,
            "known": figures is not None,
        }
        for at, figures in buckets.items()
    ]
    return {"samples": samples, "count": len(samples), "timestamp": now}


def point_document(point: Point) -> dict[str, Any]:
    """One point of history."""
    figures = point.figures
    return {
        "start": format_start(point.start),
        "viewers": figures.avg_viewers,
        "min": figures.min_viewers,
        "max": figures.peak_viewers,
        "samples": figures.samples,
    }


def _day(day: Day) -> dict[str, Any]:
    return {
        "date": day.on,
        **_brief(day),
        "hourly": [peak or 0 for peak in day.hourly_peaks],
        "hourly_known": [peak is not None for peak in day.hourly_peaks],
        "known": day.figures is not None,
    }


def _brief(day: Day) -> dict[str, int]:
    figures = day.figures
    if figures is None:
        return {"min": 0, "max": 0, "avg": 0}
    return {"min": figures.min_viewers, "max": figures.peak_viewers, "avg": figures.avg_viewers}


def _change_pct(now: int, before: int) -> float:
    """The change in percent of `before`; 0.0 where that was 0."""
    return round((now - before) / before * 100, 1) if before else 0.0
