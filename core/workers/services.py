"""The one way in which a job or listener reports its health.

A failure is logged once, so is the recovery; between them it backs off. The state lives in the
database, so that Celery processes and replicas share it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from core.lib import clock
from core.workers.models import Health, WorkerStatus

logger = logging.getLogger(__name__)

DOWN_AFTER_FAILURES = 3
BACKOFF_FIRST_S, MAX_BACKOFF_S = 2.0, 60.0
MAX_WAIT_S = 600.0  # that the other side may ask for
LATE = timedelta(seconds=10)  # that a try may take, or be late


def backoff_s(failures: int, *, retry_after_s: float | None = None) -> float:
    """Seconds to wait after the n-th failure in a row: doubling from 2 to 60, with 50 % jitter.

    `retry_after_s` of the other side is the minimum, up to 10 minutes.
    """
    longest = min(BACKOFF_FIRST_S * 2 ** min(failures - 1, 10), MAX_BACKOFF_S)
    return max(random.uniform(longest / 2, longest), min(retry_after_s or 0.0, MAX_WAIT_S))


def is_due(name: str) -> bool:
    """False while the job backs off after a failure."""
    retry_at = WorkerStatus.objects.filter(name=name).values_list("retry_at", flat=True).first()
    return clock.is_due(retry_at, within_s=MAX_WAIT_S)


def failed_and_due() -> dict[str, datetime]:
    """When the jobs that failed were to be tried again: those whose time has come."""
    waiting = WorkerStatus.objects.filter(failures__gt=0, retry_at__isnull=False)
    return {
        name: retry_at
        for name, retry_at in waiting.values_list("name", "retry_at")
        if retry_at and clock.is_due(retry_at, within_s=MAX_WAIT_S)
    }


def ran_ok(name: str) -> None:
    """Note a good run; logs the recovery if the one before failed."""
    now = timezone.now()
    before = WorkerStatus.objects.filter(name=name).first()
    WorkerStatus.objects.update_or_create(
        name=name,
        defaults={
            "health": Health.HEALTHY,
            "last_run_at": now,
            "last_ok_at": now,
            "failing_since": None,
            "failures": 0,
            "retry_at": None,
            "last_error": "",
        },
    )
    if before and before.health in (Health.DEGRADED, Health.DOWN):
        logger.info("worker.recovered name=%s outage_s=%.0f", name, _outage_s(before, now))


def _outage_s(failing: WorkerStatus, now: datetime) -> float:
    """How long it failed, as far as anybody tried.

    Between the try that was due and this one it may have been stopped for hours: no outage.
    """
    over_at = min(now, failing.retry_at + LATE) if failing.retry_at else now
    began_at = failing.failing_since or over_at
    return max(0.0, (over_at - began_at).total_seconds())


def failed(name: str, error: Exception) -> float:
    """Note a failed run; returns the seconds to wait. Logs the first failure in a row only.

    An exception with `retry_after_s` (as upstream errors have) prolongs the wait.
    """
    now = timezone.now()
    with transaction.atomic():
        status, _ = WorkerStatus.objects.select_for_update().get_or_create(name=name)
        is_first = status.failures == 0
        status.failures += 1
        delay_s = backoff_s(status.failures, retry_after_s=getattr(error, "retry_after_s", None))
        status.health = Health.DOWN if status.failures >= DOWN_AFTER_FAILURES else Health.DEGRADED
        status.last_run_at = now
        status.failing_since = status.failing_since or now
        status.retry_at = now + timedelta(seconds=delay_s)
        status.last_error = str(error)[:300]
        status.save()
    if is_first:
        logger.error("worker.failed name=%s error=%s", name, error)
    return delay_s


def disabled(name: str) -> None:
    """Note that the job is switched off by configuration."""
    WorkerStatus.objects.update_or_create(
        name=name,
        defaults={
            "health": Health.DISABLED,
            "failures": 0,
            "failing_since": None,
            "retry_at": None,
            "last_error": "",
        },
    )


def retire(prefix: str, *, keep: Collection[str]) -> None:
    """Delete the jobs whose names begin with `prefix`, except those to `keep`."""
    WorkerStatus.objects.filter(name__startswith=prefix).exclude(name__in=keep).delete()


@contextmanager
def watched(name: str, *errors: type[Exception]) -> Iterator[None]:
    """Run a job's body under its name: `errors` are noted and suppressed, others also raised."""
    try:
        yield
    except errors as exc:
        failed(name, exc)
    except Exception as exc:
        failed(name, exc)
        raise
    else:
        ran_ok(name)
