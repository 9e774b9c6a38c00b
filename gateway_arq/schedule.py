"""The periodic jobs: what runs when, until staff change it in the admin.

After migrating, entries that are missing are made; those that are there belong to staff and stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps as registered_apps
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask


@dataclass(frozen=True)
class Job:
    """A task that runs every `every_s` seconds, or daily at `hours`:`minute` in Rome."""

    name: str
    task: str
    what_for: str
    every_s: int = 0
    hours: str = ""
    minute: int = 0
    expires_s: int = 0  # not begun by then, it is left to the next; by default `every_s`
    worker: str | None = ""  # the name of its health, by default the task's; None: it has none

    def when(self) -> dict[str, Any]:
        """The fields of a PeriodicTask that say when it runs."""
        if self.every_s:
            interval, _ = IntervalSchedule.objects.get_or_create(
                every=self.every_s, period=IntervalSchedule.SECONDS
            )
            return {"interval": interval, "expire_seconds": self.every_s}
        crontab, _ = CrontabSchedule.objects.get_or_create(
            minute=str(self.minute), hour=self.hours, timezone="Europe/Rome",
            day_of_week="*", day_of_month="*", month_of_year="*",
        )  # fmt: skip
        return {"crontab": crontab, "expire_seconds": self.expires_s}


SCHEDULE: Final = (
    Job("WebCom: calls", "webcom.pull_calls",
        "Active calls, and what changed since the last pull.", every_s=2, worker="webcom.calls"),
    Job("WebCom: lines", "webcom.pull_lines", "The carrier's list of our lines.", every_s=600,
        worker="webcom.lines"),
    Job("WebCom: rebates", "webcom.pull_rebates",
        "Rebates of this month and of the one before.", every_s=3600, worker="webcom.rebates"),
    Job("WebCom: recount statistics", "webcom.recount",
        "Counts changed five-minute buckets into the statistics.", every_s=20),
    Job("WebCom: prune", "webcom.prune",
        "Deletes what is over its retention time.", every_s=3600),
    Job("Web TV: alerts", "webtv.judge_alerts",
        "Raises and clears the alerts of the streams.", every_s=5, worker="webtv.alerts"),
    Job("Web TV: prune", "webtv.prune", "Deletes what is over its retention time.", every_s=3600),
    Job("Centralino: expire", "centralino.expire",
        "Removes the numbers whose time is over.", every_s=20, worker="asterisk.expire"),
    Job("Centralino: prune", "centralino.prune",
        "Deletes calls that are over their retention time.", every_s=3600, worker="asterisk.prune"),
    # The operator publishes the evening's draw at night, at no certain hour.
    Job("Lotto: sync", "lotto.sync",
        "Imports what the operator has published, verifies and corrects.",
        hours="2,7,23", minute=20, expires_s=3600),
    Job("Lotto: prune", "lotto.prune", "Deletes exported files that are over their retention time.",
        hours="4", minute=50, expires_s=1800),
    # At 20:00 the draw begins. On days without one nothing is started.
    Job("AutoBOT: start", "ocr.autobot",
        "Reads the draw off the live stream.", hours="20", minute=1, expires_s=1800,
        worker=None),  # the run that it starts is retried by itself
    Job("AutoBOT: prune", "ocr.prune",
        "Deletes pictures that are over their retention time.",
        hours="4", minute=40, expires_s=1800),
    Job("Gateway: backup", "gateway.backup", "Writes a backup, and deletes the oldest.",
        hours="3", minute=30, expires_s=3600),
)  # fmt: skip


# Who reports the health of a task: a job that failed is found by it, and tried again.
WORKERS: Final = {job.task: job.worker or job.task for job in SCHEDULE if job.worker is not None}


def apply(using: str = DEFAULT_DB_ALIAS, apps: Apps = registered_apps, **_kwargs: Any) -> None:
    """Receiver of `post_migrate`: make the entries of SCHEDULE that are missing.

    `apps` has only what is migrated: one app alone may be, without the schedule's tables.
    """
    is_migrated = "periodictask" in apps.all_models["django_celery_beat"]
    if using != DEFAULT_DB_ALIAS or not is_migrated:
        return
    present = set(PeriodicTask.objects.values_list("name", flat=True))
    for job in SCHEDULE:
        if job.name not in present:
            fields = {"task": job.task, "description": job.what_for, **job.when()}
            PeriodicTask.objects.get_or_create(name=job.name, defaults=fields)
