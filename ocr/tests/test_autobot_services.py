"""A run's row: one at a time, leased to one worker, stopped, resumed."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import translation

from core.workers.leases import LeaseLost
from core.workers.models import Lease
from lotto.types import WHEELS
from ocr import selectors
from ocr.autobot import services
from ocr.models import AutobotConfig, AutobotRun, AutobotWheel
from ocr.tests.evenings import (
    DAY,
    LEADER,
    STREAM,
    SUNDAY,
    again,
    archived,
    begun,
    day_before_is_archived,
    drawn,
    read,
    step_states,
)
from ocr.types import Held, RunBusy, RunRefused, RunState, RunStopped, StepName

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
NUMBERS = (5, 17, 23, 42, 88)


@pytest.fixture(autouse=True)
def _stream(settings: Any) -> None:
    settings.OCR_STREAM_URL = STREAM


def test_a_second_start_is_refused_with_the_state_of_the_first() -> None:
    run = begun()
    with pytest.raises(RunBusy) as busy:
        services.start(by="another")
    assert busy.value.state == RunState.CAPTURING
    services.stop(by="the test")
    assert services.start(by="another").pk != run.pk


@pytest.mark.django_db(transaction=True)
def test_of_starts_at_the_same_instant_one_wins() -> None:
    together, outcomes = threading.Barrier(4), []

    def start() -> None:
        together.wait()
        try:
            outcomes.append(services.start(by="one of four").pk)
        except RunBusy:
            outcomes.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(pk is None for pk in outcomes) == [False, True, True, True]
    assert AutobotRun.objects.count() == 1


def test_without_a_stream_there_is_nothing_to_start(settings: Any) -> None:
    settings.OCR_STREAM_URL = ""
    with pytest.raises(RunRefused):
        services.start(by="the test")
    assert not AutobotRun.objects.exists()


def test_options_override_the_configuration() -> None:
    AutobotConfig.objects.create(pk=1, auto_upload=False, telegram_notify=False)
    run = services.start(by="the test", options={"auto_upload": True, "ai_validation": None})
    assert (run.auto_upload, run.telegram_notify, run.ai_validation) == (True, False, True)


def test_what_a_superseded_worker_writes_is_not_written() -> None:
    run = begun()
    assert LEADER.take()
    Lease.objects.update(token=F("token") + 1)
    with pytest.raises(LeaseLost):
        services.update(run, LEADER, message="late")
    with pytest.raises(LeaseLost):
        services.store_wheels(run, LEADER, [AutobotWheel(run=run, wheel="BA", cells=[])])
    with pytest.raises(LeaseLost):
        services.end(run, LEADER, RunState.COMPLETED, "late")
    assert again(run).message != "late"
    assert not run.wheels.exists()


def test_stopping_ends_the_run_and_its_workers_writing() -> None:
    run = begun()
    assert LEADER.take()
    assert services.stop(by="the test") == (RunState.CAPTURING, run)
    assert (again(run).state, again(run).is_over) == (RunState.IDLE, True)
    assert not selectors.is_unfinished(run.pk)
    with pytest.raises(RunStopped):
        services.update(run, LEADER, message="late")
    with pytest.raises(RunStopped):
        services.end(run, LEADER, RunState.COMPLETED, "late")
    assert services.stop(by="the test") == (RunState.IDLE, None)


# --- Which board is today's -----------------------------------------------------------------------


def test_numbers_of_today_are_accepted() -> None:
    day_before_is_archived()
    assert services.why_held(begun(), "BA", NUMBERS) == ""


def test_numbers_of_another_day_are_old() -> None:
    day_before_is_archived()
    archived(DAY - timedelta(days=20), {"BA": NUMBERS})
    assert services.why_held(begun(), "BA", NUMBERS) == Held.OLD
    assert services.why_held(again(AutobotRun.objects.get()), "BA", NUMBERS[::-1]) == ""


def test_numbers_that_are_stored_for_today_are_not_old() -> None:
    day_before_is_archived()
    archived(DAY, {"BA": NUMBERS})
    assert services.why_held(begun(), "BA", NUMBERS) == ""


def test_without_the_draw_before_numbers_are_held_back() -> None:
    archived(DAY - timedelta(days=10))
    assert services.why_held(begun(), "BA", NUMBERS) == Held.BEHIND


def test_on_a_day_without_a_draw_only_an_extraordinary_one_is_accepted() -> None:
    day_before_is_archived(SUNDAY)
    run = begun(SUNDAY)
    assert services.why_held(run, "BA", NUMBERS) == Held.NO_DRAW
    services.stop(by="the test")
    assert services.why_held(begun(SUNDAY, extraordinary=True), "BA", NUMBERS) == ""


# --- Corrections by staff -------------------------------------------------------------------------


@pytest.fixture
def ended() -> AutobotRun:
    """A run that is over, all of whose steps were done with the wheels that were sure."""
    run = read(doubtful=["NA"])
    run.steps.exclude(name=StepName.VALIDATE).update(
        state="done", done=services.as_lists(selectors.published(run))
    )
    services.end(run, LEADER, RunState.COMPLETED, services.summary(run))
    return again(run)


def test_a_correction_offers_what_follows_from_it(ended: AutobotRun) -> None:
    services.correct(ended.pk, "NA", NUMBERS, by="anna")
    assert selectors.published(ended)["NA"] == NUMBERS
    assert set(step_states(ended).items()) >= {
        ("archive", "offered"), ("upload", "offered"), ("telegram", "offered"),
    }  # fmt: skip
    assert selectors.unfinished() is None


def test_what_is_offered_is_done_when_a_person_says_so(ended: AutobotRun) -> None:
    services.correct(ended.pk, "NA", NUMBERS, by="anna")
    services.resume(ended.pk, [StepName.UPLOAD])
    assert step_states(ended)["upload"] == "waiting"
    assert step_states(ended)["archive"] == "offered"
    assert selectors.unfinished() == ended
    with pytest.raises(RunRefused):
        services.correct(ended.pk, "NA", NUMBERS, by="anna")


def test_run_is_not_resumed_beside_another(ended: AutobotRun) -> None:
    begun()
    with pytest.raises(RunBusy):
        services.resume(ended.pk, [StepName.UPLOAD])
    assert again(ended).is_over


def test_a_person_confirms_what_waits_but_never_an_old_draw(ended: AutobotRun) -> None:
    ended.wheels.filter(wheel__in=["BA", "CA"]).update(held=Held.BEHIND)
    ended.wheels.filter(wheel="RM").update(held=Held.OLD)
    assert services.confirm(ended.pk, by="anna") == 2
    assert set(WHEELS) - set(selectors.published(ended)) == {"NA", "RM"}


def test_summary_names_what_is_missing(ended: AutobotRun) -> None:
    with translation.override("en"):
        assert "Missing: NAPOLI." in services.summary(ended)
        ended.wheels.all().update(held=Held.OLD)
        assert "another day" in services.summary(ended)
    assert drawn()["BA"]
