"""Runs for the tests: of a day with a draw, as they are after so much of the evening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.utils import timezone

from lotto import ingest
from lotto.rules import draw_day_before
from lotto.types import Draw, Source
from ocr import evidence, runs
from ocr.boards import Look, draw
from ocr.models import AutobotRun, AutobotWheel
from ocr.types import RunState
from sandbox import draws
from sandbox.testing import RunningLottoSite, RunningOpenRouter, RunningTelegram

DAY: Final = date(2026, 11, 24)  # a Tuesday
SUNDAY: Final = date(2026, 11, 22)
STREAM: Final = "http://127.0.0.1:9/live.m3u8"  # nobody is there
OWNER: Final = "a worker"


def drawn(day: date = DAY) -> dict[str, tuple[int, ...]]:
    """The sandbox's draw of that day."""
    return draws.invented(day)


def archived(day: date, wheels: Mapping[str, Sequence[int]] | None = None) -> None:
    """Let the archive have the draw of that day."""
    found = [Draw(day, w, tuple(n)) for w, n in (wheels or drawn(day)).items()]
    ingest.save(found, source=Source.SYNC)


def day_before_is_archived(day: date = DAY) -> None:
    archived(draw_day_before(day))


def begun(day: date = DAY, *, minutes: float = 45, **options: Any) -> AutobotRun:
    """A run that was started, of any day."""
    run = runs.start(by="the test", **options)
    run.day, run.until = day, timezone.now() + timedelta(minutes=minutes)
    run.save()
    return run


def read(day: date = DAY, *, doubtful: Sequence[str] = (), **options: Any) -> AutobotRun:
    """A run whose reading is over, leased to OWNER; a wheel in doubt lacks its last number."""
    run = begun(day, **options)
    runs.take(OWNER)
    rows = []
    for wheel, numbers in drawn(day).items():
        in_doubt = wheel in doubtful
        cells = [[number, 99.0, []] for number in numbers]
        if in_doubt:
            cells[4] = [None, 0.0, []]
        rows.append(AutobotWheel(run=run, wheel=wheel, cells=cells, is_taken=not in_doubt))
    runs.note_wheels(run, OWNER, rows)
    evidence.keep_board(run, draw({w: list(n) for w, n in drawn(day).items()}, Look("table")).image)
    runs.say(run, OWNER, state=RunState.VALIDATING, message="")
    return run


def again(run: AutobotRun) -> AutobotRun:
    return AutobotRun.objects.get(pk=run.pk)


def step_states(run: AutobotRun) -> dict[str, str]:
    return dict(run.steps.values_list("name", "state"))


def with_steps(run: AutobotRun) -> dict[str, Any]:
    return {step.name: step for step in run.steps.all()}


@dataclass(frozen=True)
class Services:
    """The upstreams that a run speaks to, but the television."""

    telegram: RunningTelegram
    ai: RunningOpenRouter
    site: RunningLottoSite
