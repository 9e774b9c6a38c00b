"""A worker's sign of life for the health check of its container: the age of a file."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings

TOUCH_EVERY_S = 1.0
_next_touch = 0.0


def report_alive() -> None:
    """Touch ALIVE_FILE, at most once a second; does nothing without that setting.

    Called by what goes round in a worker's loop, whether it leads or stands by, and whether or not
    the outside world answers: a process that no longer does is to be replaced.
    """
    global _next_touch
    if settings.ALIVE_FILE and time.monotonic() >= _next_touch:
        _next_touch = time.monotonic() + TOUCH_EVERY_S
        Path(settings.ALIVE_FILE).touch()
