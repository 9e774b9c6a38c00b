"""Evenings: a television over HLS, a worker, and every upstream's socket; the reader is scripted.

`test_autobot_real_evening` has one with the real reader. What is said here is the same in both
deployment profiles.
"""

from __future__ import annotations

import threading
import time
from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from ocr import selectors
from ocr.autobot import services as runs
from ocr.autobot import steps
from ocr.autobot.evidence import BOARD
from ocr.models import AutobotRun
from ocr.reader.types import Page, PageDate, Reading
from ocr.tests.evenings import (
    ALL_DONE,
    DAY,
    SUNDAY,
    Services,
    again,
    at_work,
    begun,
    completed,
    day_before_is_archived,
    drawn,
    grown,
    is_over,
    step_states,
    stored,
    wait_for,
)
from ocr.tests.fakes import ScriptedReader
from ocr.types import Held, PageKind, ReaderBusy, ReaderFailed, RunState
from sandbox import programme
from sandbox.testing import RunningTelevision

ANOTHER_DAY = date(2026, 11, 26)

pytestmark = pytest.mark.django_db(transaction=True)


def watching() -> bool:
    """Whether a stream is being followed."""
    return any(thread.name == "hls-stream" for thread in threading.enumerate())


def seen(reader: ScriptedReader, more: int = 6) -> None:
    """Wait until so many more frames were read: twice what it takes to accept a wheel."""
    enough = reader.frames + more
    wait_for(lambda: reader.frames >= enough)


# --- The evening ----------------------------------------------------------------------------------


def test_wheels_are_accepted_as_they_come_and_none_before_it_stands(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    """Numbers run through their places and show their first digit alone; adverts come between."""
    day_before_is_archived()
    coded_television.server.steer(
        programme="evening", day=DAY, from_s=programme.LEAD_S - 5, speed=20
    )
    run = begun()
    grew = []
    with at_work(scripted):
        while not again(run).is_over:
            published = selectors.published(run)
            assert published.items() <= drawn().items()
            grew.append(len(published))
            grown(run, len(published) + 1)
    assert len(set(grew)) > 5
    assert selectors.published(run) == stored() == drawn()


@pytest.mark.parametrize(
    ("service", "route", "step"),
    [
        ("ai", "openrouter.chat", "validate"),
        ("site", "lotto_site.draws", "upload"),
        ("telegram", "telegram.photo", "telegram"),
    ],
    ids=["OpenRouter", "the Lotto site", "Telegram"],
)
def test_evening_with_an_unavailable_service(
    coded_television: RunningTelevision,
    services: Services,
    scripted: ScriptedReader,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    route: str,
    step: str,
) -> None:
    """Its step waits, the rest is done; when it has recovered nothing is missing."""
    monkeypatch.setattr(steps, "FIRST_PAUSE_S", 0.2)
    day_before_is_archived()
    faults = getattr(services, service).faults
    faults.arm("down", route, times=0)
    run = begun()
    with at_work(scripted):
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


def test_a_reader_that_fails_costs_frames_and_no_more(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    day_before_is_archived()
    scripted.errors += [ReaderBusy("Too many"), ReaderFailed("It ended"), ReaderBusy("Too many")]
    run = begun()
    with at_work(scripted):
        wait_for(is_over(run))
    assert scripted.errors == []
    assert stored() == drawn()


# --- Boards that are not today's ------------------------------------------------------------------


def test_yesterdays_board_on_a_loop_is_never_stored(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    day_before_is_archived()
    coded_television.server.steer(programme="yesterday", day=DAY)
    run = begun()
    with at_work(scripted):
        wait_for(lambda: run.wheels.filter(held=Held.OLD).count() == 11)
        seen(scripted)
        assert not again(run).is_over  # it goes on waiting for today's
        runs.finish(by="the test")
        wait_for(is_over(run))
    assert selectors.published(run) == {}
    assert "another day" in again(run).message
    assert stored() == {}
    assert services.site.server.draws == {}
    (message,) = services.telegram.server.messages  # staff learn why nothing came
    assert "BARI" not in message["caption"]


def test_pages_of_anything_but_todays_draw_are_passed_over(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    """Tables of numbers that no archive knows, as sure as can be, under other titles and dates."""
    day_before_is_archived()
    pages = (
        Page(PageKind.PREDICTIONS, "LE NOSTRE PREVISIONI"),
        Page(PageKind.DRAW, "ESTRAZIONI DEL LOTTO", (PageDate(21, 11, 2026),)),
        Page(PageKind.SIMBOLOTTO, "SIMBOLOTTO"),
        Page(PageKind.UNKNOWN, "IL GIARDINO DI PIERO"),
    )
    scripted.page = pages[0]
    coded_television.server.steer(programme="board", day=ANOTHER_DAY)
    run = begun()
    with at_work(scripted):
        for scripted.page in pages:
            seen(scripted)
        coded_television.server.steer(programme="board", day=DAY)
        wait_for(lambda: scripted.shown == {w: [*n] for w, n in drawn().items()})
        assert completed(run) == 0
        scripted.page = Page(PageKind.DRAW, dates=(PageDate(DAY.day, DAY.month),))
        wait_for(is_over(run))
    assert selectors.published(run) == stored() == drawn()
    assert set(again(run).pages) == {"predictions", "earlier", "simbolotto", "unknown"}
    assert again(run).pages["earlier"]["dates"] == ["21/11/2026"]
    assert len(services.telegram.server.messages) == 1


def test_a_page_that_does_not_say_what_it_is_waits_for_a_person(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    """Its numbers are shown to staff, in doubt; no AI makes them sure."""
    day_before_is_archived()
    scripted.page = Page(PageKind.UNKNOWN, "IL GIARDINO DI PIERO")
    run = begun()
    with at_work(scripted):
        seen(scripted)
        runs.finish(by="the test")
        wait_for(is_over(run))
    assert stored() == selectors.published(run) == {}
    assert run.wheels.filter(held=Held.PAGE, is_taken=False).count() == len(drawn())
    assert "IL GIARDINO DI PIERO (a page that does not say what it is)" in again(run).message
    assert services.ai.server.asked == []
    (message,) = services.telegram.server.messages
    assert "IL GIARDINO DI PIERO" in message["caption"]
    runs.correct(run.pk, "BA", drawn()["BA"], by="anna")
    assert selectors.published(again(run)) == {"BA": drawn()["BA"]}


def test_todays_draw_after_yesterdays_board_is_accepted(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    day_before_is_archived()
    coded_television.server.steer(programme="yesterday", day=DAY)
    run = begun()
    with at_work(scripted):
        wait_for(lambda: run.wheels.filter(held=Held.OLD).count() == 11)
        coded_television.server.steer(programme="board", day=DAY)
        wait_for(is_over(run))
    assert selectors.published(run) == stored() == drawn()
    kept = kept_board(run, scripted)
    assert kept.sure() == drawn()  # and no picture of the other draw is sent


def kept_board(run: AutobotRun, reader: ScriptedReader) -> Reading:
    picture = selectors.picture(run.pk, BOARD)
    assert picture
    return reader.read(picture)


def test_a_board_on_a_day_without_a_draw_is_seen_and_not_stored(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    """A board that no archive knows, but no draw is due: a person has the last word."""
    day_before_is_archived(SUNDAY)
    run = begun(SUNDAY)
    with at_work(scripted):
        wait_for(lambda: run.wheels.filter(held=Held.NO_DRAW).count() == 11)
        runs.finish(by="the test")
        wait_for(is_over(run))
    assert again(run).state == RunState.COMPLETED
    assert "No draw is due" in again(run).message
    assert stored(SUNDAY) == {}
    assert runs.confirm(run.pk, by="anna") == 11
    runs.resume(run.pk, runs.STEPS)
    with at_work(scripted):
        wait_for(is_over(run))
    assert stored(SUNDAY) == drawn()


def test_while_the_archive_is_behind_wheels_wait_and_then_are_accepted(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    run = begun()
    with at_work(scripted):
        wait_for(lambda: run.wheels.filter(held=Held.BEHIND).count() == 11)
        assert completed(run) == 0
        day_before_is_archived()
        wait_for(is_over(run))
    assert stored() == drawn()


# --- Nothing to see -------------------------------------------------------------------------------


def test_window_without_a_board_ends_as_an_error_and_is_reported(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    coded_television.server.steer(programme="adverts")
    run = begun()
    with at_work(scripted):
        seen(scripted)
        AutobotRun.objects.update(until=timezone.now())
        wait_for(is_over(run))
    assert again(run).state == RunState.ERROR
    assert stored() == {}
    assert len(services.telegram.server.messages) == 1


def test_a_board_out_of_focus_is_in_doubt_until_it_is_sharp(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    day_before_is_archived()
    coded_television.server.steer(blur=True)
    run = begun()
    with at_work(scripted):
        wait_for(lambda: again(run).state == RunState.OCR)
        seen(scripted)
        assert completed(run) == 0
        coded_television.server.steer(blur=False)
        wait_for(is_over(run))
    assert stored() == drawn()


def test_when_time_is_up_the_rest_is_published_and_what_is_missing_reported(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader, settings: Any
) -> None:
    settings.OPENROUTER_API_KEY = ""  # who would know the numbers that are not drawn yet
    day_before_is_archived()
    coded_television.server.steer(programme="evening", day=DAY, from_s=60 + 3 * 18 + 8, speed=0)
    shown = dict(coded_television.server.scene(time.monotonic()).wheels)
    *whole, begun_only = shown
    run = begun()
    with at_work(scripted):
        wait_for(lambda: completed(run) == len(whole))
        seen(scripted)
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


def test_a_stream_that_is_not_there_is_waited_for(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    day_before_is_archived()
    coded_television.server.steer(trouble="cut")
    run = begun()
    with at_work(scripted):
        wait_for(lambda: "stream is unavailable" in again(run).message)
        coded_television.server.steer(trouble="")
        wait_for(is_over(run))
    assert stored() == drawn()


def test_a_stop_is_over_at_once_and_lets_the_stream_go_within_five_seconds(
    coded_television: RunningTelevision, services: Services, scripted: ScriptedReader
) -> None:
    day_before_is_archived()
    coded_television.server.steer(programme="adverts")
    scripted.stuck.set()  # however long a reading takes
    run = begun()
    with at_work(scripted):
        wait_for(lambda: again(run).message == "Watching the stream." and scripted.frames)
        before, _ = runs.stop(by="the test")
        assert before == RunState.CAPTURING
        assert wait_for(lambda: not watching(), within_s=5) < 5
        second = begun()  # at once: there is no run any more
        wait_for(lambda: again(second).message == "Watching the stream.", within_s=20)
        runs.stop(by="the test")
    assert [again(each).state for each in (run, second)] == [RunState.IDLE] * 2
