"""The worker: a database that is lost, a bug of ours, a lease that is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from core.workers import leader, leases
from core.workers.leader import Leadership
from core.workers.models import Lease, WorkerStatus
from ocr.autobot import capture, evidence, services, worker
from ocr.models import AutobotRun, Evidence
from ocr.tests.evenings import STREAM, again, begun
from ocr.types import RunState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OCR_STREAM_URL = STREAM
    monkeypatch.setattr(worker, "POLL_EVERY_S", 0.05)
    monkeypatch.setattr(worker, "ASK_EVERY_S", 0.05)
    monkeypatch.setattr(leader, "RENEW_EVERY_S", 0.05)
    monkeypatch.setattr(leader, "STAND_BY_S", 0.05)
    monkeypatch.setattr(worker, "NOTICE_EVERY_S", 0.02)


def work_until(done: Callable[[], bool]) -> None:
    """Let a worker work, in its thread as always."""
    stopping = threading.Event()
    thread = threading.Thread(target=worker.run_autobot, args=(stopping,))
    thread.start()
    until = time.monotonic() + 30
    try:
        while not done():
            assert time.monotonic() < until, AutobotRun.objects.values()
            time.sleep(0.05)
    finally:
        stopping.set()
        thread.join(10)
    assert not thread.is_alive()


def broken_once(error: Exception, calls: list[int]) -> Callable[..., None]:
    def watch(*_: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise error

    return watch


@pytest.mark.parametrize("error", [OperationalError("away"), RuntimeError("ours")])
def test_run_continues_after_a_failure(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    calls: list[int] = []
    monkeypatch.setattr(capture, "watch", broken_once(error, calls))
    run = begun()
    work_until(lambda: again(run).is_over)
    assert len(calls) == 2
    assert again(run).state == RunState.ERROR  # nothing was read


def test_bug_of_ours_is_seen_in_the_workers_health(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(capture, "watch", broken)
    begun()
    work_until(lambda: WorkerStatus.objects.filter(name="ocr.autobot", failures__gt=0).exists())
    assert WorkerStatus.objects.get(name="ocr.autobot").last_error == "ours"


@pytest.mark.parametrize("lost", ["stopped", "claimed by another"])
def test_worker_that_loses_the_run_stops(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    halted = threading.Event()

    def watch(run: AutobotRun, _: Leadership, halt: threading.Event, *rest: Any) -> None:
        assert halt.wait(20)
        halted.set()

    monkeypatch.setattr(capture, "watch", watch)
    run = begun()

    def is_halted() -> bool:
        if again(run).message == "Watching the stream." and not halted.is_set():
            if lost == "stopped":
                services.stop(by="the test")
            else:
                Lease.objects.filter(name=worker.NAME).update(
                    holder=leases.holder(),
                    token=F("token") + 1,
                    expires_at=Now() + timedelta(seconds=leases.LEASE_S),
                )
        return halted.is_set()

    work_until(is_halted)
    assert again(run).state == (RunState.IDLE if lost == "stopped" else RunState.CAPTURING)


def test_worker_that_is_stopped_frees_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "watch", lambda run, leadership, halt, *_: halt.wait(20))
    run = begun()
    work_until(lambda: again(run).message == "Watching the stream.")
    assert not again(run).is_over
    assert Lease.objects.get(name=worker.NAME).holder == ""


def test_old_pictures_are_deleted_and_runs_stay(settings: Any) -> None:
    settings.OCR_EVIDENCE_DAYS = 90
    run = begun()
    for wheel, days in (("BA", 89), ("CA", 91)):
        at = timezone.now() - timedelta(days=days)
        Evidence.objects.create(run=run, wheel=wheel, at=at, jpeg=b"x")
    assert evidence.prune() == 1
    assert [each.wheel for each in Evidence.objects.all()] == ["BA"]
    settings.OCR_EVIDENCE_DAYS = 0
    assert evidence.prune() == 0
