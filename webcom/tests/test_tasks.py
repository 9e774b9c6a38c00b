from __future__ import annotations

import threading
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from core.lib.upstream import UpstreamError
from core.workers.leader import only_one
from core.workers.models import Health, WorkerStatus
from webcom import rollups, tasks
from webcom.management.commands import run_webcom
from webcom.models import Call, CallRollup, DirtyBucket
from webcom.tests.factories import call_payload, ended, line_payload, stored
from webcom.tests.fakes import FakeWebcomTlc
from webcom.workers.push_listener import run_push_listener

pytestmark = pytest.mark.django_db

PULLS = [tasks.pull_calls, tasks.pull_lines, tasks.pull_rebates]


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> FakeWebcomTlc:
    carrier = FakeWebcomTlc(active=[call_payload()], all_lines=[line_payload()])
    monkeypatch.setattr(tasks, "build_webcom_tlc", lambda: carrier)
    return carrier


@pytest.mark.parametrize("task", PULLS, ids=lambda task: task.name)
def test_without_a_carrier_a_pull_is_disabled(task: Any, settings: Any):
    assert not settings.WEBCOM_URL
    task()
    status = WorkerStatus.objects.get(name=task.name.replace("pull_", ""))
    assert (status.health, status.last_run_at) == (Health.DISABLED, None)


@pytest.mark.parametrize("run", [*PULLS, partial(run_push_listener, threading.Event())])
def test_an_invalid_address_is_shown_as_a_failing_worker(run: Any, settings: Any):
    settings.WEBCOM_URL, settings.WEBCOM_PUSH_URL = "carrier.example", "ws://127.0.0.1:1/"
    run()
    status = WorkerStatus.objects.get()
    assert status.health == Health.DEGRADED
    assert status.last_error


@pytest.mark.parametrize("task", PULLS, ids=lambda task: task.name)
def test_a_pull_that_runs_is_healthy(task: Any, carrier: FakeWebcomTlc):
    task()
    assert WorkerStatus.objects.get().health == Health.HEALTHY
    assert carrier.requests


@pytest.mark.parametrize("task", PULLS, ids=lambda task: task.name)
def test_a_failing_carrier_is_recorded_without_a_crash(task: Any, carrier: FakeWebcomTlc):
    carrier.errors = [UpstreamError("webcom HTTP 503")]
    task()
    status = WorkerStatus.objects.get()
    assert (status.health, status.failures, status.last_error) == (
        Health.DEGRADED,
        1,
        "webcom HTTP 503",
    )


def test_a_bug_is_recorded_and_raised(carrier: FakeWebcomTlc, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(carrier, "active_calls", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.pull_calls()
    assert WorkerStatus.objects.get().last_error == "division by zero"


@pytest.mark.django_db(transaction=True)
def test_a_pull_that_still_runs_is_not_run_twice(carrier: FakeWebcomTlc):
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with only_one("webcom.calls"):
            held.set()
            release.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        tasks.pull_calls()
        assert carrier.requests == []
    finally:
        release.set()
        holder.join(10)
    tasks.pull_calls()
    assert "active" in carrier.requests


def test_recount_leaves_nothing_dirty(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollups, "_CHUNK_SIZE", 1)
    for hour in range(3):
        stored(ended(timestamp=1_763_204_400 + hour * 3_600))
    tasks.recount()
    assert not DirtyBucket.objects.exists()
    assert CallRollup.objects.filter(span_s=300).count() == 3
    assert WorkerStatus.objects.get(name="webcom.recount").health == Health.HEALTHY


def test_prune_records_its_run(settings: Any):
    settings.CALL_RETENTION_DAYS = 1
    stored(ended())
    tasks.prune()
    assert not Call.objects.exists()
    assert WorkerStatus.objects.get(name="webcom.prune").health == Health.HEALTHY


def test_the_listener_s_command_pulls_first_and_then_listens(monkeypatch: pytest.MonkeyPatch):
    steps: list[str] = []
    monkeypatch.setattr(run_webcom, "run_until_stopped", lambda listen: listen(threading.Event()))
    monkeypatch.setattr(run_webcom, "pull_on_start", lambda: steps.append("pulled"))
    monkeypatch.setattr(run_webcom, "run_push_listener", lambda _: steps.append("listened"))
    call_command("run_webcom")
    assert steps == ["pulled", "listened"]


def test_a_start_pulls_everything_at_once(monkeypatch: pytest.MonkeyPatch):
    started: list[str] = []
    for name in ("pull_lines", "pull_rebates", "pull_calls"):
        monkeypatch.setattr(tasks, name, SimpleNamespace(delay=partial(started.append, name)))
    tasks.pull_on_start()
    assert started == ["pull_lines", "pull_rebates", "pull_calls"]
