from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone, translation

from core.workers import leases
from core.workers import services as workers
from core.workers.leader import only_one
from core.workers.models import Health, Lease, WorkerStatus
from core.workers.selectors import WorkerSummary, leaders, statuses, summary

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

NOW = datetime(2025, 11, 15, 12, tzinfo=UTC)
NAME = "webcom.calls"


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


class Refused(Exception):
    retry_after_s = 300.0


def health() -> str:
    return WorkerStatus.objects.get(name=NAME).health


def summed_up() -> WorkerSummary:
    return summary(NAME, WorkerStatus.objects.all())


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 2), (2, 4), (3, 8), (6, 60), (7, 60), (500, 60)]
)
def test_the_wait_doubles_up_to_a_minute_with_jitter(failures: int, longest: float):
    waits = [workers.backoff_s(failures) for _ in range(50)]
    assert all(longest / 2 <= wait <= longest for wait in waits)
    assert len(set(waits)) > 1


def test_the_other_side_may_ask_for_a_longer_wait_up_to_ten_minutes():
    assert workers.backoff_s(1, retry_after_s=30) == 30
    assert workers.backoff_s(1, retry_after_s=86_400) == 600
    assert workers.backoff_s(6, retry_after_s=1) >= 30


def test_health_goes_from_healthy_over_degraded_to_down_and_back(clock: Any):
    seen = []
    for step in [
        workers.ran_ok,
        *[lambda name: workers.failed(name, OSError("x"))] * 3,
        workers.ran_ok,
    ]:
        step(NAME)
        seen.append(health())
    assert seen == [Health.HEALTHY, Health.DEGRADED, Health.DEGRADED, Health.DOWN, Health.HEALTHY]
    status = WorkerStatus.objects.get()
    assert (status.failures, status.last_error, status.retry_at, status.failing_since) == (
        0,
        "",
        None,
        None,
    )


def test_the_fall_and_the_recovery_are_logged_once(clock: Any, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, workers.__name__)
    workers.ran_ok(NAME)
    for _ in range(5):
        workers.failed(NAME, OSError("no route"))
    clock.shift(timedelta(seconds=80))
    workers.failed(NAME, OSError("no route"))
    clock.shift(timedelta(seconds=10))
    for _ in range(3):
        workers.ran_ok(NAME)
    assert [record.getMessage() for record in caplog.records] == [
        "worker.failed name=webcom.calls error=no route",
        "worker.recovered name=webcom.calls outage_s=90",
    ]


def test_the_time_in_which_nobody_tried_is_no_outage(clock: Any, caplog: pytest.LogCaptureFixture):
    """It failed, was stopped for a quarter of an hour, and works as soon as it runs again."""
    caplog.set_level(logging.INFO, workers.__name__)
    workers.failed(NAME, OSError("no route"))
    clock.shift(timedelta(seconds=1017))
    workers.ran_ok(NAME)
    outage_s = float(caplog.records[-1].getMessage().rpartition("=")[2])
    assert 0 < outage_s <= 12


def test_a_failed_job_is_due_again_after_its_wait(clock: Any):
    assert workers.is_due(NAME)
    assert workers.failed(NAME, Refused("slowly")) == 300
    assert not workers.is_due(NAME)
    clock.shift(timedelta(seconds=300))
    assert workers.is_due(NAME)


def test_a_wait_that_is_longer_than_any_is_over(clock: Any):
    """The clock was an hour ahead when the job failed, and is right again."""
    workers.failed(NAME, Refused("slowly"))
    clock.shift(timedelta(hours=-1))
    assert workers.is_due(NAME)


def test_a_good_run_in_the_future_is_no_sign_of_life(clock: Any):
    workers.ran_ok(NAME)
    clock.shift(timedelta(hours=-1))
    assert summed_up().status == Health.DOWN
    workers.ran_ok(NAME)
    assert summed_up().status == Health.HEALTHY


def test_a_disabled_job_starts_afresh():
    workers.failed(NAME, OSError("x"))
    workers.disabled(NAME)
    status = WorkerStatus.objects.get()
    assert (status.health, status.failures, status.last_error) == (Health.DISABLED, 0, "")
    assert workers.is_due(NAME)


def test_watched_swallows_the_named_errors_and_raises_the_others():
    with workers.watched(NAME, OSError):
        raise OSError("expected")
    assert (health(), WorkerStatus.objects.get().last_error) == (Health.DEGRADED, "expected")
    with pytest.raises(ZeroDivisionError), workers.watched(NAME, OSError):
        raise ZeroDivisionError("ours")
    assert WorkerStatus.objects.get().last_error == "ours"
    with workers.watched(NAME):
        assert WorkerStatus.objects.get(name=NAME).last_ok_at is None
    assert WorkerStatus.objects.get(name=NAME).last_ok_at


def test_a_long_error_fits():
    workers.failed(NAME, OSError("x" * 1_000))
    assert len(WorkerStatus.objects.get().last_error) == 300


def test_an_app_that_never_ran_is_disabled():
    workers.ran_ok("webtv.viewers")
    assert summed_up() == WorkerSummary(Health.DISABLED, None, "")


def test_the_main_job_decides_and_a_failing_side_job_degrades(clock: Any):
    workers.ran_ok(NAME)
    workers.disabled("webcom.push")
    workers.failed("webtv.viewers", OSError("another app"))
    assert summed_up() == WorkerSummary(Health.HEALTHY, NOW, "")
    workers.failed("webcom.lines", OSError("timeout"))
    assert summed_up() == WorkerSummary(Health.DEGRADED, NOW, "webcom.lines: timeout")
    workers.failed(NAME, OSError("refused"))
    assert summed_up() == WorkerSummary(Health.DEGRADED, NOW, "refused")


def test_a_main_job_that_falls_silent_is_down(clock: Any):
    workers.ran_ok(NAME)
    clock.shift(timedelta(seconds=119))
    assert summed_up().status == Health.HEALTHY
    clock.shift(timedelta(seconds=2))
    assert summed_up() == WorkerSummary(Health.DOWN, NOW, "no sign of life")


def lapsed(name: str, seconds: float) -> None:
    """The lease of that listener ended so long ago; nobody has taken it."""
    leases.take(name)
    Lease.objects.filter(name=name).update(
        renewed_at=Now() - timedelta(seconds=seconds + leases.LEASE_S),
        expires_at=Now() - timedelta(seconds=seconds),
    )


def test_a_listener_that_nobody_leads_is_down_within_seconds():
    for name in ("webcom.push", "webtv.viewers.one", "webtv.viewers.two", "webtv.prune"):
        workers.ran_ok(name)
    workers.disabled("webtv.viewers.two")
    lapsed("webcom.push", seconds=3)
    lapsed("webtv.viewers", seconds=5)
    health = {job.name: job.health for job in statuses()}
    assert health == {
        "webcom.push": Health.HEALTHY,  # somebody is about to take over
        "webtv.viewers.one": Health.DOWN,
        "webtv.viewers.two": Health.DISABLED,
        "webtv.prune": Health.HEALTHY,
    }
    assert summary("webtv.viewers", statuses()).status == Health.DOWN
    leases.take("webtv.viewers")
    assert {job.health for job in statuses()} == {Health.HEALTHY, Health.DISABLED}


def test_who_leads_and_how_long_ago_it_worked():
    lapsed("webcom.push", seconds=54)
    leases.take("webtv.viewers")
    with only_one("webcom.lines"):
        found = leaders()
    assert found.keys() == {"webcom.push", "webtv.viewers"}
    assert (found["webcom.push"].leads, found["webtv.viewers"].leads) == (False, True)
    assert 59 < found["webcom.push"].age_s < 90
    assert found["webtv.viewers"].age_s < 30
    assert found["webtv.viewers"].holder == leases.holder()


def test_staff_see_who_leads(admin_client: Client):
    for name in ("webcom.calls", "webcom.push", "webtv.viewers.one"):
        workers.ran_ok(name)
    lapsed("webcom.push", seconds=24)
    token = leases.take("webtv.viewers")
    page = admin_client.get("/admin/workers/workerstatus/").content.decode()
    holder = leases.holder().rpartition(":")[0]
    assert len(re.findall(rf"{re.escape(holder)}, 3\d s", page)) == 1
    with translation.override("it"):
        assert str(Health.DOWN.label) in page
    leases.release("webtv.viewers", token)
    assert admin_client.get("/admin/workers/workerstatus/").content.decode().count(holder) == 1


def test_staff_see_the_workers_and_change_nothing(admin_client: Client):
    workers.failed(NAME, OSError("no route"))
    page = admin_client.get("/admin/workers/workerstatus/")
    assert "no route" in page.content.decode()
    assert admin_client.get("/admin/workers/workerstatus/add/").status_code == 403
    assert (
        admin_client.post(
            f"/admin/workers/workerstatus/{NAME}/change/", {"health": "healthy"}
        ).status_code
        == 403
    )
    assert timezone.now() > WorkerStatus.objects.get().last_run_at


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"a": Health.HEALTHY}, Health.HEALTHY),
        ({"a": Health.HEALTHY, "b": Health.DOWN}, Health.DEGRADED),
        ({"a": Health.DOWN, "b": Health.DEGRADED}, Health.DOWN),
        ({"a": Health.DISABLED, "b": Health.HEALTHY}, Health.HEALTHY),
    ],
)
def test_a_main_job_in_parts_is_as_its_parts_are(
    db: None, parts: dict[str, Health], status: Health
) -> None:
    for name, health in parts.items():
        now = timezone.now()
        WorkerStatus.objects.create(name=f"pbx.main.{name}", health=health, last_run_at=now)
    assert summary("pbx.main", WorkerStatus.objects.all()).status == status


def test_jobs_that_are_no_more_are_forgotten(db: None) -> None:
    for name in ("pbx.main.a", "pbx.main.b", "pbx.other"):
        workers.ran_ok(name)
    workers.retire("pbx.main.", keep={"pbx.main.a"})
    left = set(WorkerStatus.objects.values_list("name", flat=True))
    assert left == {"pbx.main.a", "pbx.other"}
