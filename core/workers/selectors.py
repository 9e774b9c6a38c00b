"""The health of the workers, for screens and /metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Now

from core.lib.clock import is_within
from core.workers.leader import RUN
from core.workers.models import Health, Lease, WorkerStatus

# A main job (as `<app>.calls`) without a report for so long is down.
SILENT_AFTER = timedelta(minutes=2)
# So long after the end of a lease nobody stands by to take it.
LEADERLESS_AFTER = timedelta(seconds=4)


@dataclass(frozen=True)
class Leader:
    """Who leads a listener: `holder` is `host:process:...`, or empty when it was stopped.

    `age_s` is how long ago it last showed, by its work, that it lives. Without one that `leads`,
    nobody does, and nobody is there to take over.
    """

    holder: str
    token: int
    age_s: float
    leads: bool


def leaders() -> dict[str, Leader]:
    """The leader of every listener that ever ran, by the listener's name."""
    rows = Lease.objects.exclude(name__startswith=RUN).annotate(now=Now()).order_by("name")
    return {
        row.name: Leader(
            holder=row.holder,
            token=row.token,
            age_s=max(0.0, (row.now - row.renewed_at).total_seconds()),
            leads=row.now <= row.expires_at + LEADERLESS_AFTER,
        )
        for row in rows
    }


def leader_of(job: str, found: Mapping[str, Leader]) -> Leader | None:
    """The leader of the listener that the job is, or is a part of; None: it has none."""
    return next((one for name, one in found.items() if f"{job}.".startswith(f"{name}.")), None)


def statuses(found: Mapping[str, Leader] | None = None) -> list[WorkerStatus]:
    """All jobs by name, those down whose listener nobody leads, whatever was reported last.

    `found`: the `leaders`, if they are known already.
    """
    found = leaders() if found is None else found
    jobs = list(WorkerStatus.objects.all())
    for job in jobs:
        leader = leader_of(job.name, found)
        if leader and not leader.leads and job.health != Health.DISABLED:
            job.health, job.last_error = Health.DOWN, NO_LEADER
    return jobs


NO_LEADER = "no process leads: none runs, or none gets on with its work"


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
        and not is_within(job.last_run_at, SILENT_AFTER)
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
