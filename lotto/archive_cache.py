"""The whole archive in memory, in columns, for queries of draws, statistics and searches.

One megabyte, read again when the archive has changed (`ingest.version`), a few times a day. In SQL
the statistics scan all rows for each query, and a thousand rows of a range take five times as long
(docs/decisions/0010-the-archive-in-memory.md).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import date
from functools import cached_property, lru_cache
from typing import Final, Literal

import numpy as np
from django.db import OperationalError
from numpy.typing import NDArray

from lotto.ingest import archive_lines, version
from lotto.statistics import PAIRS, DelayTable, Found, delays, number_items, pair_items
from lotto.types import ALL, CITIES, DRAWN, HIGHEST, WHEELS, Draw

Kind = Literal["numbers", "pairs"]
_CODES: Final = tuple(WHEELS)
_MAX_TABLES: Final = 64  # cached of one archive

_MAX_WAIT_S: Final = 2.0

_lock = threading.Lock()
_newest: tuple[str, History] | None = None


class History:
    """Every draw, by day and then wheel. Threads may share it: it never changes."""

    def __init__(
        self,
        days: NDArray[np.datetime64],
        wheels: NDArray[np.uint8],
        numbers: NDArray[np.uint8],
    ) -> None:
        """`days` (n), `wheels` (n) as places in WHEELS, `numbers` (n, 5) in the order drawn."""
        self.days, self.wheels, self.numbers = days, wheels, numbers
        self.table = lru_cache(_MAX_TABLES)(self._table)

    @classmethod
    def of_lines(cls, lines: Iterable[bytes]) -> History:
        """From the lines of the operator's file, in its order."""
        text = b"\n".join(lines).replace(b"/", b"\t")
        for place, code in enumerate(WHEELS):
            text = text.replace(b"\t%s\t" % code.encode(), b"\t%d\t" % place)
        cells = np.fromstring(text.decode(), np.int32, sep="\t").reshape(-1, 4 + DRAWN)
        year, month, day = cells[:, 0], cells[:, 1], cells[:, 2]
        months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
        days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
        return cls(days, cells[:, 3].astype(np.uint8), cells[:, 4:].astype(np.uint8))

    def draws(self, rows: NDArray[np.int64]) -> list[Draw]:
        """The draws in these rows."""
        columns = (
            self.days[rows].tolist(),
            self.wheels[rows].tolist(),
            self.numbers[rows].tolist(),
        )
        return [
            Draw(day, _CODES[wheel], tuple(numbers))
            for day, wheel, numbers in zip(*columns, strict=True)
        ]

    def rows(
        self, wheel: str | None, first: date | None = None, last: date | None = None
    ) -> NDArray[np.int64]:
        """The rows of one wheel, of ALL, or of every wheel (None), `last` included."""
        begin = np.searchsorted(self.days, np.datetime64(first)) if first else 0
        end = np.searchsorted(self.days, np.datetime64(last), "right") if last else len(self.days)
        if wheel is None:
            return np.arange(begin, end)
        places = [_CODES.index(code) for code in (CITIES if wheel == ALL else (wheel,))]
        return begin + np.flatnonzero(np.isin(self.wheels[begin:end], places))

    @cached_property
    def all_days(self) -> NDArray[np.datetime64]:
        """The days with a draw, ascending."""
        return np.unique(self.days)

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of draws of each wheel that has any."""
        counts = np.bincount(self.wheels, minlength=len(_CODES)).tolist()
        return {code: count for code, count in zip(_CODES, counts, strict=True) if count}

    def find(
        self,
        numbers: Iterable[int],
        *,
        wheel: str,
        at_least: int,
        first: date | None = None,
        last: date | None = None,
    ) -> Found:
        """The draws with `at_least` so many of `numbers` on the wheel, or on one wheel of ALL.

        Both days belong to the range.
        """
        rows = self.rows(wheel, first, last)
        wanted = np.zeros(HIGHEST + 1, np.int64)
        wanted[list(numbers)] = 1
        hits = wanted[self.numbers[rows]].sum(axis=1)
        chosen = np.flatnonzero(hits >= at_least)[::-1]
        found = rows[chosen]
        units = self._day_places[rows]
        draws = len(np.unique(units))
        delay = len(np.unique(units[units > self._day_places[found[0]]])) if len(found) else draws
        return Found(found, hits[chosen], draws, delay)

    @cached_property
    def _day_places(self) -> NDArray[np.int64]:
        """The place of each row's day in `all_days`."""
        return np.searchsorted(self.all_days, self.days)

    def _table(
        self, kind: Kind, wheel: str, first: date | None = None, last: date | None = None
    ) -> DelayTable:
        """The delays of numbers or pairs on a wheel, or on ALL; both days belong to the range."""
        rows = self.rows(wheel, first, last)
        days, units = np.unique(self.days[rows], return_inverse=True)
        make, kinds = (number_items, HIGHEST) if kind == "numbers" else (pair_items, PAIRS)
        return DelayTable(
            days, delays(make(self.numbers[rows]), units, kinds=kinds, draws=len(days))
        )


def history() -> History:
    """The archive as it is now.

    One thread reads it; OperationalError for those who have waited for that for long.
    """
    global _newest
    now = version()
    newest = _newest
    if newest is None or newest[0] != now:
        if not _lock.acquire(timeout=_MAX_WAIT_S):
            raise OperationalError("the archive takes long to read")
        try:
            if _newest is None or _newest[0] != now:
                _newest = (now, History.of_lines(archive_lines()))
            newest = _newest
        finally:
            _lock.release()
    return newest[1]
