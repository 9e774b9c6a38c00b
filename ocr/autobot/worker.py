"""AutoBOT's worker: claims the unfinished run, in whichever state it is, and ends it.

Any number of processes may run it; one leads. When that one is killed or frozen another continues
within seconds, from what is stored (`docs/decisions/0015-autobot-a-run-is-a-row.md`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import Error as DatabaseFailure
from django.db import connection, connections
from django.utils import translation

from core.workers import services as workers
from core.workers.alive import report_alive
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership, run_as_leader
from core.workers.leases import LeaseLost
from ocr import reader_process, selectors
from ocr.autobot import capture, services, steps
from ocr.autobot.capture import Pace
from ocr.models import AutobotRun
from ocr.reader.types import PictureReader
from ocr.types import RunState, RunStopped

logger = logging.getLogger(__name__)

NAME: Final = "ocr.autobot"
POLL_EVERY_S: Final = 1.0  # for a run to claim
ASK_EVERY_S: Final = 1.0  # whether somebody stopped the run
NOTICE_EVERY_S: Final = 0.1  # that this process is to stop
COMPARE_EVERY_S: Final = 60.0
COMPARE_S: Final = 30.0  # the longest that it may take
COMPARED_FOR: Final = timedelta(days=7)
BEAT_EVERY_S: Final = 30.0


def run_autobot(
    stopping: threading.Event,
    *,
    reader: PictureReader | None = None,
    pace: Pace = capture.USUAL,
) -> None:
    """Work on runs as they come until `stopping` is set; None: this process's reader."""
    worker = _Worker(reader or reader_process.reader(), pace, stopping)
    with translation.override("en"):  # the language of the API, which returns the messages of a run
        run_as_leader(worker.leadership, worker.lead, stopping)
    connection.close()


class _Worker:
    """The leader's loop: a run if there is one, and what is done between two."""

    def __init__(self, reader: PictureReader, pace: Pace, stopping: threading.Event) -> None:
        self._reader, self._pace, self._stopping = reader, pace, stopping
        self.leadership = Leadership(NAME, DatabaseGuard("autobot"))
        self._compare_at = self._beat_at = 0.0  # monotonic

    def lead(self) -> None:
        """Until `stopping` is set or another process leads. LeaseLost, database errors."""
        while not self._stopping.is_set() and self.leadership.check(round_s=COMPARE_S):
            pause_s = POLL_EVERY_S
            try:
                self._go_round()
            except RunStopped:
                logger.info("autobot.run_stopped")
            except (LeaseLost, DatabaseFailure):
                raise
            except Exception as exc:  # a bug of ours; the run continues from its row
                logger.exception("autobot.failing")
                pause_s = workers.failed(NAME, exc)
            self.leadership.wait(self._stopping, pause_s)

    def _go_round(self) -> None:
        run = selectors.unfinished()
        if run is not None:
            work(run, self.leadership, self._stopping, self._reader, self._pace)
            self._beat_at = 0.0
        if time.monotonic() >= self._compare_at:
            self._compare_at = time.monotonic() + COMPARE_EVERY_S
            compare()
        if time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + BEAT_EVERY_S
            workers.ran_ok(NAME)


def work(
    run: AutobotRun,
    leadership: Leadership,
    stopping: threading.Event,
    reader: PictureReader,
    pace: Pace = capture.USUAL,
) -> None:
    """Bring the run to its end, or until it is stopped or `stopping` is set.

    Raises LeaseLost, RunStopped.
    """
    logger.info("autobot.claimed run=%s state=%s token=%s", run.pk, run.state, leadership.token)
    with _watching(run, leadership, stopping) as halt:
        if run.state in services.WATCHING:
            services.update(run, leadership, message="Watching the stream.")
            capture.watch(run, leadership, halt, reader, pace)
            if not halt.is_set():
                services.update(
                    run, leadership, state=RunState.VALIDATING, message="All that can be is read."
                )
        if not halt.is_set() and steps.settle(run, leadership, halt):
            _end(run, leadership)


def compare() -> None:
    """Compare the archive with what the runs of the last days published."""
    for run in selectors.to_be_verified(within=COMPARED_FOR):
        steps.report_contradictions(run)


def _end(run: AutobotRun, leadership: Leadership) -> None:
    has_board = bool(selectors.published(run) or selectors.held(run))
    is_good = has_board or not services.is_expected(run)
    state = RunState.COMPLETED if is_good else RunState.ERROR
    services.end(run, leadership, state, services.summary(run))


@contextmanager
def _watching(
    run: AutobotRun, leadership: Leadership, stopping: threading.Event
) -> Iterator[threading.Event]:
    """Watch in a thread for what ends the work; yields an event that is set then."""
    halt, done = threading.Event(), threading.Event()
    watch = threading.Thread(
        target=_watch, args=(run.pk, leadership, stopping, halt, done), name="autobot-halt",
        daemon=True,
    )  # fmt: skip
    watch.start()
    try:
        yield halt
    finally:
        done.set()
        watch.join()


def _watch(
    run_id: int,
    leadership: Leadership,
    stopping: threading.Event,
    halt: threading.Event,
    done: threading.Event,
) -> None:
    ask_at, beat_at = 0.0, time.monotonic()
    try:
        while not (done.wait(NOTICE_EVERY_S) or halt.is_set()):
            report_alive()
            now = time.monotonic()
            if stopping.is_set() or not leadership.leads:
                halt.set()
            elif now >= ask_at:
                ask_at = now + ASK_EVERY_S
                try:
                    if not selectors.is_unfinished(run_id):
                        halt.set()
                    if now >= beat_at:
                        beat_at = now + BEAT_EVERY_S
                        workers.ran_ok(NAME)
                except DatabaseFailure:
                    connection.close()
    finally:
        connections.close_all()
