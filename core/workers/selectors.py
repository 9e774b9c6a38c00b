"""The health of the workers, for screens and /metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core.workers.models import Health, WorkerStatus

# A main job (as `<app>.calls`) without a report for so long is down.
SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class WorkerSummary:
    """One app's workers in one line: the main job decides, a failing side job is `degraded`."""

    status: str
    last_run: datetime | None
    last_error: str


def summary(main: str, jobs: Iterable[WorkerStatus]) -> WorkerSummary:
    """The summary of the app whose main job is called `main`; `disabled` when it has never run.

    Jobs called `<main>.<part>` are parts of the main job: while one of them works it is `degraded`
    at worst.
    """
    app = main.partition(".")[0]
    mine = {job.name: job for job in jobs if job.name.partition(".")[0] == app}
    parts = [mine.pop(name) for name in sorted(mine) if name.startswith(f"{main}.")]
    if parts:
        mine[main] = _worst(parts)
    if main not in mine:
        return WorkerSummary(Health.DISABLED, None, "")
    job = mine.pop(main)
    status = Health(job.health)
    if (
        status == Health.HEALTHY
        and job.last_run_at
        and timezone.now() - job.last_run_at > SILENT_AFTER
    ):
        return WorkerSummary(Health.DOWN, job.last_run_at, "no sign of life")
    failing = [side for side in mine.values() if side.health in (Health.DEGRADED, Health.DOWN)]
    if status == Health.HEALTHY and failing:
        return WorkerSummary(
            Health.DEGRADED, job.last_run_at, f"{failing[0].name}: {failing[0].last_error}"
        )
    return WorkerSummary(status, job.last_run_at, job.last_error)


def health_label(job: WorkerStatus | None, *, is_wanted: bool) -> str:
    """A job's health for people; a dash where there is none, or it is not meant to run."""
    return str(job.get_health_display()) if job and is_wanted else "—"


def _worst(parts: list[WorkerStatus]) -> WorkerStatus:
    """The worst part, but only `degraded` as long as another one works."""
    order = [Health.DISABLED, Health.HEALTHY, Health.DEGRADED, Health.DOWN]
    worst = max(parts, key=lambda part: order.index(Health(part.health)))
    if any(part.health == Health.HEALTHY for part in parts) and worst.health == Health.DOWN:
        worst.health = Health.DEGRADED
    return worst
