"""Celery's beat: the schedule in the database, with a sign of life for its container."""

from __future__ import annotations

from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from core.workers.alive import report_alive


class Scheduler(DatabaseScheduler):
    """The scheduler of django-celery-beat."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; returns the seconds until the next (at most 5, see `max_interval`)."""
        report_alive()
        return super().tick(*args, **kwargs)
