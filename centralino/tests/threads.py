"""Workers in a thread of their own, and waiting for what they do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections

SOON_S = 10


def soon(true: Callable[[], object], within_s: float = SOON_S) -> bool:
    """Whether it becomes true within `within_s`."""
    deadline = time.monotonic() + within_s
    while not (now := bool(true())) and time.monotonic() < deadline:
        time.sleep(0.01)
    return now


@contextmanager
def in_thread(work: Callable[[threading.Event], object]) -> Iterator[None]:
    """`work` beside the block, until the event that it is given is set at the end."""
    stopping = threading.Event()

    def run() -> None:
        try:
            work(stopping)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(SOON_S)
        assert not thread.is_alive()
