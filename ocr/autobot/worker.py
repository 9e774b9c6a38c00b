"""AutoBOT's worker: claims the unfinished run, in whichever state it is, and ends it.

Any number of processes may run it; one holds the lease. When that one is killed another continues
within seconds, from what is stored (`docs/decisions/0015-autobot-a-run-is-a-row.md`).
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import Error as DatabaseFailure
from django.db import connection, connections
from django.utils import translation

from core.lib.outage import Outage
from core.workers import services as workers
from core.workers.alive import report_alive, wait_alive
from ocr import reader_process, selectors
from ocr.autobot import capture, services, steps
from ocr.autobot.capture import Pace
from ocr.models import AutobotRun
from ocr.reader.types import PictureReader
from ocr.types import LeaseLost, RunState

logger = logging.getLogger(__name__)

NAME: Final = "ocr.autobot"
POLL_EVERY_S: Final = 1.0  # for a run to claim
RENEW_EVERY_S: Final = 1.0
NOTICE_EVERY_S: Final = 0.1  # that this process is to stop
COMPARE_EVERY_S: Final = 60.0
COMPARED_FOR: Final = timedelta(days=7)
BEAT_EVERY_S: Final = 30.0


def run_autobot(
    stopping: threading.Event,
    *,
    reader: PictureReader | None = None,
    pace: Pace = capture.USUAL,
) -> None:
    """Work on runs as they come until `stopping` is set; None: this process's reader."""
    reader = reader or reader_process.reader()
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    database = Outage("autobot.database")
    compare_at = beat_at = 0.0
    with translation.override("en"):  # the language of the API, which returns the messages of a run
        while not stopping.is_set():
            report_alive()
            pause_s = POLL_EVERY_S
            try:
                run = services.claim(owner)
                if run is not None:
                    work(run, owner, stopping, reader, pace)
                    beat_at = 0.0
                if time.monotonic() >= compare_at:
                    compare_at = time.monotonic() + COMPARE_EVERY_S
                    compare()
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + BEAT_EVERY_S
                    workers.ran_ok(NAME)
                database.over()
            except LeaseLost:
                logger.info("autobot.lease_lost owner=%s", owner)
            except DatabaseFailure as exc:
                pause_s = database.began(exc)
                connection.close()
            except Exception as exc:  # a bug of ours; the run continues from its row
                logger.exception("autobot.failing")
                pause_s = workers.failed(NAME, exc)
            wait_alive(stopping, pause_s)
    connection.close()


def work(
    run: AutobotRun,
    owner: str,
    stopping: threading.Event,
    reader: PictureReader,
    pace: Pace = capture.USUAL,
) -> None:
    """Bring the run to its end, or until it is stopped or `stopping` is set. Raises LeaseLost."""
    logger.info("autobot.claimed run=%s state=%s owner=%s", run.pk, run.state, owner)
    with _renewing_lease(run, owner, stopping) as halt:
        if run.state in services.WATCHING:
            services.update(run, owner, message="Watching the stream.")
            capture.watch(run, owner, halt, reader, pace)
            if not halt.is_set():
                services.update(
                    run, owner, state=RunState.VALIDATING, message="All that can be is read."
                )
        if not halt.is_set() and steps.settle(run, owner, halt):
            _end(run, owner)
    services.release(run.pk, owner)


def compare() -> None:
    """Compare the archive with what the runs of the last days published."""
    for run in selectors.to_be_verified(within=COMPARED_FOR):
        steps.report_contradictions(run)


def _end(run: AutobotRun, owner: str) -> None:
    has_board = bool(selectors.published(run) or selectors.held(run))
    is_good = has_board or not services.is_expected(run)
    state = RunState.COMPLETED if is_good else RunState.ERROR
    services.end(run, owner, state, services.summary(run))


@contextmanager
def _renewing_lease(
    run: AutobotRun, owner: str, stopping: threading.Event
) -> Iterator[threading.Event]:
    """Renew the lease in a thread; yields an event that is set when the work is to stop."""
    halt, done = threading.Event(), threading.Event()
    renewal = threading.Thread(
        target=_renew_lease, args=(run.pk, owner, stopping, halt, done), name="autobot-lease",
        daemon=True,
    )  # fmt: skip
    renewal.start()
    try:
        yield halt
    finally:
        done.set()
        renewal.join()


def _renew_lease(
    run_id: int, owner: str, stopping: threading.Event, halt: threading.Event, done: threading.Event
) -> None:
    renew_at, lost_at = 0.0, time.monotonic() + services.LEASE_S
    beat_at = time.monotonic()
    try:
        while not done.wait(NOTICE_EVERY_S):
            report_alive()
            now = time.monotonic()
            if stopping.is_set() or now >= lost_at:
                halt.set()
            if halt.is_set() or now < renew_at:
                continue
            renew_at = now + RENEW_EVERY_S
            try:
                if services.renew(run_id, owner):
                    lost_at = now + services.LEASE_S
                else:
                    halt.set()  # stopped, or claimed by another worker
                if now >= beat_at:
                    beat_at = now + BEAT_EVERY_S
                    workers.ran_ok(NAME)
            except DatabaseFailure:
                connection.close()
    finally:
        connections.close_all()
