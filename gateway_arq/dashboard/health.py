"""Health of every worker, and upstreams that are unavailable, so that their data stand still."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.workers.models import Health, WorkerStatus
from core.workers.selectors import WorkerSummary, statuses, summary
from gateway_arq.metrics import MAIN_JOBS


def figures() -> dict[str, Any]:
    """`workers`: each app in one line, its jobs below it (`job`), and jobs of no app (`other`).

    `away`: the apps whose upstream is unavailable.
    """
    jobs = statuses()
    apps = {app: summary(main, jobs) for app, main in MAIN_JOBS.items()}
    lines: list[dict[str, Any]] = []
    for app, whole in apps.items():
        mine = [job for job in jobs if job.name.partition(".")[0] == _prefix(app)]
        if any(job.last_error and job.last_error in whole.last_error for job in mine):
            whole = replace(whole, last_error="")  # its own line says it
        lines.append(_line("app", app, whole))
        lines += [_line("job", job.name, _of_job(job)) for job in mine]
    others = [job for job in jobs if job.name.partition(".")[0] not in map(_prefix, MAIN_JOBS)]
    lines += [_line("other", job.name, _of_job(job)) for job in others]
    return {"workers": lines, "away": _unavailable(apps, jobs)}


def _unavailable(apps: dict[str, WorkerSummary], jobs: list[WorkerStatus]) -> list[dict[str, Any]]:
    """Each with `app`, `since` (epoch s of the last good answer; None: never), `error`."""
    by_name = {job.name: job for job in jobs}
    found = []
    for app, whole in apps.items():
        if whole.status != Health.DOWN:
            continue
        main = by_name.get(MAIN_JOBS[app])
        found.append(
            {
                "app": app,
                "since": _epoch(main.last_ok_at if main else None) or _epoch(whole.last_run),
                "error": whole.last_error,
            }
        )
    return found


def _prefix(app: str) -> str:
    return MAIN_JOBS[app].partition(".")[0]


def _of_job(job: WorkerStatus) -> WorkerSummary:
    return WorkerSummary(job.health, job.last_run_at, job.last_error)


def _line(kind: str, name: str, health: WorkerSummary) -> dict[str, Any]:
    return {
        "id": f"{kind}:{name}",
        "kind": kind,
        "name": name,
        "status": str(health.status),
        "last_run": _epoch(health.last_run),
        "last_error": health.last_error,
    }


def _epoch(at: Any) -> int | None:
    return int(at.timestamp()) if at else None
