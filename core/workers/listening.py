"""A listener as a process of its own, for every `manage.py run_...`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from core.lib.postgres.limits import Role, run_process_as
from core.realtime.publish import close
from core.workers.alive import wait_alive


def run_until_stopped(listen: Callable[[threading.Event], None]) -> None:
    """Run a listener until SIGINT or SIGTERM, then flush what it published.

    A listener that returns by itself has nothing to do; its service must not end because of that.
    """
    run_process_as(Role.LISTENER)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    listen(stopping)
    wait_alive(stopping)
    close()
