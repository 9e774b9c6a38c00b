"""The schedule of the embedded profile: the admin's periodic tasks, run inside this process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from celery import current_app
from celery.beat import ScheduleEntry
from django.db import DatabaseError

from core.lib.outage import Outage
from core.workers.scheduler import NO_WORKERS, SteadyScheduler

logger = logging.getLogger(__name__)


class LocalScheduler(SteadyScheduler):
    """Submits due tasks to the local pool; one still running is skipped, so runs never pile up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._running: dict[str, Future[None]] = {}
        super().__init__(*args, **kwargs)

    def apply_async(
        self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **_: Any
    ) -> None:
        entry = self.reserve(entry) if advance else entry
        name = str(entry.name)
        task = self.app.tasks.get(str(entry.task))
        if task is None:
            logger.error("beat.unknown_task entry=%s task=%s", entry.name, entry.task)
            return
        before = self._running.get(name)
        if before is None or before.done():
            self._running[name] = task.apply_async(entry.args, entry.kwargs)
        self._tasks_since_sync += 1
        if self.should_sync():
            self._do_sync()


def run_beat(stopping: threading.Event, *, workers: Mapping[str, str] = NO_WORKERS) -> None:
    """Tick until `stopping` is set; `workers` as the scheduler has them."""
    scheduler = LocalScheduler(app=current_app)
    scheduler.workers = workers
    database = Outage("beat.database")
    while not stopping.is_set():
        try:
            delay_s = scheduler.tick()
            database.over()
        except DatabaseError as exc:
            delay_s = database.began(exc)
        stopping.wait(min(delay_s, 1.0))
    scheduler.close()
