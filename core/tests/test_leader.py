"""One leader at a time, through replicas, database outages and the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from core.lib import outage
from core.workers import database as database_module
from core.workers import leader, leases, witness
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership, run_as_leader
from core.workers.leases import LeaseLost

NAME = "job"


class Database:
    """The leases of a test: free, another one's, or in a database that is away (None)."""

    def __init__(self) -> None:
        self.token = 1
        self.is_free: bool | None = True
        self.later: list[bool | None] = []  # what `is_free` is after each attempt
        self.released: list[int] = []

    def take(self, name: str) -> int | None:
        is_free = self._answer()
        if self.later:
            self.is_free = self.later.pop(0)
        return self.token if is_free else None

    def renew(self, name: str, token: int) -> bool:
        return self._answer() and token == self.token

    def hold(self, name: str, token: int | None) -> None:
        if token != self.token:
            raise LeaseLost

    def limit_idle(self) -> None:
        pass

    def release(self, name: str, token: int) -> None:
        self.released.append(token)

    def _answer(self) -> bool:
        if self.is_free is None:
            raise OperationalError("no route")
        return self.is_free


class Clock:
    """`time.monotonic` of the leader."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    database = Database()
    for name in ("take", "renew", "hold", "release", "limit_idle"):
        monkeypatch.setattr(leases, name, getattr(database, name))
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(leader, "STAND_BY_S", 0)
    monkeypatch.setattr(transaction, "atomic", lambda: threading.Lock())
    return database


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(leader, "time", clock)
    return clock


@pytest.fixture
def on_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite nobody else can lead."""
    monkeypatch.setattr(connection, "vendor", "postgresql")


@pytest.fixture
def stopping() -> threading.Event:
    return threading.Event()


def leading(*, outlives_database: bool = False) -> Leadership:
    leadership = Leadership(NAME, DatabaseGuard(NAME), outlives_database=outlives_database)
    assert leadership.take()
    return leadership


def run(lead: Callable[[Leadership], Any], stopping: threading.Event) -> None:
    leadership = Leadership(NAME, DatabaseGuard(NAME))
    run_as_leader(leadership, lambda: lead(leadership), stopping)


def test_a_replica_leads_when_the_lease_is_free_and_frees_it_in_the_end(
    database: Database, stopping: threading.Event
) -> None:
    database.is_free, database.later = False, [False, True, True]
    leads: list[bool] = []

    def lead(leadership: Leadership) -> None:
        leads.append(leadership.check())
        stopping.set()

    run(lead, stopping)
    assert (leads, database.released) == ([True], [1])


def test_a_database_error_ends_the_leadership_and_the_same_one_goes_on(
    database: Database,
    stopping: threading.Event,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO, outage.__name__)
    monkeypatch.setattr(database_module, "SETTLED_S", 0.0)
    tokens: list[Any] = []

    def lead(leadership: Leadership) -> None:
        tokens.append(leadership.token)
        if len(tokens) == 1:
            raise OperationalError("gone")
        stopping.set()

    run(lead, stopping)
    assert tokens == [1, 1]
    lines = [record.getMessage().split(" outage")[0] for record in caplog.records]
    assert lines == ["job.database.lost error=gone", "job.database.recovered"]


def test_one_that_was_superseded_stands_by(database: Database, stopping: threading.Event) -> None:
    wrote: list[int] = []

    def lead(leadership: Leadership) -> None:
        if not wrote:
            wrote.append(1)
            database.token = 2  # another one's
            database.is_free, database.later = False, [False, True]
            with leadership.transaction():
                pass
            wrote.append(2)
        stopping.set()

    database.later = [True]
    run(lead, stopping)
    assert wrote == [1]


def test_a_lease_is_renewed_only_while_the_loop_goes_round(
    database: Database, clock: Clock, on_postgresql: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    leadership = leading()
    renewals: list[float] = []
    monkeypatch.setattr(leases, "renew", lambda name, token: renewals.append(clock.now) or True)
    rounds = iter([False] * 7 + [True])

    def wait(seconds: float) -> bool:
        clock.now += seconds
        return next(rounds)

    over = threading.Event()
    monkeypatch.setattr(over, "wait", wait)
    leadership.check(round_s=4.5)
    leadership._keep(over)
    assert renewals == [101, 102, 103, 104]
    assert leadership.is_sure
    clock.now = 104 + leases.LEASE_S
    assert not leadership.is_sure


def test_one_that_was_frozen_sees_who_leads_before_it_goes_on(
    database: Database, clock: Clock, on_postgresql: None
) -> None:
    for outlives in (False, True):
        database.token = 1
        leadership = leading(outlives_database=outlives)
        clock.now += 300
        assert leadership.check(), "nobody took its lease"
        clock.now += 300
        database.token = 2
        assert not leadership.check()
        with pytest.raises(LeaseLost), leadership.transaction():
            pass


@pytest.mark.parametrize("outlives", [False, True])
def test_without_a_database_only_what_serves_calls_goes_on(
    database: Database, clock: Clock, on_postgresql: None, outlives: bool
) -> None:
    leadership = leading(outlives_database=outlives)
    database.is_free = None
    clock.now += leases.LEASE_S - 1
    assert leadership.check()
    clock.now += 2
    assert leadership.check() is outlives
    assert not leadership.is_sure
    database.is_free = True
    leadership._renew()
    assert leadership.is_sure
    assert leadership.check()


def test_one_that_is_cut_off_from_the_database_alone_is_told_by_the_witness(
    database: Database, clock: Clock, on_postgresql: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    leadership = leading(outlives_database=True)
    database.is_free = None
    clock.now += 60
    assert leadership.check()
    monkeypatch.setattr(witness, "is_superseded", lambda name, token: token < 2)
    clock.now += 1
    assert not leadership.check()


def test_who_doubts_does_not_go_on_before_the_database_has_answered(
    database: Database, clock: Clock, on_postgresql: None
) -> None:
    leadership = leading(outlives_database=True)
    database.is_free = None
    leadership.doubt()
    assert not leadership.check()
    database.is_free = True
    leadership._renew()
    assert leadership.check()


def test_a_busy_sqlite_takes_the_lease_from_nobody(database: Database, clock: Clock) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("about SQLite")
    leadership = leading()
    database.is_free = None
    clock.now += 60
    assert leadership.check()


def test_waiting_goes_on_going_round_and_ends_with_the_leadership(
    database: Database, clock: Clock, on_postgresql: None, stopping: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    leadership = leading()
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        clock.now += seconds
        if len(waited) == 8:
            database.token = 2
        return False

    monkeypatch.setattr(stopping, "wait", wait)
    leadership.wait(stopping, 60)
    assert len(waited) == leases.LEASE_S * 2
    assert not leadership.leads


def test_an_outage_is_over_with_the_next_success(database: Database) -> None:
    guard = DatabaseGuard(NAME)

    def fail() -> None:
        raise OperationalError("gone")

    assert not guard.run(fail)
    assert not guard.available
    assert guard.run(lambda: None)
    assert guard.available
