"""What both beats (Celery's and the embedded one) add to the schedule in the database.

- A job that failed is sent again when its backoff is over, not at its next turn in an hour.
- A clock that was ahead for a moment does not stop the schedule until it gets there again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from django.db import Error as DatabaseFailure
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler

from core.workers import services

RETRY_EVERY_S: Final = 1.0
NO_WORKERS: Final[Mapping[str, str]] = MappingProxyType({})
AHEAD: Final = timedelta(minutes=1)  # no run can have been so far in the future


class SteadyScheduler(DatabaseScheduler):
    """`workers` has, by task, the name under which the job reports its health."""

    workers = NO_WORKERS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._sent: dict[str, datetime] = {}  # by entry: the retry that was sent last
        self._next_retry = 0.0  # monotonic
        self._ticked_at = timezone.now()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; returns the seconds until the next."""
        with suppress(DatabaseFailure):  # the tick itself notices that it is away
            self._mend_times()
            self._retry()
        return super().tick(*args, **kwargs)

    def _mend_times(self) -> None:
        """Let runs that lie in the future be of now, and plan anew."""
        now = timezone.now()
        was_ahead = self._ticked_at > now + AHEAD
        self._ticked_at = now
        ahead = [one for one in self._entries() if one.model.last_run_at > now + AHEAD]
        for entry in ahead:
            entry.model.last_run_at = now
            self._dirty.add(entry.name)
        if ahead or was_ahead:
            self.sync()
            self._schedule, self._heap = self.all_as_schedule(), None
            self._last_full_sync = datetime.now()  # noqa: DTZ005 (naive, as the library has it)

    def _retry(self) -> None:
        if time.monotonic() < self._next_retry:
            return
        self._next_retry = time.monotonic() + RETRY_EVERY_S
        failed = services.failed_and_due()
        for entry in self._entries():
            retry_at = failed.get(self.workers.get(str(entry.task), ""))
            if retry_at is not None and self._sent.get(entry.name) != retry_at:
                self._sent[entry.name] = retry_at
                self.apply_async(entry, advance=False)

    def _entries(self) -> list[Any]:
        return list((self._schedule or {}).values())
