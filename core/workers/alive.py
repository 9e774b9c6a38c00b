"""A worker's sign of life for the health check of its container: the age of a file."""

from __future__ import annotations

import math
import threading
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


def wait_alive(stopping: threading.Event, seconds: float = math.inf) -> None:
    """Wait until `stopping` is set or the time is over: who backs off for minutes lives."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not stopping.wait(min(left, TOUCH_EVERY_S)):
        report_alive()
