"""A listener as a process of its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from core.lib.postgres.limits import current_role
from core.workers import listening


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_what_was_said_gets_out(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def listen(stopping: threading.Event) -> None:
        signal.raise_signal(number)
        steps.append(f"stopping: {stopping.is_set()}")
        steps.append(f"role: {current_role()}")

    monkeypatch.setattr(listening, "close", lambda: steps.append("bus closed"))
    listening.run_until_stopped(listen)
    assert steps == ["stopping: True", "role: listener", "bus closed"]


def test_one_that_has_nothing_to_do_waits_for_the_signal() -> None:
    us = threading.main_thread().ident
    assert us is not None
    sent = threading.Event()

    def send() -> None:
        sent.set()
        signal.pthread_kill(us, signal.SIGTERM)

    timer = threading.Timer(0.1, send)

    def listen(_: threading.Event) -> None:
        timer.start()

    listening.run_until_stopped(listen)
    assert sent.is_set()
    timer.join()
