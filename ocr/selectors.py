"""AutoBOT's configuration and runs, for the API, the admin, the dashboard and the socket."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from lotto.types import WHEELS
from ocr.models import AutobotConfig, AutobotRun, AutobotWheel, Evidence

START_TASK: Final = "ocr.autobot"  # as the schedule names it
Wheels = dict[str, tuple[int, ...]]


def config() -> AutobotConfig:
    """AutoBOT's configuration; the defaults while nobody has changed it."""
    return AutobotConfig.objects.first() or AutobotConfig()


def schedule() -> str:
    """When AutoBOT starts by itself: `20:01 daily`, the text of any other crontab, or `off`."""
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
    """The run that a worker holds, or that waits for one."""
    return AutobotRun.objects.filter(is_over=False).first()


def is_unfinished(run_id: int) -> bool:
    """Whether the run is neither at its end nor stopped."""
    return AutobotRun.objects.filter(pk=run_id, is_over=False).exists()


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


def picture(run_id: int, wheel: str) -> bytes | None:
    """The stored JPEG of a run's wheel, or with "" of its whole board."""
    found = Evidence.objects.filter(run=run_id, wheel=wheel).first()
    return bytes(found.jpeg) if found else None


def to_be_verified(*, within: timedelta) -> QuerySet[AutobotRun]:
    """Runs that are over, whose draw the operator has not confirmed yet."""
    since = timezone.now() - within
    return AutobotRun.objects.filter(is_over=True, verified_at=None, started_at__gte=since)
