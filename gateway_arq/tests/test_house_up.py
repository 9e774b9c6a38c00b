"""`make run`, started for real."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway_arq.tests.house import ROOT, STARTS_WITHIN_S, environment, running

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("house")]


def gone(pid: int, *, within_s: float) -> bool:
    """True when the process ends in time; a zombie that nobody waits for has ended too."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("house")


@pytest.fixture(scope="module")
def env(folder) -> dict[str, str]:
    return environment(folder)


def key_in(folder: Path) -> str:
    return re.search(r"(?m)^API_KEY_1=(.+)$", (folder / ".env").read_text())[1]


def test_first_start_makes_everything_and_sigterm_ends_everything(folder, env):
    with running(folder, env) as house:
        assert house.get("/health", key=key_in(folder))[0] == 200
        assert house.get("/health", key="sk_live_arq_wrong")[0] == 401
        screen = house.output.read_text()
        children = house.children()
        assert house.stop() < 5
        assert house.process.returncode == 0
    assert f"http://localhost:{house.port}/dashboard/" in screen
    assert re.search(r"admin, password \S{16} ", screen)
    assert key_in(folder) in screen
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert children
    assert all(gone(pid, within_s=1) for pid in children)


def test_second_start_keeps_user_and_keys_and_the_data_dir_is_one_gateways_alone(folder, env):
    key = key_in(folder)
    with running(folder, env) as house:
        assert key_in(folder) == key
        assert "password" not in house.output.read_text()
        second = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env={**env, "PORT": environment(folder)["PORT"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert f"Another gateway (process {house.process.pid}) runs on" in second.stderr
        assert "Traceback" not in second.stderr


def test_killed_sandbox_is_started_again_and_a_killed_gateway_leaves_no_orphan(folder, env):
    with running(folder, env) as house:
        (sandbox,) = house.children()
        os.kill(sandbox, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while (again := house.children()) in ([], [sandbox]) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(again) == 1
        assert again != [sandbox]
        house.process.kill()
        house.process.wait()
        assert gone(again[0], within_s=STARTS_WITHIN_S)
