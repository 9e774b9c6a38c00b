"""Draws and predictions of the old database.

Nothing else in the gateway waits for it. Each query has a connection of its own; at most two run at
a time, of the four threads that serve HTTP; and after one that got no response there are none for
five seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, OperationalError, connections

from core.lib.outage import Outage
from core.lib.upstream import NotConfigured, UpstreamError
from lotto.rules import ROME, drawn_day_of, wheel_of
from lotto.rules import numbers_of as drawn_numbers
from lotto.types import FIRST_DAY, WHEELS, RuleError
from ocr.legacy.models import NUMBERS, LegacyExtraction, LegacyPrediction
from ocr.legacy.place import ALIAS, NOWHERE
from ocr.legacy.riscontri import Prediction, Riscontro, numbers_of, riscontro, wheels_of

logger = logging.getLogger(__name__)

MAX_CONCURRENT: Final = 2
MAX_WAIT_S: Final = 0.25  # of a query, for a place among those that run
RETRY_S: Final = 5.0
WRONG_TABLES: Final = {1054, 1142, 1143}  # MySQL: no such column; no right to the table, the column
UNAVAILABLE: Final = "The legacy database does not answer. Try again."
MAX_PREDICTIONS: Final = 20_000  # that are compared for one response


@dataclass(frozen=True)
class LegacyDraw:
    """The numbers of a day by wheel, in the operator's order; incomplete while they come in."""

    day: date
    wheels: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class UnreadableRow:
    """A row that is no prediction, and why."""

    id: int
    reason: str


@dataclass(frozen=True)
class Followed:
    """The last draw, and every prediction of some days against it, newest first."""

    draw: LegacyDraw
    riscontri: list[Riscontro]
    unreadable: list[UnreadableRow]


class TooMany(ValueError):
    """There are more predictions than one response has room for; the message is for people."""


class _Unavailable:
    """The outage, if there is one: logged once when it begins and once when it is over."""

    def __init__(self) -> None:
        self._lock, self._log, self._until = threading.Lock(), Outage("legacy"), 0.0

    def refuse(self) -> None:
        """Raises UpstreamError during the pause after a failure."""
        left_s = self._until - time.monotonic()
        if left_s > 0:
            raise UpstreamError(UNAVAILABLE, retry_after_s=left_s)

    def began(self, error: Exception) -> None:
        with self._lock:
            self._log.began(error)
            self._until = time.monotonic() + RETRY_S

    def over(self) -> None:
        with self._lock:
            self._log.over()
            self._until = 0.0


class _Places:
    """The queries that run now. None waits behind one that has run for MAX_WAIT_S already."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(MAX_CONCURRENT)
        self._since: dict[int, float] = {}  # by thread

    def enter(self) -> bool:
        """Whether a place is free before the oldest query has run for MAX_WAIT_S."""
        now = time.monotonic()
        oldest = min(list(self._since.values()), default=now)
        if not self._free.acquire(timeout=max(0.0, oldest + MAX_WAIT_S - now)):
            return False
        self._since[threading.get_ident()] = time.monotonic()
        return True

    def leave(self) -> None:
        del self._since[threading.get_ident()]
        self._free.release()


_unavailable, _places = _Unavailable(), _Places()


def is_on() -> bool:
    """Whether an old database is configured."""
    return bool(connections[ALIAS].settings_dict["ENGINE"] != NOWHERE["ENGINE"])


def days(limit: int) -> list[date]:
    """The newest so many days with a draw, newest first. Raises NotConfigured or UpstreamError."""
    with _querying():
        return _days(limit)


def last_draw() -> LegacyDraw | None:
    """The newest draw. Raises NotConfigured or UpstreamError."""
    with _querying():
        newest = _days(1)
        return _draw(newest[0]) if newest else None


def followed(by_days: int) -> Followed | None:
    """The predictions for the newest so many draws against the last one; None without a draw.

    Raises TooMany, NotConfigured or UpstreamError.
    """
    with _querying():
        newest = _days(by_days)
        if not newest:
            return None
        draw, rows = _draw(newest[0]), _predictions(newest)
    followed = Followed(draw, [], [])
    for row in rows:
        try:
            each = _prediction(row)
        except RuleError as exc:
            followed.unreadable.append(UnreadableRow(row.pk, str(exc)))
        else:
            colpo = _colpo(each, newest)
            followed.riscontri.append(riscontro(each, draw.wheels, colpo=colpo))
    return followed


def _days(limit: int) -> list[date]:
    found: list[date] = []
    rows = LegacyExtraction.objects.drawn().filter(
        day__gte=_raw(FIRST_DAY), day__lte=_raw(datetime.now(ROME).date())
    )
    while len(found) < limit:
        page = list(rows.values_list("day", flat=True).distinct().order_by("-day")[:limit])
        if not page:
            break
        found += [day for raw in page if (day := _day_of(raw))]
        rows = rows.filter(day__lt=page[-1])  # in place of what was no day
    return found[:limit]


def _draw(day: date) -> LegacyDraw:
    found: dict[str, set[tuple[int, ...]]] = {}
    rows = LegacyExtraction.objects.drawn().filter(day=_raw(day))
    for name, *cells in rows.values_list("wheel", *NUMBERS):
        with suppress(RuleError, ValueError):
            numbers = drawn_numbers([int(cell) for cell in cells])
            found.setdefault(wheel_of(_text(name)), set()).add(numbers)
    # A wheel that is there twice, as BA and as Bari, with other numbers is in doubt: left out.
    return LegacyDraw(
        day, {wheel: min(found[wheel]) for wheel in WHEELS if len(found.get(wheel, ())) == 1}
    )


def _predictions(newest: Sequence[date]) -> list[LegacyPrediction]:
    rows = LegacyPrediction.objects.filter(day__gte=_raw(newest[-1]), day__lte=_raw(newest[0]))
    found = list(rows.order_by("-day", "pk")[: MAX_PREDICTIONS + 1])
    if len(found) > MAX_PREDICTIONS:
        raise TooMany(f"There are over {MAX_PREDICTIONS} predictions: ask for fewer dates.")
    return found


def _prediction(row: LegacyPrediction) -> Prediction:
    """The row as it is meant. Raises RuleError."""
    day = _day_of(row.day)
    if day is None:
        raise RuleError(f"{_text(row.day)[:40]!r} is not a day of a draw as YYYYMMDD.")
    wheels, numbers = wheels_of(_text(row.wheels)), numbers_of(_text(row.numbers))
    return Prediction(row.pk, day, wheels, numbers, _text(row.note))


def _colpo(prediction: Prediction, newest: Sequence[date]) -> int:
    return sum(day >= prediction.day for day in newest)


def _day_of(raw: Any) -> date | None:
    text = _text(raw)
    try:
        return drawn_day_of(f"{text[:4]}-{text[4:6]}-{text[6:]}") if len(text) == 8 else None
    except RuleError:
        return None


def _text(cell: Any) -> str:
    """A cell of a table that is not ours: a number where a text belongs, or bytes."""
    if isinstance(cell, bytes):
        return cell.decode(errors="backslashreplace")
    return "" if cell is None else str(cell)


def _raw(day: date) -> str:
    return day.isoformat().replace("-", "")


def _is_unavailable(error: Exception) -> bool:
    is_known = bool(error.args) and error.args[0] in WRONG_TABLES
    return isinstance(error, (OperationalError, InterfaceError)) and not is_known


@contextmanager
def _querying() -> Iterator[None]:
    """Hold a place, and close the connection in the end. Raises NotConfigured or UpstreamError."""
    if not is_on():
        raise NotConfigured("The legacy database is not configured.")
    _unavailable.refuse()
    if not _places.enter():
        raise UpstreamError(
            "Others are asking the legacy database. Try again.", retry_after_s=RETRY_S
        )
    try:
        _unavailable.refuse()  # it may have begun while we waited
        yield
        _unavailable.over()
    except (DatabaseError, InterfaceError) as exc:
        if _is_unavailable(exc):
            _unavailable.began(exc)
            raise UpstreamError(UNAVAILABLE, retry_after_s=RETRY_S) from exc
        logger.error("legacy.unreadable error=%s", exc)
        raise UpstreamError("The legacy database is not as documented.") from exc
    finally:
        connections[ALIAS].close()
        _places.leave()
