"""Retention: calls `CALL_RETENTION_DAYS` (0: permanently), small tables fixed times."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from core.lib.days import day_bounds, local_day
from core.lib.locks import lock_for_transaction
from webcom import rollups
from webcom.models import Call, Delivery, Unreadable

DELIVERIES: Final = timedelta(days=2)  # the signature's own tolerance is five minutes
UNREADABLE: Final = timedelta(days=90)
MAX_UNREADABLE: Final = 10_000  # rows: a carrier that sends nothing else fills no disk
CHUNK_SIZE: Final = 2_000  # short transactions: ingest never waits for pruning


def prune() -> int:
    """Delete expired rows in batches; returns how many calls were deleted.

    Calls expire by whole local days, and their figures with them: statistics cover what is stored.
    """
    now = timezone.now()
    _delete_all(Delivery.objects.filter(received_at__lt=now - DELIVERIES))
    _delete_all(Unreadable.objects.filter(last_at__lt=now - UNREADABLE))
    if surplus := Unreadable.objects.order_by("-last_at")[MAX_UNREADABLE:].first():
        _delete_all(Unreadable.objects.filter(last_at__lte=surplus.last_at))
    if not settings.CALL_RETENTION_DAYS:
        return 0
    first_stored, _ = day_bounds(local_day(now) - timedelta(days=settings.CALL_RETENTION_DAYS))
    expired = Call.objects.filter(started_at__lt=first_stored)
    return _delete_all(expired.order_by("started_at"))


def _delete_all(rows: QuerySet[Model]) -> int:
    deleted = 0
    while count := _delete_some(rows):
        deleted += count
    return deleted


def _delete_some(rows: QuerySet[Model]) -> int:
    with transaction.atomic():
        batch = list(rows[:CHUNK_SIZE])
        if batch and isinstance(batch[0], Call):
            # Rows and marks in one order with ingest: no deadlock.
            lock_for_transaction("webcom.calls")
            rollups.mark_dirty(
                int(call.started_at.timestamp()) for call in batch if isinstance(call, Call)
            )
        return rows.model._default_manager.filter(pk__in=[row.pk for row in batch]).delete()[0]
