"""The steps of a run, against upstreams over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from lotto import ingest
from lotto import selectors as archive
from lotto.types import Draw, Source
from ocr import selectors
from ocr.autobot import services as runs
from ocr.autobot import steps
from ocr.models import AutobotRun
from ocr.tests.evenings import (
    DAY,
    LEADER,
    STREAM,
    SUNDAY,
    Services,
    again,
    archived,
    day_before_is_archived,
    drawn,
    read,
    step_states,
    with_steps,
)
from ocr.types import Held, RunState, RunStopped, StepName

pytestmark = pytest.mark.django_db
ALL_DONE = {"validate": "done", "archive": "done", "upload": "done", "telegram": "done"}


@pytest.fixture(autouse=True)
def _quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OCR_STREAM_URL = STREAM
    monkeypatch.setattr(steps, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(steps, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(steps, "ASLEEP_S", 0.02)


@pytest.fixture
def run(services: Services) -> AutobotRun:
    day_before_is_archived()
    return read()


def settle(run: AutobotRun) -> dict[str, str]:
    assert steps.settle(run, LEADER, threading.Event())
    return step_states(run)


def stored(run: AutobotRun) -> dict[str, tuple[int, ...]]:
    return {wheel: tuple(row.numbers) for wheel, row in archive.stored(run.day).items()}


def uploaded(services: Services, run: AutobotRun) -> dict[str, tuple[int, ...]]:
    found = services.site.server.draws.get(run.day.isoformat(), {})
    return {wheel: tuple(map(int, numbers)) for wheel, numbers in found.items()}


def messages(services: Services) -> list[str]:
    return [m.get("caption", m.get("text")) for m in services.telegram.server.messages]


def test_a_whole_board_is_validated_archived_uploaded_and_sent(
    run: AutobotRun, services: Services
) -> None:
    assert settle(run) == ALL_DONE
    assert stored(run) == uploaded(services, run) == drawn()
    assert {row.source for row in archive.stored(DAY).values()} == {Source.OCR}
    (message,) = services.telegram.server.messages
    assert message["photo"] == [1920, 1080]
    assert "BARI" in message["caption"]


def test_nothing_is_done_twice(run: AutobotRun, services: Services) -> None:
    settle(run)
    asked = len(services.ai.server.asked)
    settle(run)
    run.steps.update(state="waiting")  # as after "send again"
    settle(run)
    assert len(messages(services)) == 1
    assert len(services.ai.server.asked) > asked  # an AI may be asked again


def test_a_second_run_of_the_day_sends_only_what_is_new(
    run: AutobotRun, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "local_day", lambda now: DAY)
    run.wheels.filter(wheel="VE").delete()
    settle(run)
    runs.end(again(run), LEADER, RunState.COMPLETED, "")
    second = read()
    assert settle(second) == ALL_DONE
    first, update = messages(services)
    assert "BARI" in first
    assert "VENEZIA" in update
    assert "BARI" not in update
    runs.end(again(second), LEADER, RunState.COMPLETED, "")
    assert settle(read()) == ALL_DONE
    assert len(messages(services)) == 2


def test_what_the_ai_makes_sure_is_published_too(services: Services) -> None:
    day_before_is_archived()
    run = read(doubtful=["VE", "RM"])
    assert settle(run) == ALL_DONE
    assert stored(run) == uploaded(services, run) == drawn()
    assert run.wheels.get(wheel="VE").origin == "ai"
    corrections = with_steps(run)["validate"].detail["corrections"]
    assert sorted(c[0] for c in corrections) == ["RM", "VE"]


@pytest.mark.parametrize(
    ("broken", "step"),
    [
        (lambda s: s.ai.faults.arm("down", "openrouter.chat", times=0), "validate"),
        (lambda s: s.site.faults.arm("down", "lotto_site.draws", times=0), "upload"),
        (lambda s: s.telegram.faults.arm("down", "telegram.photo", times=0), "telegram"),
    ],
    ids=["OpenRouter", "the Lotto site", "Telegram"],
)
def test_step_that_fails_blocks_no_other(
    run: AutobotRun, services: Services, broken: Callable[[Services], Any], step: str
) -> None:
    broken(services)
    assert settle(run) == {**ALL_DONE, step: "failed"}
    failed = with_steps(run)[step]
    assert failed.tries == steps.TRIES
    assert failed.error


def test_an_archive_that_fails_blocks_no_other(
    run: AutobotRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(ingest, "save", broken)
    assert settle(run) == {**ALL_DONE, "archive": "failed"}
    assert with_steps(run)["archive"].error == "RuntimeError"


def test_a_step_is_tried_again_until_it_works(run: AutobotRun, services: Services) -> None:
    services.site.faults.arm("down", "lotto_site.draws", times=2)
    services.telegram.faults.arm("answer", "telegram.photo", status=502, times=1)
    assert settle(run) == ALL_DONE
    assert with_steps(run)["upload"].tries == 3
    assert len(messages(services)) == 1


def test_wheels_that_the_site_accepted_are_not_sent_again(
    run: AutobotRun, services: Services
) -> None:
    services.site.server.refused = {"BA": "Not today."}
    assert settle(run)["upload"] == "failed"
    assert set(with_steps(run)["upload"].done) == set(drawn()) - {"BA"}
    assert "BARI: Not today." in with_steps(run)["upload"].error


def test_what_is_not_configured_is_off(run: AutobotRun, settings: Any) -> None:
    settings.OPENROUTER_API_KEY = settings.LOTTO_SITE_URL = settings.TELEGRAM_BOT_TOKEN = ""
    assert settle(run) == {
        "validate": "off", "archive": "done", "upload": "off", "telegram": "off",
    }  # fmt: skip


def test_what_is_not_wanted_is_off(services: Services) -> None:
    day_before_is_archived()
    run = read(options=dict.fromkeys(runs.OPTIONS, False))
    assert set(settle(run).values()) == {"off"}
    assert stored(run) == {}
    assert messages(services) == []


def test_a_message_that_was_cut_off_is_sent_again_and_says_so(
    run: AutobotRun, services: Services
) -> None:
    run.steps.filter(name=StepName.TELEGRAM).update(state="running", tries=1)
    assert settle(run) == ALL_DONE
    (text,) = messages(services)
    assert "interr" in text.lower()


def test_numbers_of_others_in_the_archive_stay(run: AutobotRun, services: Services) -> None:
    other = tuple(reversed(drawn()["BA"]))
    ingest.save([Draw(DAY, "BA", other)], source=Source.MANUAL)
    assert settle(run) == {**ALL_DONE, "archive": "failed"}
    assert stored(run) == {**drawn(), "BA": other}
    assert "BARI" in with_steps(run)["archive"].error


def test_a_persons_numbers_replace_ours_everywhere(run: AutobotRun, services: Services) -> None:
    settle(run)
    runs.end(run, LEADER, RunState.COMPLETED, "")
    right = tuple(reversed(drawn()["BA"]))
    runs.correct(run.pk, "BA", right, by="anna")
    assert stored(run)["BA"] == drawn()["BA"]  # offered, not done
    runs.resume(run.pk, runs.STEPS[1:])
    settle(again(run))
    assert stored(run)["BA"] == uploaded(services, run)["BA"] == right
    assert archive.stored(DAY)["BA"].source == Source.MANUAL
    _, second = messages(services)
    assert "BARI" in second
    assert "CAGLIARI" not in second


def test_old_numbers_go_nowhere_and_staff_are_notified(run: AutobotRun, services: Services) -> None:
    run.wheels.update(held=Held.OLD)
    assert settle(run) == {**dict.fromkeys(ALL_DONE, "skipped"), "telegram": "done"}
    assert stored(run) == {}
    (text,) = messages(services)
    assert "11" in text


def test_evening_without_a_draw_and_a_board_sends_nothing(services: Services) -> None:
    run = read(SUNDAY)
    run.wheels.all().delete()
    assert set(settle(run).values()) == {"skipped"}
    assert messages(services) == []


def test_a_stopped_run_does_nothing_more(run: AutobotRun, services: Services) -> None:
    runs.stop(by="the test")
    with pytest.raises(RunStopped):
        steps.settle(run, LEADER, threading.Event())
    assert stored(run) == {}
    assert messages(services) == []


def test_a_stop_in_the_middle_of_a_step_leaves_nothing_at_work(
    run: AutobotRun, services: Services
) -> None:
    """The AI takes its time; meanwhile somebody stops the run."""
    services.ai.faults.arm("slow", "openrouter.chat", delay_s=1)
    halt = threading.Event()

    def halt_while_it_is_asked() -> None:
        while services.ai.faults.listed():
            time.sleep(0.01)
        halt.set()

    threading.Thread(target=halt_while_it_is_asked, daemon=True).start()
    assert not steps.settle(run, LEADER, halt)
    assert step_states(run) == {**dict.fromkeys(ALL_DONE, "waiting"), "validate": "done"}
    run.steps.filter(name=StepName.UPLOAD).update(state="running")
    runs.stop(by="the test")
    assert step_states(run)["upload"] == "waiting"
    assert stored(run) == {}


# --- The day after --------------------------------------------------------------------------------


@pytest.fixture
def ended(run: AutobotRun, services: Services) -> AutobotRun:
    settle(run)
    runs.end(run, LEADER, RunState.COMPLETED, "")
    services.telegram.server.messages.clear()
    return again(run)


def says(day_wheels: dict[str, tuple[int, ...]]) -> None:
    lines = [
        "\t".join((f"{DAY:%Y/%m/%d}", wheel, *map(str, numbers))).encode()
        for wheel, numbers in day_wheels.items()
    ]
    ingest.store_lines(lines, source=Source.SYNC)


def test_run_is_verified_when_the_operator_confirms_it(
    ended: AutobotRun, services: Services
) -> None:
    steps.report_contradictions(ended)
    assert again(ended).verified_at is None
    says(drawn())
    steps.report_contradictions(ended)
    assert again(ended).verified_at is not None
    assert not selectors.to_be_verified(within=timedelta(days=7)).exists()
    assert messages(services) == []


def test_staff_are_notified_once_when_the_operator_differs(
    ended: AutobotRun, services: Services
) -> None:
    says({**drawn(), "BA": tuple(reversed(drawn()["BA"]))})
    steps.report_contradictions(ended)
    steps.report_contradictions(ended)
    (text,) = messages(services)
    assert "BARI" in text
    assert "CAGLIARI" not in text
    assert again(ended).verified_at is None


def test_a_notice_that_failed_is_sent_later(ended: AutobotRun, services: Services) -> None:
    says({**drawn(), "BA": tuple(reversed(drawn()["BA"]))})
    services.telegram.faults.arm("down", "telegram.message")
    steps.report_contradictions(ended)
    ended.steps.filter(name=StepName.NOTICE).update(due_at=timezone.now())
    steps.report_contradictions(ended)
    assert len(messages(services)) == 1
    archived(DAY - timedelta(days=1), {"BA": (1, 2, 3, 4, 5)})
    steps.report_contradictions(ended)
    assert len(messages(services)) == 1
