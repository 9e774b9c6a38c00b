"""Who may wait for the database, for how long, and how many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from core.lib.postgres import limits
from core.lib.postgres.limits import (
    COMMAND_LOCK_S,
    Gate,
    Limits,
    Role,
    TooManyWaiting,
    current_gate,
    current_role,
    pool_role,
    run_process_as,
    time_left_s,
    within,
)

THREADS = 3


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate where whoever waits is stuck at once."""
    monkeypatch.setattr(limits, "SLOW_S", 0.0)
    return Gate(THREADS)


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[], object]], object]]:
    """Runs a function in a thread of its own that lives as long as the test."""
    with ThreadPoolExecutor() as pool:
        ends, ready = threading.Event(), threading.Barrier(2)

        def stay(work: Callable[[], object], into: list[object]) -> None:
            into.append(work())
            ready.wait(5)
            ends.wait(5)

        def run(work: Callable[[], object]) -> object:
            result: list[object] = []
            pool.submit(stay, work, result)
            ready.wait(5)
            return result[0]

        yield run
        ends.set()


def test_a_third_of_a_statement_may_wait_for_a_lock() -> None:
    assert Limits.of(9) == Limits(statement_s=9, lock_s=3, idle_s=27)


def test_a_command_takes_its_time_but_does_not_queue_for_a_lock_without_end() -> None:
    assert Limits.of(0) == Limits(statement_s=0, lock_s=COMMAND_LOCK_S, idle_s=0)


def test_a_pool_says_what_its_threads_are_and_others_are_what_the_process_is() -> None:
    assert current_role() == Role.COMMAND
    with ThreadPoolExecutor(1, initializer=pool_role(Role.WEB, threads=2)) as pool:
        assert pool.submit(current_role).result() == Role.WEB
        assert pool.submit(current_gate).result() is not None
    run_process_as(Role.TASK)
    try:
        assert (current_role(), current_gate()) == (Role.TASK, None)
    finally:
        run_process_as(Role.COMMAND)


def test_one_thread_alone_has_no_gate() -> None:
    run_process_as(Role.WEB, threads=1)
    try:
        assert current_gate() is None
    finally:
        run_process_as(Role.COMMAND)


def test_the_shortest_time_counts() -> None:
    assert time_left_s(None) is None
    with within(100):
        assert time_left_s(5) == 5
        with within(1):
            left = time_left_s(5)
            assert left is not None
            assert 0 < left <= 1
        with within(1_000):
            assert (time_left_s(None) or 0) <= 100
    assert time_left_s(None) is None


def test_the_last_thread_does_not_begin_to_wait(gate: Gate, elsewhere: Callable) -> None:
    assert not gate.is_full()
    elsewhere(gate.begin)
    assert not gate.is_full()
    elsewhere(gate.begin)
    assert gate.is_full()


def test_whoever_waits_for_the_shortest_time_gives_up(gate: Gate, elsewhere: Callable) -> None:
    elsewhere(gate.begin)
    gate.begin()
    assert not gate.is_one_too_many()  # another thread is free
    newest: list[Callable[[], bool]] = []
    elsewhere(lambda: (gate.begin(), newest.append(gate.is_one_too_many())))  # type: ignore[arg-type]
    assert newest == [True]
    assert not gate.is_one_too_many()
    gate.end()


def test_who_waits_for_a_moment_only_is_not_stuck(elsewhere: Callable) -> None:
    gate = Gate(2)
    elsewhere(gate.begin)
    assert not gate.is_full()


def test_the_last_thread_does_not_connect(gate: Gate, elsewhere: Callable) -> None:
    elsewhere(gate.begin)
    with gate.connecting():
        pass
    elsewhere(gate.begin)
    with pytest.raises(TooManyWaiting), gate.connecting():
        pytest.fail("it connected")


def test_one_thread_at_a_time_tries_to_reach_a_silent_server(
    gate: Gate, elsewhere: Callable
) -> None:
    def other() -> str:
        try:
            with gate.connecting():
                return "connected"
        except TooManyWaiting:
            return "refused"

    def fail() -> None:
        with gate.connecting():
            assert elsewhere(other) == "connected"
            raise psycopg.errors.ConnectionTimeout

    with pytest.raises(psycopg.errors.ConnectionTimeout):
        fail()
    with gate.connecting():
        assert elsewhere(other) == "refused"
    with gate.connecting():  # it was reached
        assert elsewhere(other) == "connected"
