"""Broken connections of this process: logged once when they fall and once when they are back."""

from __future__ import annotations

import logging
import random
import time
from typing import Final

logger = logging.getLogger(__name__)

DELAY_FIRST_S: Final = 0.1
MAX_DELAY_S: Final = 2.0


class Outage:
    """The outages of one connection, `name` in the logs; used by one thread or task."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began_at: float | None = None  # monotonic
        self._failures = 0

    def began(self, error: BaseException) -> float:
        """Note a failure, logged if the first in a row; returns the seconds before a retry."""
        if self._began_at is None:
            self._began_at = time.monotonic()
            logger.error("%s.lost error=%s", self._name, error)
        longest = min(DELAY_FIRST_S * 2 ** min(self._failures, 10), MAX_DELAY_S)
        self._failures += 1
        return random.uniform(longest / 2, longest)

    def over(self) -> None:
        """Note that it works; logged if it did not before."""
        if self._began_at is not None:
            logger.info("%s.recovered outage_s=%.1f", self._name, time.monotonic() - self._began_at)
        self._began_at, self._failures = None, 0
