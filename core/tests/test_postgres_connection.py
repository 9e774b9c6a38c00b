"""Our backend and a server that is locked, frozen, cut off or restarted."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.utils import load_backend
from psycopg import errors

from core.lib.postgres.connection import ServerSilent
from core.lib.postgres.limits import Role, TooManyWaiting, pool_role, within
from core.tests.postgres_server import PostgresServer, wait_until
from gateway_arq.databases import postgres

TIMEOUTS_S: dict[str, float] = {Role.WEB: 1, Role.LISTENER: 1, Role.TASK: 9, Role.COMMAND: 0}
Open = Callable[[], Any]


@pytest.fixture
def connect(postgres_server: PostgresServer, django_db_blocker: Any) -> Iterator[Open]:
    """Opens connections of our backend to the private server."""
    entry = postgres(postgres_server.url, TIMEOUTS_S)
    settings = connections.configure_settings({"default": entry})["default"]
    made = []

    def open_() -> Any:
        wrapper = load_backend(entry["ENGINE"]).DatabaseWrapper(settings, "private")
        wrapper.inc_thread_sharing()  # closed below by another thread
        made.append(wrapper)
        return wrapper

    with django_db_blocker.unblock():
        yield open_
        postgres_server.thaw()
        for wrapper in made:
            wrapper.close()


@pytest.fixture
def web() -> Iterator[ThreadPoolExecutor]:
    """Three threads that answer requests."""
    with ThreadPoolExecutor(3, initializer=pool_role(Role.WEB, threads=3)) as pool:
        yield pool


def fetch(wrapper: Any, query: str = "SELECT 1") -> Any:
    with wrapper.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def failure(wrapper: Any, query: str = "SELECT 1") -> tuple[type, float]:
    """The driver's error that a query ends with, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises(OperationalError) as caught:
        fetch(wrapper, query)
    return type(caught.value.__cause__), time.monotonic() - began


def shown(wrapper: Any) -> list[str]:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    return [fetch(wrapper, f"SHOW {name}") for name in names]


def test_a_connection_has_the_limits_of_its_thread(connect: Open, web: ThreadPoolExecutor) -> None:
    assert web.submit(shown, connect()).result() == ["1s", "333ms", "3s"]
    assert shown(connect()) == ["0", "30s", "0"]


def test_what_the_url_says_of_a_limit_counts(connect: Open, web: ThreadPoolExecutor) -> None:
    wrapper = connect()
    options = {"options": "-c statement_timeout=5s"}
    wrapper.settings_dict = wrapper.settings_dict | {"OPTIONS": options}
    assert web.submit(shown, wrapper).result()[0] == "5s"


def test_a_locked_table_is_waited_for_briefly(
    connect: Open, web: ThreadPoolExecutor, postgres_server: PostgresServer
) -> None:
    postgres_server.execute("CREATE TABLE IF NOT EXISTS locked (n int)")
    wrapper = connect()
    with postgres_server.locked("locked"):
        error, took_s = web.submit(failure, wrapper, "SELECT count(*) FROM locked").result()
    assert error is errors.LockNotAvailable
    assert took_s < 2
    assert web.submit(fetch, wrapper).result() == 1  # over the same connection


def test_a_slow_statement_is_ended(connect: Open, web: ThreadPoolExecutor) -> None:
    error, took_s = web.submit(failure, connect(), "SELECT pg_sleep(20)").result()
    assert error is errors.QueryCanceled
    assert took_s < 3


def _frozen(server: PostgresServer) -> AbstractContextManager[None]:
    class Frozen(AbstractContextManager[None]):
        def __enter__(self) -> None:
            server.freeze()

        def __exit__(self, *_: object) -> None:
            server.thaw()

    return Frozen()


def _blackholed(server: PostgresServer) -> AbstractContextManager[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can drop packets")
    return server.blackholed()


@pytest.mark.parametrize(
    "fault", [pytest.param(_frozen, marks=pytest.mark.exhaustive), _blackholed]
)
def test_a_silent_server_is_waited_for_by_our_own_clock(
    fault: Callable[[PostgresServer], AbstractContextManager[None]],
    connect: Open,
    web: ThreadPoolExecutor,
    postgres_server: PostgresServer,
) -> None:
    wrapper = connect()
    assert web.submit(fetch, wrapper).result() == 1
    with fault(postgres_server):
        error, took_s = web.submit(failure, wrapper).result()
    assert error is ServerSilent
    assert took_s < 5
    web.submit(wrapper.close_if_unusable_or_obsolete).result()
    assert web.submit(fetch, wrapper).result() == 1  # over a new one


def test_a_server_that_accepts_and_says_nothing_is_left(
    connect: Open, web: ThreadPoolExecutor, postgres_server: PostgresServer
) -> None:
    postgres_server.freeze()
    error, took_s = web.submit(failure, connect()).result()
    assert error is errors.ConnectionTimeout
    assert took_s < 5


def test_a_block_may_have_less_time(connect: Open, postgres_server: PostgresServer) -> None:
    wrapper = connect()
    assert fetch(wrapper) == 1
    with within(0.2):
        error, took_s = failure(wrapper, "SELECT pg_sleep(20)")
    assert error is ServerSilent
    assert took_s < 2


def test_one_thread_is_kept_out_of_long_waits(
    connect: Open, web: ThreadPoolExecutor, postgres_server: PostgresServer
) -> None:
    wrappers = [connect() for _ in range(3)]
    together = threading.Barrier(3)
    assert list(web.map(lambda wrapper: (together.wait(5), fetch(wrapper))[1], wrappers)) == [1] * 3

    def wait(number: int) -> tuple[type, float]:
        together.wait(5)
        return failure(wrappers[number])

    postgres_server.freeze()
    ends = sorted(web.map(wait, range(3)), key=lambda end: end[1])
    assert [error for error, _ in ends] == [TooManyWaiting, ServerSilent, ServerSilent]
    assert ends[0][1] < 1.5 < ends[1][1]


def test_who_comes_while_the_others_are_stuck_is_refused_at_once(
    connect: Open, web: ThreadPoolExecutor, postgres_server: PostgresServer
) -> None:
    wrappers = [connect() for _ in range(3)]
    together = threading.Barrier(3)
    list(web.map(lambda wrapper: (together.wait(5), fetch(wrapper)), wrappers))
    postgres_server.freeze()
    stuck = [web.submit(failure, wrapper) for wrapper in wrappers[:2]]
    time.sleep(0.7)
    error, took_s = web.submit(failure, wrappers[2]).result()
    assert error is TooManyWaiting
    assert took_s < 0.5
    assert [future.result()[0] for future in stuck] == [ServerSilent] * 2


def test_an_ended_connection_is_replaced_without_a_failure(
    connect: Open, postgres_server: PostgresServer
) -> None:
    wrapper = connect()
    assert fetch(wrapper) == 1
    assert postgres_server.terminate_clients() >= 1
    wait_until(lambda: not wrapper.is_usable())
    wrapper.close_if_unusable_or_obsolete()  # as before each request
    assert fetch(wrapper) == 1


def test_a_restart_is_noticed_without_a_query(
    connect: Open, postgres_server: PostgresServer
) -> None:
    wrapper = connect()
    backend = fetch(wrapper, "SELECT pg_backend_pid()")
    wrapper.close_if_unusable_or_obsolete()
    assert fetch(wrapper, "SELECT pg_backend_pid()") == backend
    postgres_server.stop()
    assert not wrapper.is_usable()
    postgres_server.start()
    wrapper.close_if_unusable_or_obsolete()
    assert fetch(wrapper) == 1


def test_a_value_is_asked_without_a_cursor_and_fails_in_djangos_words(
    connect: Open, postgres_server: PostgresServer
) -> None:
    wrapper = connect()
    assert wrapper.ask("SELECT 41 + 1") == b"42"
    assert wrapper.ask("SELECT NULL") == b""
    postgres_server.terminate_clients()
    wait_until(lambda: not wrapper.is_usable())
    with pytest.raises(OperationalError):
        wrapper.ask("SELECT 1")
    wrapper.close_if_unusable_or_obsolete()
    assert wrapper.ask("SELECT 1") == b"1"
