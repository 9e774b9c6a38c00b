"""How long finished and screened calls are kept: `PBX_RETENTION_DAYS` (0: always)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from centralino.models import PbxCall, ScreenedCall
from core.lib.batches import delete_in_batches

CHUNK_SIZE: Final = 2_000  # short transactions: nothing waits for pruning


def prune() -> int:
    """Delete expired rows in batches; returns how many."""
    if not settings.PBX_RETENTION_DAYS:
        return 0
    oldest = timezone.now() - timedelta(days=settings.PBX_RETENTION_DAYS)
    calls = PbxCall.objects.filter(started_at__lt=oldest)
    screened = ScreenedCall.objects.filter(at__lt=oldest)
    return delete_in_batches(calls, CHUNK_SIZE) + delete_in_batches(screened, CHUNK_SIZE)
