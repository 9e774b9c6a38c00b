"""Whole evenings: a television over HLS, the real reader, a worker, and every upstream's socket."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from datetime import time as clock
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from lotto import selectors as archive
from lotto.rules import ROME
from ocr import autobot, capture, reading, runs, selectors, steps
from ocr.evidence import BOARD
from ocr.models import AutobotRun
from ocr.tests.evenings import (
    DAY,
    OWNER,
    STREAM,
    SUNDAY,
    Services,
    again,
    begun,
    day_before_is_archived,
    drawn,
    read,
    step_states,
)
from ocr.tests.workers import worker_of, workers
from ocr.types import Held, RunState
from sandbox.testing import RunningTelevision, running_operator, running_television

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),  # a reading takes 2 s on a quiet machine, and 20 on a busy one
]
full_size = pytest.mark.usefixtures("postgres_url")  # what would cost the embedded size too long
ALL_DONE = {"validate": "done", "archive": "done", "upload": "done", "telegram": "done"}


@pytest.fixture
def television(settings: Any) -> Iterator[RunningTelevision]:
    with running_television() as running:
        settings.OCR_STREAM_URL = running.url
        settings.OCR_STREAM_NETWORKS = [ip_network("127.0.0.0/8")]
        running.server.steer(programme="board", day=DAY)
        yield running


@contextmanager
def at_work() -> Iterator[None]:
    """A worker in a thread, as the embedded size has it."""
    stopping = threading.Event()
    thread = threading.Thread(target=autobot.run_autobot, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(60)
        reading.reader().close()
        assert not thread.is_alive()


def wait_for(what: Callable[[], Any], *, within_s: float = 240) -> float:
    """How long it took to become true."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within_s, AutobotRun.objects.values().first()
        time.sleep(0.1)
    return time.monotonic() - began


def watching() -> bool:
    """Whether a stream is being followed."""
    return any(thread.name == "hls-stream" for thread in threading.enumerate())


def is_over(run: AutobotRun) -> Callable[[], bool]:
    return lambda: again(run).is_over


def stored(day: Any = DAY) -> dict[str, tuple[int, ...]]:
    return {wheel: tuple(row.numbers) for wheel, row in archive.stored(day).items()}


def completed(run: AutobotRun) -> int:
    return len(selectors.published(run))


def grown(run: AutobotRun, least: int) -> int:
    """How many wheels there are, once there are so many."""
    wait_for(lambda: completed(run) >= least)
    return completed(run)


# --- The evening ----------------------------------------------------------------------------------


def test_a_whole_evening(television: RunningTelevision, services: Services, settings: Any) -> None:
    """Wheels come one by one, with adverts, blur, a stall and a connection that is cut."""
    day_before_is_archived()
    tv = television.server
    tv.steer(programme="evening", day=DAY, from_s=52, speed=6)
    run = begun()
    troubles: tuple[dict[str, Any], ...] = (
        {"blur": True},
        {"trouble": "stall"},
        {"trouble": "cut"},
    )
    grew = []
    with at_work():
        for least, trouble in enumerate(troubles, 1):
            grew.append(grown(run, least))
            tv.steer(**trouble)
            time.sleep(3)
            tv.steer(blur=False, trouble="")
        wait_for(lambda: len(tv.scene(time.monotonic()).wheels) == 11)
        tv.steer(programme="board", day=DAY)  # for as long as a busy machine needs
        wait_for(is_over(run))
    assert grew == sorted(grew)
    assert selectors.published(run) == drawn()
    assert (again(run).state, step_states(run)) == (RunState.COMPLETED, ALL_DONE)
    assert stored() == drawn()
    on_the_site = services.site.server.draws[DAY.isoformat()]
    assert {w: tuple(map(int, n)) for w, n in on_the_site.items()} == drawn()
    (message,) = services.telegram.server.messages
    assert "BARI" in message["caption"]
    kept = set(run.evidence.values_list("wheel", flat=True))
    assert kept == {"", *drawn()}

    with running_operator(now=datetime.combine(DAY, clock(23, 30), ROME).timestamp()) as operator:
        settings.LOTTO_ARCHIVE_URLS = [operator.url]
        call_command("sync_lotto", verbosity=0)
    autobot.compare()
    assert again(run).verified_at is not None
    assert len(services.telegram.server.messages) == 1


@full_size
@pytest.mark.parametrize(
    ("service", "route", "step"),
    [
        ("ai", "openrouter.chat", "validate"),
        ("site", "lotto_site.draws", "upload"),
        ("telegram", "telegram.photo", "telegram"),
    ],
)
def test_an_evening_with_a_service_away(
    television: RunningTelevision,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    route: str,
    step: str,
) -> None:
    """What it is needed for waits, the rest is done; when it is back nothing is missing."""
    monkeypatch.setattr(steps, "FIRST_PAUSE_S", 1.0)
    day_before_is_archived()
    faults = getattr(services, service).faults
    faults.arm("down", route, times=0)
    run = begun()
    with at_work():
        others = ALL_DONE.keys() - {step}
        wait_for(lambda: all(step_states(run)[name] == "done" for name in others))
        wait_for(lambda: run.steps.get(name=step).error)
        assert stored() == drawn()
        assert not again(run).is_over
        faults.clear()
        wait_for(is_over(run))
    assert (again(run).state, step_states(run)) == (RunState.COMPLETED, ALL_DONE)
    assert selectors.published(run) == drawn()
    assert len(services.site.server.draws[DAY.isoformat()]) == len(drawn())
    assert len(services.telegram.server.messages) == 1


# --- Boards that are not today's ------------------------------------------------------------------


def test_yesterdays_board_on_a_loop_is_never_stored(
    television: RunningTelevision, services: Services
) -> None:
    day_before_is_archived()
    television.server.steer(programme="yesterday", day=DAY)
    run = begun()
    with at_work():
        wait_for(lambda: run.wheels.filter(held=Held.OLD).count() == 11)
        time.sleep(3)
        assert not again(run).is_over  # it goes on waiting for today's
        runs.finish(by="the test")
        wait_for(is_over(run))
    assert selectors.published(run) == {}
    assert "another day" in again(run).message
    assert stored() == {}
    assert services.site.server.draws == {}
    (message,) = services.telegram.server.messages  # staff are told why nothing came
    assert "BARI" not in message["caption"]


@full_size
def test_todays_draw_after_yesterdays_board_is_taken(
    television: RunningTelevision, services: Services
) -> None:
    day_before_is_archived()
    television.server.steer(programme="yesterday", day=DAY)
    run = begun()
    with at_work():
        wait_for(lambda: run.wheels.filter(held=Held.OLD).count() == 11)
        television.server.steer(programme="board", day=DAY)
        wait_for(is_over(run))
        kept = reading.reader().read(selectors.picture(run.pk, BOARD))
    assert selectors.published(run) == stored() == drawn()
    assert kept.sure() == drawn()  # and no picture of the other draw is sent


@full_size
def test_a_board_on_a_day_without_a_draw_is_seen_and_not_stored(
    television: RunningTelevision, services: Services
) -> None:
    """A board that no archive knows, but no draw is due: a person has the last word."""
    day_before_is_archived(SUNDAY)
    run = begun(SUNDAY)
    with at_work():
        wait_for(lambda: run.wheels.filter(held=Held.NO_DRAW).count() == 11)
        runs.finish(by="the test")
        wait_for(is_over(run))
    assert again(run).state == RunState.COMPLETED
    assert "No draw is due" in again(run).message
    assert stored(SUNDAY) == {}
    assert runs.confirm(run.pk, by="anna") == 11
    runs.take_up(run.pk, runs.STEPS)
    with at_work():
        wait_for(is_over(run))
    assert stored(SUNDAY) == drawn()


@full_size
def test_while_the_archive_is_behind_wheels_wait_and_then_are_taken(
    television: RunningTelevision, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "JUDGE_AGAIN_S", 0.5)
    run = begun()
    with at_work():
        wait_for(lambda: run.wheels.filter(held=Held.BEHIND).count() == 11)
        assert completed(run) == 0
        day_before_is_archived()
        wait_for(is_over(run))
    assert stored() == drawn()


# --- Nothing to see -------------------------------------------------------------------------------


@full_size
def test_a_window_without_a_board_ends_as_an_error_and_is_told(
    television: RunningTelevision, services: Services
) -> None:
    television.server.steer(programme="adverts")
    run = begun(minutes=0.1)
    with at_work():
        wait_for(is_over(run))
    assert again(run).state == RunState.ERROR
    assert stored() == {}
    assert len(services.telegram.server.messages) == 1


@full_size
def test_when_time_is_up_what_there_is_is_published_and_what_is_missing_told(
    television: RunningTelevision, services: Services, settings: Any
) -> None:
    settings.OPENROUTER_API_KEY = ""  # who would know the numbers that are not drawn yet
    day_before_is_archived()
    television.server.steer(programme="evening", day=DAY, from_s=60 + 3 * 18 + 8, speed=0)
    shown = dict(television.server.scene(time.monotonic()).wheels)
    *whole, begun_only = shown
    run = begun()
    with at_work():
        wait_for(lambda: completed(run) == len(whole))
        time.sleep(2)
        runs.finish(by="the test")
        wait_for(is_over(run))
    ours = {wheel: drawn()[wheel] for wheel in whole}
    assert selectors.published(run) == stored() == ours
    assert again(run).state == RunState.COMPLETED
    assert "Missing: GENOVA" in again(run).message
    half = run.wheels.get(wheel=begun_only)
    assert (half.is_taken, half.numbers[:3]) == (False, list(shown[begun_only][:3]))
    assert half.numbers[3:] == [None, None]
    assert selectors.picture(run.pk, begun_only)  # staff can look
    (message,) = services.telegram.server.messages
    assert "VENEZIA" in message["caption"]  # as one that is missing


@full_size
def test_a_stream_that_is_not_there_is_waited_for(
    television: RunningTelevision, services: Services
) -> None:
    day_before_is_archived()
    television.server.steer(trouble="cut")
    run = begun()
    with at_work():
        wait_for(lambda: "stream is away" in again(run).message)
        television.server.steer(trouble="")
        wait_for(is_over(run))
    assert stored() == drawn()


def test_a_stop_is_over_at_once_and_lets_the_stream_go_within_five_seconds(
    television: RunningTelevision, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    day_before_is_archived()
    television.server.steer(programme="adverts")
    run = begun()
    with at_work():
        wait_for(lambda: again(run).message == "Watching the stream." and reading.reader().pid)
        os.kill(reading.reader().pid, signal.SIGSTOP)  # however long a reading takes
        before, _ = runs.stop(by="the test")
        assert before == RunState.CAPTURING
        assert wait_for(lambda: not watching(), within_s=5) < 5
        second = begun()  # at once: there is no run any more
        wait_for(lambda: again(second).message == "Watching the stream.", within_s=20)
        runs.stop(by="the test")
    assert [again(each).state for each in (run, second)] == [RunState.IDLE] * 2


# --- kill -9 --------------------------------------------------------------------------------------


@full_size
def test_killed_in_every_state_the_evening_ends_well(
    television: RunningTelevision, services: Services, tmp_path: Path
) -> None:
    day_before_is_archived()
    tv = television.server
    tv.steer(programme="presenter")
    services.ai.faults.arm("slow", "openrouter.chat", delay_s=20)
    run = begun()
    with workers(tmp_path) as processes:
        for _ in range(2):
            processes.start()

        def killed(when: Callable[[], Any]) -> None:
            """Kill the one at work, see another take over within 10 s, and start a third."""
            wait_for(when)
            first = worker_of(run)
            processes.kill(first)
            took_s = wait_for(
                lambda: worker_of(run) not in (first, None) or run.is_over,  # it may be quick
                within_s=10,
            )
            assert took_s < 10
            processes.start()

        killed(lambda: again(run).message == "Watching the stream.")
        tv.steer(programme="evening", day=DAY, from_s=100, speed=1)  # with two wheels
        killed(lambda: again(run).state == RunState.OCR and completed(run))
        assert completed(run)
        tv.steer(programme="board", day=DAY)
        killed(lambda: not services.ai.faults.listed())  # it is being asked
        wait_for(is_over(run))
    assert selectors.published(run) == stored() == drawn()
    assert step_states(run) == ALL_DONE
    assert len(services.telegram.server.messages) == 1


@full_size
@pytest.mark.parametrize(
    ("step", "route"),
    [
        ("validate", "openrouter.chat"),
        ("upload", "lotto_site.draws"),
        ("telegram", "telegram.photo"),
    ],
)
def test_killed_in_a_step_another_worker_does_it(
    services: Services, tmp_path: Path, settings: Any, step: str, route: str
) -> None:
    settings.OCR_STREAM_URL = STREAM
    day_before_is_archived()
    upstreams: dict[str, Any] = {
        "validate": services.ai,
        "upload": services.site,
        "telegram": services.telegram,
    }
    faults = upstreams[step].faults
    faults.arm("slow", route, delay_s=60)
    run = read()
    runs.give_back(run.pk, OWNER)
    with workers(tmp_path) as processes:
        first = processes.start()
        wait_for(lambda: not faults.listed())  # the request is under way
        processes.kill(first)
        processes.start()
        wait_for(is_over(run))
    assert step_states(run) == ALL_DONE
    assert stored() == drawn()
    (message,) = services.telegram.server.messages
    assert ("interr" in message["caption"].lower()) == (step == "telegram")
