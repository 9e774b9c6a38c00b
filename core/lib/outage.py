"""Broken connections of this process: logged once when lost and once when recovered."""

from __future__ import annotations

import logging
import random
import time
from typing import Final

logger = logging.getLogger(__name__)

FIRST_DELAY_S: Final = 0.1
MAX_DELAY_S: Final = 2.0
TRIED_WITHIN_S: Final = 15.0  # of a failure, by whoever tries on; later says nothing of between


class Outage:
    """The outages of one connection, `name` in the logs; threads may share it.

    One is over `settled_s` after its last failure, if something succeeds then: of a connection on
    which some work fails and some does not, turn and turn about.
    """

    def __init__(self, name: str, *, separator: str = ".", settled_s: float = 0.0) -> None:
        self._event = name + separator  # `lost` or `recovered` follows
        self._settled_s = settled_s
        self._began_at: float | None = None  # monotonic
        self._failed_at = 0.0  # monotonic, last
        self._works_since: float | None = None  # monotonic, after that
        self._failures = 0

    def began(self, error: BaseException) -> float:
        """Note a failure, logged if the first in a row; returns the seconds before a retry."""
        self._failed_at, self._works_since = time.monotonic(), None
        if self._began_at is None:
            self._began_at = self._failed_at
            logger.error("%slost error=%s", self._event, error)
        max_delay_s = min(FIRST_DELAY_S * 2 ** min(self._failures, 10), MAX_DELAY_S)
        self._failures += 1
        return random.uniform(max_delay_s / 2, max_delay_s)

    def over(self) -> None:
        """Note a success, logged if it ends an outage: how long it was, as far as anybody tried."""
        self._failures = 0
        if self._began_at is None:
            return
        now = time.monotonic()
        over_at = self._works_since = self._works_since or now
        if now < self._failed_at + self._settled_s:
            return
        began_at, self._began_at = self._began_at, None
        if began_at is not None:  # no other thread was quicker
            over_at = min(over_at, self._failed_at + TRIED_WITHIN_S)
            logger.info("%srecovered outage_s=%.1f", self._event, over_at - began_at)
