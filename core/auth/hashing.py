"""Passwords hashed one after the other, so that wrong logins leave the process to everybody else.

A hash takes half a second of a processor. As many logins as there are threads for HTTP would leave
none for anything else, whoever asks and from however many addresses.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

RETRY_S: Final = 2


class TooManyHashes(Exception):
    """As many passwords are being hashed as may be: try again in RETRY_S."""


class HashQueue:
    """Lets one in at a time, and `places` in all; the others are refused at once. Thread-safe."""

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._turn = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, which lasts as long as the block. Raises TooManyHashes."""
        if not self._places.acquire(blocking=False):
            raise TooManyHashes
        try:
            with self._turn:
                yield
        finally:
            self._places.release()


# Half of the threads at most: the others go on serving.
_queue: Final = HashQueue(max(1, settings.HTTP_THREADS // 2))


class QueuedPasswordHasher(PBKDF2PasswordHasher):
    """Django's own hash, in turn; `verify` goes through `encode` as well."""

    def encode(self, password: str, salt: Any, iterations: int | None = None) -> str:
        """Raises TooManyHashes."""
        with _queue.turn():
            return super().encode(password, salt, iterations)
