"""The schedule after a failure, and after a clock that was ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from celery import Celery
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from core.workers import scheduler, services
from core.workers.jobs import run_job
from core.workers.models import Health, WorkerStatus
from core.workers.scheduler import SteadyScheduler
from gateway_arq.schedule import SCHEDULE, WORKERS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_profiles]

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TASK, WORKER = "webcom.pull_lines", "webcom.lines"


class Beat(SteadyScheduler):
    """Notes what it sends."""

    workers = WORKERS

    def __init__(self, app: Celery) -> None:
        self.sent: list[str] = []
        super().__init__(app=app)
        self._finalize.cancel()  # which writes at the process's end

    def setup_schedule(self) -> None:
        assert self.schedule  # read, without the library's own entries

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **_: Any) -> None:
        entry = self.reserve(entry) if advance else entry
        self.sent.append(str(entry.task))

    def ticks(self) -> list[str]:
        """Tick until nothing is due; what was sent."""
        self._next_retry = 0.0
        self.sent = []
        while self.tick() == 0:
            continue
        return self.sent


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def beat(clock: Any) -> Beat:
    """Two jobs, every two seconds and hourly, which have just run."""
    PeriodicTask.objects.all().delete()
    for task, every in ((TASK, 3600), ("webcom.recount", 2)):
        interval, _ = IntervalSchedule.objects.get_or_create(every=every, period="seconds")
        PeriodicTask.objects.create(name=task, task=task, interval=interval, last_run_at=NOW)
    app = Celery("test", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    beat = Beat(app)
    assert beat.ticks() == []
    return beat


def test_the_schedule_goes_on_when_a_clock_that_was_ahead_is_right_again(
    beat: Beat, clock: Any
) -> None:
    clock.shift(timedelta(hours=1))
    assert sorted(beat.ticks()) == [TASK, "webcom.recount"]
    clock.move_to(NOW + timedelta(seconds=4))
    beat.ticks()
    clock.shift(timedelta(seconds=3))
    assert beat.ticks() == ["webcom.recount"]
    clock.shift(timedelta(hours=1))
    assert sorted(beat.ticks()) == [TASK, "webcom.recount"]


def test_runs_of_an_earlier_process_that_lie_in_the_future_are_of_now(beat: Beat) -> None:
    PeriodicTask.objects.update(last_run_at=NOW + timedelta(hours=1))
    again = Beat(beat.app)
    again.ticks()
    again.sync()
    assert set(PeriodicTask.objects.values_list("last_run_at", flat=True)) == {NOW}


def test_a_job_that_failed_is_sent_again_when_its_backoff_is_over(beat: Beat, clock: Any) -> None:
    delay_s = services.failed(WORKER, OSError("no route"))
    assert beat.ticks() == []
    clock.shift(delay_s + 0.1)
    assert TASK in beat.ticks()
    assert TASK not in beat.ticks(), "sent once; it may wait for a worker"
    clock.shift(services.failed(WORKER, OSError("no route")) + 0.1)
    assert TASK in beat.ticks()
    services.ran_ok(WORKER)
    clock.shift(services.MAX_BACKOFF_S)
    assert TASK not in beat.ticks()


def test_what_staff_switched_off_is_not_sent_again(beat: Beat, clock: Any) -> None:
    PeriodicTask.objects.filter(name=TASK).update(enabled=False)
    again = Beat(beat.app)
    clock.shift(services.failed(WORKER, OSError("no route")) + 0.1)
    assert TASK not in again.ticks()


def test_a_run_beside_another_and_one_that_backs_off_do_nothing(clock: Any) -> None:
    ran: list[int] = []

    def work() -> None:
        ran.append(1)
        run_job(WORKER, lambda: ran.append(2))

    run_job(WORKER, work)
    assert ran == [1]
    delay_s = services.failed(WORKER, OSError("no route"))
    run_job(WORKER, work)
    assert ran == [1]
    clock.shift(delay_s + 0.1)
    run_job(WORKER, work)
    assert ran == [1, 1]
    assert WorkerStatus.objects.get().health == Health.HEALTHY


def test_every_job_but_the_start_of_an_evening_is_tried_again() -> None:
    """Its worker has a health of the same name, and would begin a run whenever it fails."""
    assert {job.task for job in SCHEDULE} - WORKERS.keys() == {"ocr.autobot"}
    assert scheduler.RETRY_EVERY_S < services.BACKOFF_FIRST_S
