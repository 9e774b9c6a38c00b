"""The newest events, kept once for all clients of a process."""

from __future__ import annotations

from collections import deque
from typing import Final

from core.realtime.log import Batch, LoggedEvent

CHUNK: Final = 64


class EventBuffer:
    """The last `length` entries of the log, of one epoch, their seqs without a gap."""

    def __init__(self, length: int) -> None:
        self.epoch = ""
        self.last = 0  # seq of the newest entry, 0 before the first batch
        self._entries: deque[LoggedEvent] = deque(maxlen=length)

    def add(self, batch: Batch) -> None:
        """Append a batch, or start anew with it if it is fresh."""
        if batch.fresh:
            self._entries.clear()
        self._entries.extend(batch.entries)
        self.epoch, self.last = batch.epoch, batch.entries[-1].seq

    def reaches(self, epoch: str, seq: int) -> bool:
        """Whether everything that came after `seq` is here."""
        return epoch == self.epoch and self.last - len(self._entries) <= seq <= self.last

    def after(self, seq: int) -> list[LoggedEvent]:
        """The first CHUNK entries after `seq`, oldest first; `seq` must be within reach."""
        new = self.last - seq
        return [self._entries[index] for index in range(-new, min(0, CHUNK - new))]
