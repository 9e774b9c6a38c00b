"""The schedule in code, and what staff make of it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from gateway_arq import schedule
from gateway_arq.celery import app

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
APPS = ("webcom.", "webtv.", "centralino.", "lotto.", "ocr.", "gateway.")


def test_every_scheduled_task_is_registered_and_every_task_is_scheduled() -> None:
    scheduled = {job.task for job in schedule.SCHEDULE}
    assert scheduled == {name for name in app.tasks if name.startswith(APPS)}


def test_migrating_makes_what_is_missing_as_the_table_says() -> None:
    PeriodicTask.objects.all().delete()
    call_command("migrate", verbosity=0)
    made = {task.name: task for task in PeriodicTask.objects.select_related("interval", "crontab")}
    assert made.keys() == {job.name for job in schedule.SCHEDULE}
    calls = made["WebCom: calls"]
    assert (calls.task, calls.interval.every, calls.interval.period) == (
        "webcom.pull_calls", 2, "seconds"
    )  # fmt: skip
    assert calls.expire_seconds == 2
    assert made["WebCom: lines"].interval.every == 600
    assert made["WebCom: rebates"].interval.every == 3600
    start = made["AutoBOT: start"]
    assert (start.crontab.hour, start.crontab.minute, str(start.crontab.timezone)) == (
        "20", "1", "Europe/Rome"
    )  # fmt: skip
    assert start.expire_seconds == 1800


def test_what_staff_changed_stays() -> None:
    schedule.apply()
    PeriodicTask.objects.filter(name="WebCom: calls").update(enabled=False, expire_seconds=7)
    schedule.apply()
    calls = PeriodicTask.objects.get(name="WebCom: calls")
    assert (calls.enabled, calls.expire_seconds) == (False, 7)
