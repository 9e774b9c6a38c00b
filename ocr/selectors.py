"""What the API, the admin, the dashboard and the socket read of AutoBOT."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from core.lib.days import local_day
from lotto.rules import format_day
from lotto.types import WHEELS
from ocr.models import AutobotConfig, AutobotRun, AutobotWheel, Evidence
from ocr.types import RunState, StepName

START_TASK: Final = "ocr.autobot"  # as the schedule names it
Wheels = dict[str, tuple[int, ...]]


def config() -> AutobotConfig:
    """AutoBOT's configuration; the defaults while nobody has changed it."""
    return AutobotConfig.objects.first() or AutobotConfig()


def schedule() -> str:
    """When AutoBOT starts by itself: `20:01 daily`, a crontab's own words, or `off`."""
    tasks = PeriodicTask.objects.select_related("crontab")
    task = tasks.filter(task=START_TASK, enabled=True).first()
    if task is None:
        return "off"
    at = task.crontab
    if at is None:
        return str(task.schedule)
    is_daily = (at.day_of_week, at.day_of_month, at.month_of_year) == ("*", "*", "*")
    if is_daily and at.hour.isdigit() and at.minute.isdigit():
        return f"{int(at.hour):02}:{int(at.minute):02} daily"
    return str(at)


def latest() -> AutobotRun | None:
    """The run that was started last."""
    return AutobotRun.objects.first()


def unfinished() -> AutobotRun | None:
    """The run that is at work, or waits for a worker."""
    return AutobotRun.objects.filter(is_over=False).first()


def published(run: AutobotRun) -> Wheels:
    """The wheels of a run that are sure and today's, in the operator's order."""
    found = {wheel.wheel: wheel for wheel in run.wheels.all()}
    return {
        code: tuple(number for number in found[code].numbers if number is not None)
        for code in WHEELS
        if code in found and found[code].is_published
    }


def missing(run: AutobotRun) -> list[str]:
    """The codes of the wheels that are not published, in the operator's order."""
    have = published(run)
    return [code for code in WHEELS if code not in have]


def held(run: AutobotRun) -> list[AutobotWheel]:
    """The wheels that were read for sure, and are held back."""
    return [wheel for wheel in run.wheels.all() if wheel.is_taken and wheel.held]


def status(run: AutobotRun | None) -> dict[str, Any]:
    """The reference's `autobot/status` of that run, and what we add to it.

    A run that was stopped, or is over and of another day, counts no more: AutoBOT is idle.
    """
    if run is None:
        return _told(RunState.IDLE, None, {})
    is_past = run.is_over and run.day != local_day()
    state = RunState.IDLE if is_past else RunState(run.state)
    return _told(state, run, {} if state == RunState.IDLE else published(run))


def _told(
    state: RunState, run: AutobotRun | None, wheels: Mapping[str, tuple[int, ...]]
) -> dict[str, Any]:
    steps = run.steps.exclude(name=StepName.NOTICE) if run else ()
    return {
        "status": state.value,
        "wheels_completed": len(wheels),
        "total_wheels": len(WHEELS),
        "last_run": run and f"{run.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "run": run and run.pk,
        "date": run and format_day(run.day),
        "message": run.message if run else "",
        "wheels": {WHEELS[code]: [f"{n:02}" for n in numbers] for code, numbers in wheels.items()},
        "missing": [WHEELS[code] for code in WHEELS if run and code not in wheels],
        "steps": {
            step.name: {"state": step.state, "tries": step.tries, "error": step.error}
            for step in steps
        },
    }


def picture(run_id: int, wheel: str) -> bytes | None:
    """The JPEG that a run keeps of a wheel, or with "" of the whole board."""
    found = Evidence.objects.filter(run=run_id, wheel=wheel).first()
    return bytes(found.jpeg) if found else None


def to_be_verified(*, within: timedelta) -> QuerySet[AutobotRun]:
    """Runs that are over, whose draw the operator has not confirmed yet."""
    since = timezone.now() - within
    return AutobotRun.objects.filter(is_over=True, verified_at=None, started_at__gte=since)
