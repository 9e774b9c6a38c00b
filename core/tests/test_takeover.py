"""Real processes on a real PostgreSQL: one leads, whatever happens to it the other takes over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from django.conf import settings
from django.db import connection

from core.tests.tcp import Proxy
from core.workers import leases
from core.workers.models import Lease, WorkerStatus

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgres_url")]

ROOT: Final = Path(__file__).resolve().parents[2]
NAME: Final = "takeover"
PROMISE_S: Final = 10.0
START_S: Final = 30.0  # on a busy machine


class Line(NamedTuple):
    """One line of the journal."""

    at: float  # monotonic
    pid: int
    token: str
    what: str


@dataclass
class Replicas:
    """Processes that lead or stand by, and what they did."""

    journal: Path
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *options: str, database: str = "") -> int:
        """One more; its id, once it is ready."""
        command = [sys.executable, "-m", "core.tests.leading_process", NAME, str(self.journal)]
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "gateway_arq.settings", "DOTENV": "",
               "DATABASE_URL": database or database_url(), "REDIS_URL": settings.REDIS_URL,
               "DATA_DIR": str(self.journal.parent)}  # fmt: skip
        process = subprocess.Popen([*command, *options], cwd=ROOT, env=env)
        self.processes[process.pid] = process
        wait_for(lambda: self.lines(process.pid, "ready"), within_s=START_S)
        return process.pid

    def two(self, *options: str, database: str = "") -> tuple[int, int]:
        """One that leads, which reaches its database at `database`, and one that stands by."""
        first = self.start(*options, database=database)
        wait_for(lambda: self.lines(first, "wrote"))
        return first, self.start(*options)

    def send(self, pid: int, number: signal.Signals) -> float:
        """Send a signal; returns when."""
        at = time.monotonic()
        self.processes[pid].send_signal(number)
        return at

    def lines(self, pid: int, what: str, *, since: float = 0.0) -> list[Line]:
        found = []
        for row in self.journal.read_text().splitlines() if self.journal.exists() else []:
            at, by, token, done = row.split()
            if (int(by), done) == (pid, what) and float(at) >= since:
                found.append(Line(float(at), int(by), token, done))
        return found

    def took_over_s(self, pid: int, since: float) -> float:
        """Seconds until it wrote."""
        wait_for(lambda: self.lines(pid, "wrote"), within_s=PROMISE_S)
        return self.lines(pid, "wrote")[0].at - since

    def overlap_s(self, first: int, second: int) -> float:
        """How long the first went on after the second had begun."""
        begun = self.lines(second, "active")[0].at
        return max(
            (line.at - begun for line in self.lines(first, "active", since=begun)), default=0
        )

    def end(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(20)


def database_url() -> str:
    """Of the test's own database."""
    name = str(connection.settings_dict["NAME"])
    return f"{settings.DATABASE_URL.rpartition('/')[0]}/{name}"


def wait_for(is_so: Callable[[], Any], *, within_s: float = PROMISE_S) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, f"not within {within_s} s"
        time.sleep(0.02)


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Replicas]:
    replicas = Replicas(tmp_path / "journal")
    try:
        yield replicas
    finally:
        replicas.end()


def written_by() -> int:
    """The token of whoever wrote last."""
    return WorkerStatus.objects.get(name=NAME).failures


def test_a_clean_stop_frees_the_lease_within_a_second(replicas: Replicas) -> None:
    first, second = replicas.two()
    stopped_at = replicas.send(first, signal.SIGTERM)
    assert replicas.took_over_s(second, stopped_at) < 1.5
    assert replicas.overlap_s(first, second) == 0


def test_a_killed_leader_is_replaced(replicas: Replicas, record_property: Any) -> None:
    first, second = replicas.two()
    killed_at = replicas.send(first, signal.SIGKILL)
    took_s = replicas.took_over_s(second, killed_at)
    record_property("took_over_s", took_s)
    assert leases.LEASE_S - 2 < took_s < PROMISE_S


@pytest.mark.parametrize(
    "options",
    [
        ("slow",),
        pytest.param((), marks=pytest.mark.exhaustive),
        pytest.param(("outlives",), marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_a_frozen_leader_is_replaced_and_writes_nothing_when_it_wakes(
    replicas: Replicas, options: tuple[str, ...]
) -> None:
    """With `slow` it is frozen in the middle of a transaction, whose locks the other one needs."""
    first, second = replicas.two(*options)
    if options == ("slow",):
        known = len(replicas.lines(first, "writing"))
        wait_for(lambda: len(replicas.lines(first, "writing")) > known)
    frozen_at = replicas.send(first, signal.SIGSTOP)
    assert replicas.took_over_s(second, frozen_at) < PROMISE_S
    token = written_by()
    woken_at = replicas.send(first, signal.SIGCONT)
    time.sleep(2.5)
    assert replicas.lines(first, "wrote", since=woken_at) == []
    assert len(replicas.lines(first, "active", since=woken_at)) <= 1  # what had been begun
    assert written_by() == token == Lease.objects.get(name=NAME).token
    stopped_at = replicas.send(second, signal.SIGTERM)  # and it stands by, as well as anybody
    wait_for(lambda: replicas.lines(first, "wrote", since=stopped_at), within_s=3)


def test_a_leader_whose_connections_end_goes_on_alone(replicas: Replicas) -> None:
    first, second = replicas.two()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert len(cursor.fetchall()) >= 2
    ended_at = time.monotonic()
    wait_for(
        lambda: (
            replicas.lines(first, "wrote", since=ended_at)
            or replicas.lines(second, "wrote", since=ended_at)
        )
    )
    time.sleep(1.5)
    active = [pid for pid in (first, second) if replicas.lines(pid, "active", since=ended_at)]
    assert active == [first]


@pytest.mark.parametrize(
    "options",
    [("outlives", "quiet"), pytest.param((), marks=pytest.mark.exhaustive)],
    ids=["outlives", "ends"],
)
def test_a_leader_that_is_cut_off_is_replaced_and_stops(
    replicas: Replicas, options: tuple[str, ...]
) -> None:
    """Its packets vanish, so no connection ends. What outlives its database hears of the other."""
    with Proxy.before(database_url()) as proxy:
        first, second = replicas.two(*options, database=proxy.url)
        proxy.freeze()
        cut_at = time.monotonic()
        assert replicas.took_over_s(second, cut_at) < PROMISE_S
        time.sleep(2)
        assert replicas.overlap_s(first, second) < (1.5 if options else 0.2)
        token = written_by()
        proxy.thaw()
        thawed_at = time.monotonic()
        time.sleep(1.5)
        assert replicas.lines(first, "wrote", since=thawed_at) == []
        assert replicas.lines(first, "active", since=thawed_at) == []
        assert written_by() == token
