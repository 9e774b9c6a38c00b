"""What waits between the thread that reads a connection and the one that takes its events."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final, Generic, TypeVar

from centralino.types import AmiError, Overflow

T = TypeVar("T")

ROOM_BYTES: Final = 32 * 1024 * 1024  # about 90,000 events, half a minute of a busy switchboard
PIECE: Final = 100  # events that are taken at once: they fit a processor's cache


class EventQueue(Generic[T]):
    """Events in order, up to `room` bytes; beyond it they are dropped, counted and announced."""

    def __init__(self, room: int = ROOM_BYTES) -> None:
        self._room = room
        self._pieces: deque[tuple[list[T], int] | Overflow] = deque()
        self._held = 0  # bytes
        self._error: AmiError | None = None
        self._news = threading.Condition()

    def put(self, events: list[T], size: int) -> None:
        """Add `events` of together `size` bytes, or note that they are lost."""
        with self._news:
            last = self._pieces[-1] if self._pieces else None
            if self._held + size > self._room:
                self._lose(len(events), last)
            elif isinstance(last, tuple) and len(last[0]) + len(events) <= PIECE:
                last[0].extend(events)
                self._pieces[-1] = (last[0], last[1] + size)
                self._held += size
            else:
                self._add(events, size)
            self._news.notify()

    def _add(self, events: list[T], size: int) -> None:
        for start in range(0, len(events), PIECE):
            piece = events[start : start + PIECE]
            share = size * len(piece) // len(events)
            self._pieces.append((piece, share))
            self._held += share

    def _lose(self, count: int, last: tuple[list[T], int] | Overflow | None) -> None:
        if isinstance(last, Overflow):
            self._pieces[-1] = Overflow(last.lost + count)
        else:
            self._pieces.append(Overflow(count))

    def end(self, error: AmiError) -> None:
        """Nothing more will come, because of `error`; the first one counts."""
        with self._news:
            self._error = self._error or error
            self._news.notify()

    @property
    def ended(self) -> AmiError | None:
        """Why nothing more will come."""
        return self._error

    def take(self, within_s: float) -> list[T] | Overflow | None:
        """The next events, or where some are missing; None when none came within `within_s`.

        Raises what it ended with, once everything before was taken.
        """
        with self._news:
            self._news.wait_for(lambda: self._pieces or self._error, within_s)
            if not self._pieces:
                if self._error:
                    raise self._error
                return None
            piece = self._pieces.popleft()
            if isinstance(piece, Overflow):
                return piece
            self._held -= piece[1]
            return piece[0]
