"""Runs for the tests: of a day with a draw, as they are after so much of the evening."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from django.utils import timezone

from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership
from lotto import ingest
from lotto import selectors as archive
from lotto.draw_calendar import DrawCalendar
from lotto.types import Draw, Source
from ocr import selectors
from ocr.autobot import evidence, services, worker
from ocr.autobot.capture import Pace
from ocr.models import AutobotRun, AutobotWheel
from ocr.reader.types import PictureReader
from ocr.synthetic.boards import Appearance, Picture, draw
from ocr.types import RunState
from sandbox import draws
from sandbox.testing import (
    RunningLottoSite,
    RunningOpenRouter,
    RunningTelegram,
    RunningTelevision,
)

DAY: Final = date(2026, 11, 24)  # a Tuesday
SUNDAY: Final = date(2026, 11, 22)
STREAM: Final = "http://127.0.0.1:9/live.m3u8"  # nobody is there
LEADER: Final = Leadership("autobot.test", DatabaseGuard("autobot.test"))  # beside a real worker
ALL_DONE: Final = {"validate": "done", "archive": "done", "upload": "done", "telegram": "done"}
QUICK: Final = Pace(
    frame_s=0.2,
    lost_s=2.0,
    recheck_s=0.05,
    max_recheck_s=0.2,
    judge_again_s=0.2,
    busy_s=0.05,
)


def drawn(day: date = DAY) -> dict[str, tuple[int, ...]]:
    """The sandbox's draw of that day."""
    return draws.invented(day)


@cache
def board(day: date = DAY) -> Picture:
    """A picture of that day's draw; not to be changed."""
    return draw({w: list(n) for w, n in drawn(day).items()}, Appearance("table"))


def archived(day: date, wheels: Mapping[str, Sequence[int]] | None = None) -> None:
    """Let the archive have the draw of that day."""
    found = [Draw(day, w, tuple(n)) for w, n in (wheels or drawn(day)).items()]
    ingest.save(found, source=Source.SYNC)


def day_before_is_archived(day: date = DAY) -> None:
    before = DrawCalendar().before(day)
    assert before
    archived(before.day)


def begun(day: date = DAY, *, minutes: float = 45, **options: Any) -> AutobotRun:
    """A run that was started, of any day."""
    run = services.start(by="the test", **options)
    run.day, run.until = day, timezone.now() + timedelta(minutes=minutes)
    run.save()
    return run


def read(day: date = DAY, *, doubtful: Sequence[str] = (), **options: Any) -> AutobotRun:
    """A run whose reading is over, by LEADER; a wheel in doubt lacks its last number."""
    run = begun(day, **options)
    assert LEADER.take()
    rows = []
    for wheel, numbers in drawn(day).items():
        in_doubt = wheel in doubtful
        cells = [[number, 99.0, []] for number in numbers]
        if in_doubt:
            cells[4] = [None, 0.0, []]
        rows.append(AutobotWheel(run=run, wheel=wheel, cells=cells, is_taken=not in_doubt))
    services.store_wheels(run, LEADER, rows)
    evidence.store_board(run, board(day).image)
    services.update(run, LEADER, state=RunState.VALIDATING, message="")
    return run


def again(run: AutobotRun) -> AutobotRun:
    return AutobotRun.objects.get(pk=run.pk)


def step_states(run: AutobotRun) -> dict[str, str]:
    return dict(run.steps.values_list("name", "state"))


def with_steps(run: AutobotRun) -> dict[str, Any]:
    return {step.name: step for step in run.steps.all()}


@dataclass(frozen=True)
class Services:
    """The upstreams of a run, except for the television."""

    telegram: RunningTelegram
    ai: RunningOpenRouter
    site: RunningLottoSite


# --- Watching a worker ----------------------------------------------------------------------------


@contextmanager
def at_work(reader: PictureReader, pace: Pace = QUICK) -> Iterator[None]:
    """A worker in a thread, as the embedded profile has it."""
    stopping = threading.Event()
    thread = threading.Thread(
        target=worker.run_autobot,
        args=(stopping,),
        kwargs={"reader": reader, "pace": pace},
    )
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(60)
        assert not thread.is_alive()


def wait_for(what: Callable[[], Any], *, within_s: float = 60) -> float:
    """How long it took to become true."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within_s, AutobotRun.objects.values().first()
        time.sleep(0.05)
    return time.monotonic() - began


def is_over(run: AutobotRun) -> Callable[[], bool]:
    return lambda: again(run).is_over


def stored(day: date = DAY) -> dict[str, tuple[int, ...]]:
    """What the archive has of that day."""
    return {wheel: tuple(row.numbers) for wheel, row in archive.stored(day).items()}


def completed(run: AutobotRun) -> int:
    """How many wheels are published."""
    return len(selectors.published(run))


def grown(run: AutobotRun, minimum: int, *, within_s: float = 60) -> int:
    """As `completed`, once there are so many or the run is over."""
    wait_for(lambda: completed(run) >= minimum or again(run).is_over, within_s=within_s)
    return completed(run)


def requested(television: RunningTelevision, requests: int) -> None:
    """Wait until the gateway has made so many requests since the television was steered."""
    wait_for(lambda: television.server.request_count >= requests)
