"""How long finished and screened calls are kept: `PBX_RETENTION_DAYS` (0: always)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from centralino.models import PbxCall, ScreenedCall

CHUNK_SIZE: Final = 2_000  # short transactions: nothing waits for pruning


def prune() -> int:
    """Delete expired rows in batches; returns how many."""
    if not settings.PBX_RETENTION_DAYS:
        return 0
    oldest = timezone.now() - timedelta(days=settings.PBX_RETENTION_DAYS)
    return _delete(PbxCall.objects.filter(started_at__lt=oldest)) + _delete(
        ScreenedCall.objects.filter(at__lt=oldest)
    )


def _delete(rows: QuerySet[PbxCall] | QuerySet[ScreenedCall]) -> int:
    deleted = 0
    while ids := list(rows.values_list("pk", flat=True)[:CHUNK_SIZE]):
        deleted += rows.model._default_manager.filter(pk__in=ids).delete()[0]
    return deleted
