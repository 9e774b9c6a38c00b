"""Facts that wait for the database: while it is away they stay in memory, within a bound."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final, Generic, TypeVar

logger = logging.getLogger(__name__)

MAX_ITEMS: Final = 100_000
Item = TypeVar("Item")


class Backlog(Generic[Item]):
    """The newest `most` facts, oldest first: filled by any thread, stored by one.

    Beyond that the oldest are dropped. That is logged when it begins, and with their number when
    the others have been stored.
    """

    def __init__(self, name: str, *, maximum: int = MAX_ITEMS) -> None:
        self._name, self._maximum = name, maximum
        self._items: deque[Item] = deque()
        self._left = 0  # facts that have left at the front, stored or dropped
        self._given_to = 0  # what `_left` is once all that `first` gave has been stored
        self._dropped = 0  # since the last `stored`
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, items: Iterable[Item]) -> None:
        """Let these wait."""
        with self._lock:
            self._items.extend(items)
            surplus = len(self._items) - self._maximum
            if surplus > 0:
                if not self._dropped:
                    logger.error("%s.losing most=%d", self._name, self._maximum)
                self._dropped += surplus
                self._leave(surplus)

    def first(self, count: int | None = None) -> list[Item]:
        """The oldest `count`, or all; they wait on until `stored`."""
        with self._lock:
            items = list(islice(self._items, count))
            self._given_to = self._left + len(items)
        return items

    def stored(self) -> None:
        """What `first` gave last is in the database."""
        with self._lock:
            self._leave(max(0, self._given_to - self._left))  # some may have been dropped meanwhile
            if self._dropped:
                logger.error("%s.lost count=%d", self._name, self._dropped)
                self._dropped = 0

    def _leave(self, count: int) -> None:
        for _ in range(count):
            self._items.popleft()
        self._left += count
