"""One leader at a time, through replicas, database outages and the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection

from core.lib import outage
from core.workers import leader
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership, run_as_leader


class Locks:
    """`only_one` of a test: each turn gives the lock, refuses it or finds no database."""

    def __init__(self, *turns: bool | None) -> None:
        self.turns = iter(turns)
        self.held = 0

    @contextmanager
    def only_one(self, name: str) -> Iterator[bool]:
        turn = next(self.turns)
        if turn is None:
            raise OperationalError("no route")
        self.held += turn
        try:
            yield turn
        finally:
            self.held -= turn


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    monkeypatch.setattr(connection, "close", lambda: None)
    return threading.Event()


@pytest.fixture
def run(
    stopping: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Locks, DatabaseGuard]]:
    def run(lead: Callable[[Leadership], Any], *turns: bool | None) -> tuple[Locks, DatabaseGuard]:
        locks, database = Locks(*turns), DatabaseGuard("job")
        monkeypatch.setattr(leader, "only_one", locks.only_one)
        run_as_leader("job", lead, stopping, database=database, stand_by_s=0)
        return locks, database

    return run


def test_a_replica_leads_when_the_lock_is_free_and_releases_it(run: Any, stopping: threading.Event):
    leads: list[bool] = []

    def lead(leadership: Leadership) -> None:
        leads.append(leadership.check())
        stopping.set()

    locks, _ = run(lead, False, False, True)
    assert (leads, locks.held) == ([True], 0)


def test_a_database_error_ends_the_leadership(
    run: Any, stopping: threading.Event, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, outage.__name__)
    calls: list[int] = []

    def lead(_: Leadership) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("gone")
        stopping.set()

    run(lead, True, None, False, True)
    assert len(calls) == 2
    assert [record.getMessage().split(" outage")[0] for record in caplog.records] == [
        "job.database.lost error=gone",
        "job.database.recovered",
    ]


def test_a_leader_goes_on_while_the_database_is_unavailable(run: Any, stopping: threading.Event):
    seen: list[tuple[bool, bool]] = []

    def lead(leadership: Leadership) -> None:
        leadership.renew()
        seen.append((leadership.leads, leadership.is_locked))
        leadership.check()
        seen.append((leadership.leads, leadership.is_locked))
        stopping.set()

    run(lead, True, None, True)
    assert seen == [(True, False), (True, True)]


def test_a_leader_whose_lock_another_one_took_stands_by(run: Any, stopping: threading.Event):
    checks: list[bool] = []

    def lead(leadership: Leadership) -> None:
        checks.append(leadership.renew())
        if len(checks) == 2:
            stopping.set()

    locks, _ = run(lead, True, False, False, True, True)
    assert (checks, locks.held) == ([False, True], 0)


def test_an_outage_is_counted_and_over_with_the_next_success(stopping: threading.Event):
    database = DatabaseGuard("job")

    def fail() -> None:
        raise OperationalError("gone")

    assert not database.run(fail)
    assert (database.available, database.failures) == (False, 1)
    assert database.run(lambda: None)
    assert (database.available, database.failures) == (True, 1)
