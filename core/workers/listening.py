"""A listener as a process of its own: what every `manage.py run_...` does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from core.realtime.publish import close, get_log


def run_until_stopped(listen: Callable[[threading.Event], None]) -> None:
    """Run a listener until SIGINT or SIGTERM, and see that what it published gets out.

    One that returns by itself had nothing to do; a service must not end because of that.
    """
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    get_log().start_new_epoch()  # the one before us may have been killed between commit and publish
    listen(stopping)
    stopping.wait()
    close()
