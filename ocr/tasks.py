"""The schedule's entry points; when each runs is set in the admin (periodic tasks)."""

from __future__ import annotations

import logging

from celery import shared_task

from core.lib.days import local_day
from core.workers.jobs import run_job
from lotto import selectors as archive
from ocr import selectors
from ocr.autobot import evidence, services
from ocr.types import RunBusy, RunRefused

logger = logging.getLogger(__name__)


@shared_task(name=selectors.START_TASK, soft_time_limit=30)
def autobot() -> None:
    """Begin the evening's run, on days with a draw; a worker claims it."""
    if archive.calendar().on(local_day()) is None:
        logger.info("autobot.no_draw day=%s", local_day())
        return
    try:
        services.start(by="schedule")
    except (RunBusy, RunRefused) as exc:
        logger.warning("autobot.not_started error=%s", exc)


@shared_task(name="ocr.prune", soft_time_limit=600)
def prune() -> None:
    run_job("ocr.prune", evidence.prune)
