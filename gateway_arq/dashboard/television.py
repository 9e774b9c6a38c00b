"""The audience of the web TV: now, in the last three hours, and today against yesterday."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.lib.days import local_day
from gateway_arq.dashboard.calls import change
from webtv import selectors
from webtv.models import Stream
from webtv.types import Day


def figures() -> dict[str, Any]:
    """All streams together; None is unknown.

    `now`, `at` (epoch s of the newest sample), `known` (it is fresh), `peak` and `average` of today
    and of yesterday with `change`s, `recent` and `hours` (two charts), `streams` one by one.
    """
    whole = selectors.stream(None)
    stream_id = int(whole.pk) if whole else 0
    current = selectors.current(stream_id)
    today, yesterday = selectors.days(stream_id, local_day(), local_day() - timedelta(days=1))
    recent = selectors.five_minutes(stream_id)
    return {
        "now": current.viewers if current else None,
        "at": int(current.at.timestamp()) if current else None,
        "known": bool(current and current.known),
        "peak": _peak(today),
        "peak_before": _peak(yesterday),
        "peak_change": _change(_peak(today), _peak(yesterday)),
        "average": _average(today),
        "average_before": _average(yesterday),
        "average_change": _change(_average(today), _average(yesterday)),
        "recent": {
            "at": [int(start.timestamp()) for start in recent],
            "average": [part.avg_viewers if part else None for part in recent.values()],
            "peak": [part.peak_viewers if part else None for part in recent.values()],
        },
        "hours": {"now": today.hourly_peaks, "yesterday": yesterday.hourly_peaks},
        "streams": _streams(),
    }


def _streams() -> list[dict[str, Any]]:
    """Each enabled stream; none where there is only one, which equals the sum."""
    streams = list(Stream.objects.sources().filter(enabled=True).order_by("name"))
    if len(streams) < 2:
        return []
    found = []
    for stream in streams:
        current = selectors.current(int(stream.pk))
        fresh = current if current and current.known else None
        found.append(
            {
                "name": stream.name,
                "title": stream.title or stream.name,
                "now": fresh.viewers if fresh else None,
            }
        )
    return found


def _peak(day: Day) -> int | None:
    return day.figures.peak_viewers if day.figures else None


def _average(day: Day) -> int | None:
    return day.figures.avg_viewers if day.figures else None


def _change(now: int | None, before: int | None) -> float | None:
    return None if now is None or before is None else change(now, before)
