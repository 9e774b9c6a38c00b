"""Celery's beat: the schedule in the database, with a sign of life for its container."""

from __future__ import annotations

from typing import Any

from core.workers.alive import report_alive
from core.workers.scheduler import SteadyScheduler
from gateway_arq.schedule import WORKERS


class Scheduler(SteadyScheduler):
    """The schedule in the database, sent to the broker."""

    workers = WORKERS

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; returns the seconds until the next (at most 5, see `max_interval`)."""
        report_alive()
        return super().tick(*args, **kwargs)
