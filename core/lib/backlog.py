"""Facts that wait for the database: while it is away they stay in memory, within a bound."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final, Generic, TypeVar

logger = logging.getLogger(__name__)

MOST: Final = 100_000
Fact = TypeVar("Fact")


class Backlog(Generic[Fact]):
    """The newest `most` facts, oldest first: filled by any thread, stored by one.

    Beyond that the oldest are dropped. That is logged when it begins, and with their number when
    the others have been stored.
    """

    def __init__(self, name: str, *, most: int = MOST) -> None:
        self._name, self._most = name, most
        self._facts: deque[Fact] = deque()
        self._left = 0  # facts that have left at the front, stored or dropped
        self._given_to = 0  # what `_left` is once all that `first` gave has been stored
        self._dropped = 0  # since the last `stored`
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, facts: Iterable[Fact]) -> None:
        """Let these wait."""
        with self._lock:
            self._facts.extend(facts)
            surplus = len(self._facts) - self._most
            if surplus > 0:
                if not self._dropped:
                    logger.error("%s.losing most=%d", self._name, self._most)
                self._dropped += surplus
                self._leave(surplus)

    def first(self, count: int | None = None) -> list[Fact]:
        """The oldest `count`, or all; they wait on until `stored`."""
        with self._lock:
            facts = list(islice(self._facts, count))
            self._given_to = self._left + len(facts)
        return facts

    def stored(self) -> None:
        """What `first` gave last is in the database."""
        with self._lock:
            self._leave(max(0, self._given_to - self._left))  # some may have been dropped meanwhile
            if self._dropped:
                logger.error("%s.lost count=%d", self._name, self._dropped)
                self._dropped = 0

    def _leave(self, count: int) -> None:
        for _ in range(count):
            self._facts.popleft()
        self._left += count
