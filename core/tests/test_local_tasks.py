from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from celery.schedules import schedule
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from core.lib.logs import current_context
from core.workers import local_tasks
from core.workers.local_beat import LocalScheduler, run_beat
from core.workers.local_tasks import LocalTask, stop_pool


@pytest.fixture
def app() -> Iterator[Any]:
    """A Celery app without a broker, whose pool ends with the test."""
    app = Celery("test", task_cls=LocalTask, set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    yield app
    stop_pool()
    local_tasks._failing.clear()


class Scheduler(LocalScheduler):
    """Without the database's entries."""

    def __init__(self, app: Celery) -> None:
        self._running = {}
        self._tasks_since_sync = 0
        self.app = app

    def reserve(self, entry: ScheduleEntry) -> ScheduleEntry:
        return entry

    def should_sync(self) -> bool:
        return False


def entry(app: Any, task: str) -> ScheduleEntry:
    return ScheduleEntry(name=f"every: {task}", task=task, schedule=schedule(2), app=app)


def test_a_task_runs_in_the_pool_with_its_arguments(app: Any):
    ran: list[Any] = []

    @app.task(name="add", shared=False)
    def add(a: int, b: int = 0) -> None:
        ran.append((a + b, threading.current_thread().name.split("_")[0]))

    add.delay(1, b=2).result(5)
    add.apply_async((3,)).result(5)
    assert ran == [(3, "task"), (3, "task")]


def test_log_lines_of_a_task_carry_its_name(app: Any):
    @app.task(name="named", shared=False)
    def named() -> None:
        contexts.append(current_context())

    contexts: list[str] = []
    named.delay().result(5)
    copy_context().run(named.apply)  # as a worker of Celery runs it
    assert contexts == ["named", "named"]


def test_a_task_that_keeps_failing_is_logged_when_it_falls_and_when_it_is_well(
    app: Any, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, local_tasks.__name__)
    broken = threading.Event()
    broken.set()

    @app.task(name="fragile", shared=False)
    def fragile() -> None:
        if broken.is_set():
            raise ZeroDivisionError

    for _ in range(3):
        fragile.delay().result(5)
    broken.clear()
    for _ in range(2):
        fragile.delay().result(5)
    assert [record.getMessage() for record in caplog.records] == [
        "task.failing name=fragile",
        "task.recovered name=fragile",
    ]


@pytest.mark.parametrize("option", ["countdown", "eta"])
def test_what_needs_a_broker_is_refused(app: Any, option: str):
    @app.task(name="later", shared=False)
    def later() -> None:
        raise AssertionError("it ran")

    with pytest.raises(ValueError, match="REDIS_URL"):
        later.apply_async(**{option: 5})


def test_the_pool_waits_for_the_running_task_and_drops_the_waiting_ones(
    app: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(local_tasks, "WORKERS", 1)
    begun, release, ran = threading.Event(), threading.Event(), []

    @app.task(name="slow", shared=False)
    def slow(name: str) -> None:
        begun.set()
        release.wait(5)
        ran.append(name)

    first, second = slow.delay("first"), slow.delay("second")
    begun.wait(5)
    threading.Timer(0.05, release.set).start()
    stop_pool()
    assert (ran, first.done(), second.cancelled()) == (["first"], True, True)


def test_an_entry_whose_last_run_has_not_ended_is_skipped(app: Any):
    release, begun, runs = threading.Event(), threading.Event(), []

    @app.task(name="slow", shared=False)
    def slow() -> None:
        runs.append(1)
        begun.set()
        release.wait(5)

    scheduler = Scheduler(app)
    for _ in range(3):
        scheduler.apply_async(entry(app, "slow"))
    begun.wait(5)
    assert len(runs) == 1
    release.set()
    scheduler._running["every: slow"].result(5)
    scheduler.apply_async(entry(app, "slow"))
    scheduler._running["every: slow"].result(5)
    assert len(runs) == 2


def test_an_unknown_task_is_logged_and_stops_nothing(app: Any, caplog: pytest.LogCaptureFixture):
    Scheduler(app).apply_async(entry(app, "nobody's"))
    assert "beat.unknown_task" in caplog.text


@pytest.mark.embedded_only  # with Redis there is Celery's own
@pytest.mark.django_db(transaction=True)
def test_the_house_s_beat_runs_what_the_admin_scheduled_and_stops_at_once(
    monkeypatch: pytest.MonkeyPatch,
):
    PeriodicTask.objects.all().delete()
    interval = IntervalSchedule.objects.create(every=1, period="seconds")
    long_ago = timezone.now() - timedelta(minutes=5)
    PeriodicTask.objects.create(
        name="prune", task="webcom.prune", interval=interval, last_run_at=long_ago
    )
    PeriodicTasks.update_changed()
    stopping, ran = threading.Event(), threading.Event()

    def run(task: Any, args: Any, kwargs: Any) -> None:
        assert task.name == "webcom.prune"
        ran.set()

    monkeypatch.setattr(local_tasks, "_run", run)
    beat = threading.Thread(target=_beat, args=(stopping,))
    beat.start()
    try:
        assert ran.wait(10)
    finally:
        stopping.set()
        beat.join(3)
        stop_pool()
    assert not beat.is_alive()
    assert PeriodicTask.objects.get().total_run_count >= 1


def _beat(stopping: threading.Event) -> None:
    from django.db import connection

    try:
        run_beat(stopping)
    finally:
        connection.close()
