"""Days, hours and five-minute buckets of the gateway's zone (Europe/Rome), across DST changes.

Rome is a whole number of hours from UTC, so UTC hours and five-minute buckets are also local ones.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone


@cache
def zone() -> ZoneInfo:
    """The gateway's time zone."""
    return ZoneInfo(settings.GATEWAY_TIME_ZONE)


def current_second() -> datetime:
    """The current time, cut to the second."""
    return timezone.now().replace(microsecond=0)


def local_day(at: datetime | None = None) -> date:
    """The local date at that instant (default: now)."""
    return (at or timezone.now()).astimezone(zone()).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The UTC instants [start, end) of a local day, 23, 24 or 25 hours apart.

    Raises OverflowError at the calendar's end.
    """
    start = datetime.combine(day, time.min, zone())
    end = datetime.combine(day + timedelta(days=1), time.min, zone())
    return start.astimezone(UTC), end.astimezone(UTC)


def bucket_start(at: datetime, span_s: int) -> datetime:
    """The start, in UTC, of the bucket of `span_s` seconds that `at` falls in."""
    epoch = int(at.timestamp())
    return datetime.fromtimestamp(epoch - epoch % span_s, UTC)
