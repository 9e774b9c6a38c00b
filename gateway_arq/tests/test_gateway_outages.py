"""A web server whose PostgreSQL is locked, frozen, cut off, restarted or gone, under requests."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import requests

from core.tests.postgres_server import PostgresServer, wait_until
from core.tests.tcp import free_port
from gateway_arq.tests.gateway import (
    API_KEY,
    WEBHOOK_SECRET,
    Processes,
    deliver,
    environment,
)
from webcom.tests.factories import call_payload

THREADS = 4
TIMEOUT_S = 3
GRANIAN = ("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--workers", "1",
           "--blocking-threads", str(THREADS), "gateway_arq.wsgi:application")  # fmt: skip
SERVERS = {"granian": GRANIAN, "run_web": ("manage.py", "run_web")}


@dataclass(frozen=True)
class Answer:
    status: int
    took_s: float
    retry_after: str | None
    body: dict[str, object]


@dataclass
class Site:
    """One web server of four threads, and requests to it."""

    port: int

    def get(self, path: str, *, timeout: float = 30) -> Answer:
        headers = {"X-API-Key": API_KEY}
        return self._answer(
            lambda: requests.get(self._url + path, timeout=timeout, headers=headers)
        )

    def deliver(self, call: dict[str, object]) -> Answer:
        """The carrier's webhook reports a call."""
        return self._answer(lambda: deliver(self._url, secrets.token_hex(8), timeout_s=30, **call))

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _answer(self, ask: Callable[[], requests.Response]) -> Answer:
        began = time.monotonic()
        response = ask()
        took_s = time.monotonic() - began
        wait = response.headers.get("Retry-After")
        return Answer(response.status_code, took_s, wait, response.json())


@pytest.fixture(scope="module")
def migrated(
    postgres_server: PostgresServer,
    processes: Processes,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """The environment of a gateway on the private server, whose database has its tables."""
    postgres_server.execute("CREATE DATABASE gateway")
    env = environment(
        tmp_path_factory.mktemp("outages"),
        DATABASE_URL=postgres_server.url_at(postgres_server.port, "gateway"),
        DATABASE_TIMEOUT_S=str(TIMEOUT_S),
        HTTP_THREADS=str(THREADS),
        API_KEY_1=API_KEY,
        RATE_LIMIT_PER_MINUTE="0",
        WEBCOM_WEBHOOK_SECRET=WEBHOOK_SECRET,
    )
    command = (sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks")
    ended = processes.run(*command, env=env)
    assert ended.returncode == 0, ended.stderr
    return env


@pytest.fixture(scope="module", params=SERVERS)
def site(
    request: pytest.FixtureRequest, migrated: dict[str, str], processes: Processes
) -> Iterator[Site]:
    with serving(request.param, migrated, processes) as site:
        yield site


@contextmanager
def serving(server: str, env: dict[str, str], processes: Processes) -> Iterator[Site]:
    """A web server with that environment, which must log no traceback."""
    env = env | {"GRANIAN_PORT": env["PORT"]}
    output = Path(env["DOTENV"]).with_name(f"{server}-{env['PORT']}.log")
    with (
        output.open("w") as file,
        processes.running(
            sys.executable, *SERVERS[server], env=env, stdout=file, stderr=file,
            start_new_session=True,
        ) as process,
        ended_with_its_children(process),
    ):  # fmt: skip
        site = Site(int(env["PORT"]))

        def is_up() -> bool:
            try:
                return site.get("/livez").status == 200
            except requests.ConnectionError:
                return False

        wait_until(is_up, within_s=30)
        yield site
        log = output.read_text()
    assert "Traceback" not in log, log


@contextmanager
def ended_with_its_children(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def server(postgres_server: PostgresServer, site: Site) -> Iterator[PostgresServer]:
    """Each thread of the site has a connection to it."""
    together(site, 4 * THREADS)
    yield postgres_server
    wait_until(lambda: site.get("/readyz").status == 200)


def together(site: Site, count: int) -> list[Answer]:
    """The answers to as many requests for calls at once, none of them cached."""
    with ThreadPoolExecutor(count) as pool:
        return [*pool.map(site.get, uncached(count))]


def uncached(count: int) -> list[str]:
    """So many requests for calls."""
    return [f"/api/webcom/calls?line={secrets.token_hex(4)}" for _ in range(count)]


@contextmanager
def locked(server: PostgresServer) -> Iterator[None]:
    url = server.url_at(server.port, "gateway")
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE webcom_call")
        yield


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


def blackholed(server: PostgresServer) -> AbstractContextManager[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can drop packets")
    return server.blackholed()


Fault = Callable[[PostgresServer], AbstractContextManager[None]]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(locked, marks=pytest.mark.exhaustive),
        frozen,
        pytest.param(blackholed, marks=pytest.mark.exhaustive),
    ],
)
def test_what_needs_no_database_is_answered_while_it_hangs(
    site: Site, server: PostgresServer, fault: Fault
) -> None:
    with fault(server), ThreadPoolExecutor(3 * THREADS) as pool:
        waiting = [pool.submit(site.get, path) for path in uncached(3 * THREADS)]
        time.sleep(0.1)
        first = site.get("/livez")
        time.sleep(1.2)
        probes = [site.get(path) for path in ("/livez", "/version") * 5]
        answers = [future.result() for future in waiting]
    assert first.status == 200
    assert first.took_s < 1.5
    assert {probe.status for probe in probes} == {200}
    # A key is read again once a second, for 2 s at most, by one request.
    assert sorted(probe.took_s for probe in probes)[-2] < 0.5
    assert {(answer.status, answer.retry_after) for answer in answers} == {(503, "5")}
    assert all(str(answer.body["detail"]).startswith("The database") for answer in answers)
    assert max(answer.took_s for answer in answers) < TIMEOUT_S + 7
    wait_until(lambda: site.get(uncached(1)[0]).status == 200)
    assert {answer.status for answer in together(site, 4 * THREADS)} == {200}


def test_ended_connections_cost_nobody_an_error(site: Site, server: PostgresServer) -> None:
    for _ in range(5):
        assert server.terminate_clients() >= THREADS
        assert {answer.status for answer in together(site, 4 * THREADS)} == {200}


def test_absence_is_503_and_nothing_is_lost_after_it(site: Site, server: PostgresServer) -> None:
    call = call_payload()
    server.stop()
    try:
        reads = together(site, 4 * THREADS)
        write = site.deliver(call)
        assert site.get("/livez").status == 200
        assert site.get("/readyz").status == 503
    finally:
        server.start()
    assert {(answer.status, answer.retry_after) for answer in reads} == {(503, "5")}
    assert (write.status, write.retry_after) == (503, "5")
    assert {answer.status for answer in together(site, 4 * THREADS)} == {200}
    again = site.deliver(call)
    assert (again.status, again.body["created"]) == (200, 1)


def test_a_write_that_waits_for_a_lock_is_stored_whole_or_not_at_all(
    site: Site, server: PostgresServer
) -> None:
    call = call_payload()
    with locked(server):
        answer = site.deliver(call)
    assert (answer.status, answer.retry_after) == (503, "5")
    again = site.deliver(call)
    assert (again.status, again.body["created"]) == (200, 1)
    assert site.deliver(call).body["created"] == 0


def test_programs_read_from_the_replica_while_it_is_there(
    migrated: dict[str, str], processes: Processes, postgres_server: PostgresServer
) -> None:
    with postgres_server.replica() as copy:
        env = migrated | {
            "PORT": str(free_port()),
            "DATABASE_REPLICA_URL": copy.url_at(copy.port, "gateway"),
        }

        def is_read() -> bool:
            together(reader, THREADS)
            query = "SELECT 1 FROM pg_stat_activity WHERE query ~ 'FROM webcom_call' AND pid <> "
            return bool(copy.execute(query + "pg_backend_pid()"))

        with serving("run_web", env, processes) as reader:
            wait_until(is_read)
            copy.stop("immediate")
            assert {answer.status for answer in together(reader, 4 * THREADS)} == {200}
            copy.start()
            wait_until(is_read)
