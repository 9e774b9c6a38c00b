"""Retention of samples, hourly and daily figures (0: permanently), by whole local days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from core.lib.batches import delete_in_batches
from core.lib.days import day_bounds, local_day
from webtv.models import Alert, ViewerRollup, ViewerSample
from webtv.rollups import DAY

CHUNK_SIZE: Final = 5_000  # short transactions: ingest never waits for pruning


def prune() -> int:
    """Delete expired rows in batches; returns how many were deleted."""
    hourly, daily = settings.WEBTV_HOURLY_RETENTION_DAYS, settings.WEBTV_DAILY_RETENTION_DAYS
    deleted = _delete(ViewerSample.objects.all(), "at", settings.WEBTV_SAMPLE_RETENTION_DAYS)
    deleted += _delete(ViewerRollup.objects.exclude(span_s=DAY), "start_at", hourly)
    deleted += _delete(ViewerRollup.objects.filter(span_s=DAY), "start_at", daily)
    return deleted + _delete(Alert.objects.exclude(ended_at=None), "ended_at", daily)


def _delete(rows: QuerySet[Any], column: str, days: int) -> int:
    if not days:
        return 0
    first_stored, _ = day_bounds(local_day() - timedelta(days=days))
    expired = rows.filter(**{f"{column}__lt": first_stored}).order_by(column)
    return delete_in_batches(expired, CHUNK_SIZE)
