"""Reads from a real streaming replica: while it is near enough, and only then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections
from django.db.utils import load_backend

from core.api.response_cache import cached
from core.lib.postgres import replica as module
from core.lib.postgres.replica import ALIAS, ReplicaWatch, read
from core.tests.postgres_server import PostgresServer, wait_until
from gateway_arq import databases

MAX_LAG_S = 1.0


class Pair:
    """A primary with one table of one row, its replica, and what our process knows of both."""

    def __init__(self, primary: PostgresServer, copy: PostgresServer) -> None:
        self.primary, self.copy = primary, copy
        self.watch = ReplicaWatch(MAX_LAG_S)

    def write(self, value: int) -> None:
        self.primary.execute(f"UPDATE fact SET value = {value}")

    def wait_until_replayed(self) -> None:
        [(end,)] = self.primary.execute("SELECT pg_current_wal_lsn()::text")
        query = f"SELECT pg_last_wal_replay_lsn() >= '{end}'"
        wait_until(lambda: self.copy.execute(query) == [(True,)])

    def check(self) -> bool:
        """What the thread does four times per MAX_LAG_S; whether the replica may be read."""
        try:
            self.watch.check()
        except DatabaseError as exc:
            self.watch.failed(exc)
        return self.watch.is_fresh()


@pytest.fixture(scope="module")
def both(postgres_server: PostgresServer) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    postgres_server.execute("CREATE TABLE fact AS SELECT 1 AS value")
    with postgres_server.replica() as copy:
        yield postgres_server, copy
    postgres_server.execute("DROP TABLE fact")


@pytest.fixture
def pair(
    both: tuple[PostgresServer, PostgresServer],
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pair]:
    pair = Pair(*both)
    monkeypatch.setattr(pair.watch, "_start", lambda: None)  # the test checks itself
    monkeypatch.setattr(module, "_watch", lambda: pair.watch)
    timeouts = dict.fromkeys(("web", "listener", "task", "command"), 2)
    entries = {
        "default": databases.postgres(pair.primary.url, timeouts),
        ALIAS: databases.replica(pair.copy.url, max_lag_s=MAX_LAG_S),
    }
    entries = connections.configure_settings(entries)
    before = connections["default"]
    for alias, entry in entries.items():
        connections[alias] = load_backend(entry["ENGINE"]).DatabaseWrapper(entry, alias)
    with django_db_blocker.unblock():
        pair.write(1)
        pair.wait_until_replayed()
        try:
            yield pair
        finally:
            for alias in entries:
                connections[alias].close()
            connections["default"] = before
            del connections[ALIAS]


def value() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM fact")
        return int(cursor.fetchone()[0])


def place() -> str:
    """Where a read goes."""

    def ask() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            return bool(cursor.fetchone()[0])

    return "replica" if read(ask) else "primary"


def test_reads_go_to_the_replica_while_it_is_near(pair: Pair) -> None:
    assert place() == "primary"  # not known yet
    assert pair.check()
    assert place() == "replica"
    assert connection.alias == "default"  # all else stays where it was


def test_what_was_not_checked_lately_is_not_read(pair: Pair, time_machine: Any) -> None:
    assert pair.check()
    pair.watch._fresh_until = time.monotonic()
    assert place() == "primary"


def test_a_replica_that_lags_is_left_until_it_has_caught_up(pair: Pair) -> None:
    assert pair.check()
    pair.copy.execute("SELECT pg_wal_replay_pause()")
    try:
        pair.write(2)
        # It lacks the write, and may for MAX_LAG_S; then it may not.
        assert read(value) == 1
        began = time.monotonic()
        wait_until(lambda: not pair.check(), within_s=5)
        assert time.monotonic() - began < MAX_LAG_S + 0.5
        assert read(value) == 2
    finally:
        pair.copy.execute("SELECT pg_wal_replay_resume()")
    wait_until(pair.check)
    assert (place(), read(value)) == ("replica", 2)


@pytest.mark.exhaustive
def test_reads_under_constant_writing_are_never_older_than_agreed(pair: Pair) -> None:
    from_replica = 0
    written: dict[int, float] = {}  # value -> when it was replaced
    for number in range(10, 200):
        pair.write(number)
        written[number - 1] = time.monotonic()
        if number % 10 == 0:
            pair.check()
        from_replica += place() == "replica"
        found = read(value)
        if found != number and found in written:
            assert time.monotonic() - written[found] <= MAX_LAG_S
    assert from_replica > 100


def test_a_dead_replica_costs_nobody_an_error(pair: Pair) -> None:
    assert pair.check()
    assert place() == "replica"
    pair.copy.stop("immediate")
    try:
        assert place() == "primary"  # tried there, and read here
        assert not pair.watch.is_fresh()
        assert not pair.check()
    finally:
        pair.copy.start()
    connections[ALIAS].close_if_unusable_or_obsolete()
    wait_until(pair.check)
    assert place() == "replica"


@pytest.mark.exhaustive
def test_a_frozen_replica_is_left_within_its_time(pair: Pair) -> None:
    assert pair.check()
    assert place() == "replica"
    pair.copy.freeze()
    try:
        began = time.monotonic()
        assert place() == "primary"
        assert time.monotonic() - began < 6
        assert place() == "primary"
    finally:
        pair.copy.thaw()


def test_the_primary_itself_is_no_replica(pair: Pair) -> None:
    connections[ALIAS] = connections["default"]
    with pytest.raises(ValueError):
        pair.watch.check()


def test_cached_answers_of_the_replica_follow_it(pair: Pair) -> None:
    def answer() -> bytes:
        return cached("fact", lambda: b"%d" % value())

    pair.check()
    assert read(answer) == b"1"
    pair.write(3)
    pair.wait_until_replayed()
    pair.check()
    assert (place(), read(answer)) == ("replica", b"3")
