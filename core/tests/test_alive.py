"""A worker's sign of life, and what the health check of its container makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from core.workers import alive, leases
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership, run_as_leader
from core.workers.services import failed, ran_ok

CHECK = Path(__file__).resolve().parents[2] / "deploy" / "healthcheck.py"


@pytest.fixture
def alive_file(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.ALIVE_FILE = str(tmp_path / "alive")
    monkeypatch.setattr(alive, "_next_touch", 0.0)
    return tmp_path / "alive"


def check(path: Path) -> int:
    environment = {**os.environ, "ALIVE_FILE": str(path)}
    return subprocess.run([sys.executable, CHECK], env=environment, check=False).returncode


def test_a_container_lives_as_long_as_its_file_is_touched(alive_file: Path) -> None:
    assert check(alive_file) == 1
    alive.report_alive()
    assert check(alive_file) == 0
    long_ago = time.time() - 61
    os.utime(alive_file, (long_ago, long_ago))
    assert check(alive_file) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("has_database", [True, False])
def test_who_stands_by_is_alive(
    alive_file: Path, monkeypatch: pytest.MonkeyPatch, has_database: bool
) -> None:
    stopping = threading.Event()

    def take(name: str) -> None:
        stopping.set()
        if not has_database:
            raise OperationalError("no route")

    monkeypatch.setattr(leases, "take", take)
    monkeypatch.setattr("core.workers.database.connection.close", lambda: None)
    run_as_leader(Leadership("job", DatabaseGuard("job")), lambda: None, stopping)
    assert alive_file.exists()


@pytest.mark.django_db
def test_a_leader_whose_loop_hangs_is_not_alive_because_its_lease_is_renewed(
    alive_file: Path,
) -> None:
    leadership = Leadership("job", DatabaseGuard("job"))
    assert leadership.take()
    leadership._renew()
    assert not alive_file.exists()
    leadership.check()
    assert alive_file.exists()


def test_who_backs_off_for_minutes_is_alive(alive_file: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(alive, "TOUCH_EVERY_S", 0.0)
    alive.wait_alive(threading.Event(), 0.01)
    assert alive_file.exists()


def test_a_job_that_reports_is_no_sign_of_its_worker(alive_file: Path, db: None) -> None:
    ran_ok("job")
    failed("job", OSError("no"))
    assert not alive_file.exists()


def test_nothing_is_touched_without_the_setting(settings: Any, tmp_path: Path) -> None:
    settings.ALIVE_FILE = ""
    alive.report_alive()
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_fails_now_and_then_is_one_outage(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a locked table: the lease is renewed, what stores fails."""
    caplog.set_level("INFO")
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    guard = DatabaseGuard("job")

    def fail() -> None:
        raise OperationalError("locked")

    for work in (fail, bool, fail, bool, fail, bool):
        clock[0] += 2
        guard.run(work)
    assert guard.available
    clock[0] += 4
    guard.run(bool)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["job.database.lost error=locked", "job.database.recovered outage_s=10.0"]
