"""The buffer between the thread that reads a connection and the one that uses its events."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final, Generic, TypeVar

from centralino.types import Overflow
from core.lib.upstream import UpstreamError

T = TypeVar("T")

MAX_BYTES: Final = 32 * 1024 * 1024  # about 90,000 events, half a minute of a busy PBX
CHUNK_SIZE: Final = 100  # events: they fit a processor's cache


class EventQueue(Generic[T]):
    """Events in order, up to `max_bytes`; beyond it they are dropped, counted and announced."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._chunks: deque[tuple[list[T], int] | Overflow] = deque()
        self._bytes = 0
        self._error: UpstreamError | None = None
        self._changed = threading.Condition()

    def put(self, events: list[T], size: int) -> None:
        """Add `events` of `size` bytes in total, or count them as lost."""
        with self._changed:
            last = self._chunks[-1] if self._chunks else None
            if self._bytes + size > self._max_bytes:
                self._lose(len(events), last)
            elif isinstance(last, tuple) and len(last[0]) + len(events) <= CHUNK_SIZE:
                last[0].extend(events)
                self._chunks[-1] = (last[0], last[1] + size)
                self._bytes += size
            else:
                self._add(events, size)
            self._changed.notify()

    def _add(self, events: list[T], size: int) -> None:
        for start in range(0, len(events), CHUNK_SIZE):
            chunk = events[start : start + CHUNK_SIZE]
            share = size * len(chunk) // len(events)
            self._chunks.append((chunk, share))
            self._bytes += share

    def _lose(self, count: int, last: tuple[list[T], int] | Overflow | None) -> None:
        if isinstance(last, Overflow):
            self._chunks[-1] = Overflow(last.lost + count)
        else:
            self._chunks.append(Overflow(count))

    def end(self, error: UpstreamError) -> None:
        """Close the queue because of `error`; the first one counts."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify()

    @property
    def ended(self) -> UpstreamError | None:
        """The error that closed the queue, None while it is open."""
        return self._error

    def get(self, within_s: float) -> list[T] | Overflow | None:
        """The next events, or an Overflow where some are missing; None after `within_s`.

        Raises the error that closed the queue, once it is empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._chunks or self._error, within_s)
            if not self._chunks:
                if self._error:
                    raise self._error
                return None
            chunk = self._chunks.popleft()
            if isinstance(chunk, Overflow):
                return chunk
            self._bytes -= chunk[1]
            return chunk[0]
