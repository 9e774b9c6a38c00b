"""Entry points of the schedule; when each runs is set in the admin (periodic tasks)."""

from __future__ import annotations

from contextlib import suppress

from celery import shared_task

from core.lib.upstream import NotConfigured, UpstreamError
from core.workers.jobs import run_job
from lotto import exports, imports


@shared_task(name="lotto.sync", soft_time_limit=600)
def sync() -> None:
    # Failures are recorded in the worker's status.
    with suppress(imports.Busy, NotConfigured, UpstreamError):
        imports.sync()


@shared_task(name="lotto.prune", soft_time_limit=60)
def prune() -> None:
    run_job("lotto.prune", exports.prune)


def sync_on_start() -> None:
    """Sync at start: the schedule begins at night."""
    sync.delay()
