"""On which evenings AutoBOT starts, and from when on what it sees can be today's draw."""

from __future__ import annotations

import threading
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine

from lotto.models import DrawException
from lotto.rules import ROME
from ocr import tasks
from ocr.autobot import services, steps
from ocr.autobot.capture import BoardWatcher
from ocr.models import AutobotRun, AutobotWheel
from ocr.outlets import telegram
from ocr.tests.evenings import LEADER, QUICK, STREAM, again, archived, day_before_is_archived, read
from ocr.tests.fakes import ScriptedReader
from ocr.types import Held, RunRefused, RunState, StepName

pytestmark = pytest.mark.django_db
HOLIDAY = date(2026, 12, 8)  # a Tuesday
MOVED = date(2026, 12, 9)
LAST = date(2026, 12, 5)  # the Saturday before
NUMBERS = (5, 17, 23, 42, 88)


@pytest.fixture(autouse=True)
def _evening(settings: Any) -> None:
    settings.OCR_STREAM_URL = STREAM
    settings.LOTTO_DRAW_TIME = time(20)


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> time_machine.travel:
    instant = datetime.combine(day, time(hour, minute, second), ROME)
    return time_machine.travel(instant, tick=False)


def started(**options: Any) -> AutobotRun:
    return services.start(by="the test", **options)


def test_nothing_is_started_on_a_holiday_and_a_run_on_the_day_after() -> None:
    with at(HOLIDAY, 20, 1):
        tasks.autobot()
    assert not AutobotRun.objects.exists()
    with at(MOVED, 20, 1):
        tasks.autobot()
    assert AutobotRun.objects.get().day == MOVED


def test_nothing_is_sent_on_a_holiday_though_a_board_was_seen(monkeypatch: Any) -> None:
    sent: list[str] = []
    monkeypatch.setattr(telegram, "send", lambda text, **_: sent.append(text))
    with at(HOLIDAY, 20, 1):
        run = started()
        AutobotWheel.objects.create(
            run=run, wheel="BA", cells=[[n, 99, []] for n in NUMBERS], is_taken=True,
            held=Held.NO_DRAW, changed_at=run.started_at,
        )  # fmt: skip
        step = run.steps.get(name=StepName.TELEGRAM)
        assert steps.ACTIONS[StepName.TELEGRAM].do(run, LEADER, step) is None
    assert sent == []


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (MOVED, LAST),
        (date(2026, 12, 10), MOVED),  # an ordinary one after a moved one
        (date(2026, 12, 28), date(2026, 12, 24)),
        (date(2026, 12, 30), date(2026, 12, 29)),  # it slid
        (date(2027, 1, 2), date(2026, 12, 31)),
    ],
)
def test_a_draw_is_held_as_behind_only_where_the_one_before_is_missing(
    day: date, before: date
) -> None:
    with at(day, 20, 5):
        run = started()
        archived(before - timedelta(days=1), {"BA": NUMBERS[::-1]})
        assert services.why_held(run, "BA", NUMBERS) == Held.BEHIND
        archived(before, {"BA": (1, 2, 3, 4, 5)})
        assert services.why_held(run, "BA", NUMBERS) == ""


def test_an_exception_of_staff_moves_the_evening() -> None:
    DrawException.objects.create(due_on=HOLIDAY, drawn_on=date(2026, 12, 7), note="As announced")
    for day in (HOLIDAY, MOVED):
        with at(day, 20, 1):
            tasks.autobot()
    assert not AutobotRun.objects.exists()
    with at(date(2026, 12, 7), 20, 1):
        tasks.autobot()
    assert AutobotRun.objects.get().day == date(2026, 12, 7)


# --- Before the draw can have begun ---------------------------------------------------------------


@pytest.mark.parametrize("extraordinary", [False, True])
@pytest.mark.parametrize(
    "day",
    [
        date(2026, 3, 28),  # clocks are set forward in the night
        date(2026, 3, 31),
        date(2026, 10, 24),  # and back
        date(2026, 10, 27),
    ],
)
def test_nothing_is_todays_draw_before_eight_in_the_evening(day: date, extraordinary: bool) -> None:
    day_before_is_archived(day)
    with at(day, 14):
        run = started(extraordinary=extraordinary)
        assert run.until == datetime.combine(day, time(20, 45), ROME)
        assert services.why_held(run, "BA", NUMBERS) == Held.EARLY
    with at(day, 19, 59, 59):
        assert services.why_held(run, "BA", NUMBERS) == Held.EARLY
    with at(day, 20):
        assert services.why_held(run, "BA", NUMBERS) == ""


def test_an_exception_names_the_time_of_its_draw() -> None:
    eve = date(2026, 12, 24)
    DrawException.objects.create(due_on=eve, drawn_on=eve, begins_at=time(18, 30), note="Early")
    archived(date(2026, 12, 22))
    with at(eve, 18, 29):
        run = started()
        assert services.why_held(run, "BA", NUMBERS) == Held.EARLY
    with at(eve, 18, 30):
        assert services.why_held(run, "BA", NUMBERS) == ""


def test_a_run_that_is_started_early_waits_for_the_draw_and_reads_nothing() -> None:
    with at(MOVED, 14):
        run = started()
        assert LEADER.take()
        halt = threading.Event()
        watcher = BoardWatcher(run, LEADER, halt, ScriptedReader(), QUICK)
        threading.Timer(0.05, halt.set).start()
        watcher.wait_for_the_draw()
        assert halt.is_set()
        assert again(run).message == "Waiting for the draw, which begins at 20:00."
    with at(MOVED, 20):
        BoardWatcher(run, LEADER, threading.Event(), ScriptedReader(), QUICK).wait_for_the_draw()


def test_a_run_that_waits_ends_when_staff_close_its_window() -> None:
    with at(MOVED, 14):
        run = started()
        assert LEADER.take()
        assert services.finish(by="anna")
        watcher = BoardWatcher(run, LEADER, threading.Event(), ScriptedReader(), QUICK)
        watcher.wait_for_the_draw()
        assert watcher.is_over()


def test_staff_neither_correct_nor_confirm_before_the_draw() -> None:
    with at(MOVED, 14):
        run = read(MOVED)
        run.wheels.filter(wheel="BA").update(held=Held.EARLY)
        services.end(run, LEADER, RunState.COMPLETED, "")
        with pytest.raises(RunRefused, match="20:00"):
            services.correct(run.pk, "BA", NUMBERS, by="anna")
        with pytest.raises(RunRefused, match="20:00"):
            services.confirm(run.pk, by="anna")
    with at(MOVED, 20):
        assert services.confirm(run.pk, by="anna") == 0  # what was seen early stays held back
        services.correct(run.pk, "BA", NUMBERS, by="anna")
        assert run.wheels.get(wheel="BA").numbers == list(NUMBERS)
