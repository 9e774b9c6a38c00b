"""`make run`, started for real: twice in one folder, the second time with a silent old database."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from gateway_arq.tests.gateway import (
    START_TIMEOUT_S,
    Processes,
    RunningGateway,
    StartGateway,
    environment,
)

pytestmark = pytest.mark.xdist_group("starts")

LEGACY_TIMEOUT_S = 4
CLIENTS = 8  # twice the HTTP threads


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


def key_in(folder: Path) -> str:
    return re.search(r"(?m)^API_KEY_1=(.+)$", (folder / ".env").read_text())[1]


@dataclass(frozen=True)
class FirstStart:
    """What a start in an empty folder made, and how it ended on SIGTERM."""

    port: int
    screen: str
    key: str
    statuses: tuple[int, int]  # of a request with this key, and with another one
    children: list[int]
    stopped_in_s: float
    code: int
    children_are_gone: bool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


@pytest.fixture(scope="module")
def env(folder: Path) -> dict[str, str]:
    return environment(folder)


@pytest.fixture(scope="module")
def first_start(folder: Path, env: dict[str, str], start_gateway: StartGateway) -> FirstStart:
    gateway = start_gateway(env)
    key = key_in(folder)
    statuses = gateway.get("/health", key=key)[0], gateway.get("/health", key="sk_wrong")[0]
    screen, children = gateway.output.read_text(), gateway.children()
    return FirstStart(
        gateway.port,
        screen,
        key,
        statuses,
        children,
        stopped_in_s=gateway.stop(),
        code=gateway.process.returncode,
        children_are_gone=all(gone(pid, within_s=1) for pid in children),
    )


@pytest.fixture(scope="module")
def silent() -> Iterator[socket.socket]:
    """Accepts connections, as far as anybody can see, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield listening


@pytest.fixture(scope="module")
def second_start(
    env: dict[str, str],
    first_start: FirstStart,
    silent: socket.socket,
    start_gateway: StartGateway,
) -> RunningGateway:
    legacy = {
        "LEGACY_DATABASE_URL": f"mysql://reader@127.0.0.1:{silent.getsockname()[1]}/legacy",
        "LEGACY_TIMEOUT_S": str(LEGACY_TIMEOUT_S),
        "RATE_LIMIT_PER_MINUTE": "0",
    }
    return start_gateway(env | legacy)


def test_redis_holds_the_events_and_the_tasks_run_here(
    tmp_path: Path, redis_url: str, start_gateway: StartGateway
) -> None:
    gateway = start_gateway(environment(tmp_path, REDIS_URL=redis_url))
    gateway.wait_for_lines(key_in(tmp_path))
    screen = gateway.output.read_text()
    assert "Traceback" not in screen
    with Redis.from_url(redis_url) as redis:
        assert redis.llen("celery") == 0  # nothing waits for a worker that is not there
    assert gateway.stop() < 5


def test_first_start_makes_everything(folder: Path, first_start: FirstStart) -> None:
    assert first_start.statuses == (200, 401)
    assert f"http://localhost:{first_start.port}/dashboard/" in first_start.screen
    assert re.search(r"admin, password \S{16} ", first_start.screen)
    assert first_start.key in first_start.screen
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600


def test_sigterm_ends_everything(first_start: FirstStart) -> None:
    assert first_start.stopped_in_s < 5
    assert first_start.code == 0
    assert first_start.children
    assert first_start.children_are_gone


def test_second_start_keeps_user_and_keys(
    folder: Path, first_start: FirstStart, second_start: RunningGateway
) -> None:
    assert key_in(folder) == first_start.key
    assert second_start.get("/health", key=first_start.key)[0] == 200
    assert "password" not in second_start.output.read_text()


def test_the_data_dir_is_one_gateways_alone(
    folder: Path, env: dict[str, str], second_start: RunningGateway, processes: Processes
) -> None:
    elsewhere = env | {"PORT": environment(folder)["PORT"]}
    third = processes.run(sys.executable, "manage.py", "up", env=elsewhere)
    assert third.returncode == 1
    assert f"Another gateway (process {second_start.process.pid}) runs on" in third.stderr
    assert "Traceback" not in third.stderr


def test_no_other_request_waits_for_a_silent_legacy_database(
    folder: Path, silent: socket.socket, second_start: RunningGateway
) -> None:
    key = key_in(folder)
    statuses: list[int] = []
    stopping = threading.Event()

    def poll() -> None:
        while not stopping.is_set():
            statuses.append(second_start.get("/api/ocr/riscontri2/riscontri", key=key)[0])

    clients = [threading.Thread(target=poll) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    longest, rounds = 0.0, 0
    until = time.monotonic() + LEGACY_TIMEOUT_S
    while time.monotonic() < until and (rounds < 20 or len(statuses) <= 10 * CLIENTS):
        began = time.monotonic()
        assert second_start.get("/readyz")[0] == 200
        assert second_start.get("/health", key=key)[0] == 200
        longest = max(longest, time.monotonic() - began)
        rounds += 1
    stopping.set()
    silent.close()  # clients that still wait get an error
    for client in clients:
        client.join()
    assert longest < LEGACY_TIMEOUT_S / 2
    assert set(statuses) == {503}
    assert len(statuses) > 10 * CLIENTS  # all but two were refused at once


def test_killed_sandbox_is_started_again(second_start: RunningGateway) -> None:
    (sandbox,) = second_start.children()
    os.kill(sandbox, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (again := second_start.children()) in ([], [sandbox]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(again) == 1
    assert again != [sandbox]


def test_killed_gateway_leaves_no_orphan(second_start: RunningGateway) -> None:
    """The last one here: nothing is left for others."""
    (sandbox,) = second_start.children()
    second_start.kill()
    assert gone(sandbox, within_s=START_TIMEOUT_S)
