"""On which days draws are held: the weekly rule of each period, holidays, and exceptions. Pure.

A draw that is due on a national holiday is held on the next working day, and those that follow
slide where that day is theirs; Sundays are never draw days. What the operator decided otherwise is
an exception: those of the past are in `draw_exceptions.tsv`, with where they are known from; staff
add others (`lotto.models.DrawException`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from lotto.holidays import holiday_on

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
_DAY: Final = timedelta(days=1)
_KNOWN: Final = Path(__file__).with_name("draw_exceptions.tsv")
# Between 4 November and 8 December there is no holiday: no draw of before slides into December.
_SETTLED: Final = (12, 1)
LAST_DAY: Final = date(2199, 12, 31)


class Period(NamedTuple):
    """The weekly rule from a day on; whether draws of holidays were moved, as a rule."""

    first: date
    weekdays: frozenset[int]
    moves_holidays: bool


# As the operator's archive shows it. From 1965 to 1989 it dates draws by their Saturday, be that
# Christmas; what it shows otherwise in the periods without a rule for holidays is an exception.
PERIODS: Final = (
    Period(date(1939, 1, 7), frozenset({SAT}), False),
    Period(date(1959, 1, 1), frozenset({SAT}), True),
    Period(date(1965, 1, 1), frozenset({SAT}), False),
    Period(date(1990, 1, 1), frozenset({SAT}), True),
    Period(date(1997, 3, 12), frozenset({WED, SAT}), True),
    Period(date(2005, 6, 21), frozenset({TUE, THU, SAT}), True),
    Period(date(2023, 7, 7), frozenset({TUE, THU, FRI, SAT}), True),
)
FIRST_DAY: Final = PERIODS[0].first


class Change(NamedTuple):
    """An exception: the draw due on one day is held on another one.

    Not `drawn_on`: it is cancelled. Not `due_on`: it is an extra draw. Both the same: only the time
    is another one.
    """

    due_on: date | None
    drawn_on: date | None
    begins_at: time | None  # in Rome; None: as usual
    note: str


class PlannedDraw(NamedTuple):
    """A draw: the day on which it is held, and that on which it is due by the weekly rule.

    `due_on` is None for an extra draw. `reason`: the holiday or the note of the exception that
    moved it; "" without, also when it only slid behind another one.
    """

    day: date
    due_on: date | None
    reason: str = ""
    begins_at: time | None = None  # in Rome; None: as usual

    @property
    def is_moved(self) -> bool:
        return self.day != self.due_on


class DrawCalendar:
    """The days of the draws from 1939 to 2199; the same exceptions make the same calendar."""

    def __init__(self, changes: Iterable[Change] = (), *, known: bool = True) -> None:
        """`changes` of staff replace those of the past that are `known` for the same draw."""
        self._changes = _merged(known_changes() if known else (), tuple(changes))

    def on(self, day: date) -> PlannedDraw | None:
        """The draw that is held on that day, if any."""
        return next((draw for draw in self._of_year(day.year) if draw.day == day), None)

    def between(self, first: date, last: date) -> Iterator[PlannedDraw]:
        """The draws that are held from `first` to `last`, oldest first."""
        for year in range(max(first, FIRST_DAY).year, min(last, LAST_DAY).year + 1):
            yield from (draw for draw in self._of_year(year) if first <= draw.day <= last)

    def before(self, day: date) -> PlannedDraw | None:
        """The last draw before that day; None: it was the first."""
        for year in range(min(day, LAST_DAY).year, FIRST_DAY.year - 1, -1):
            if found := [draw for draw in self._of_year(year) if draw.day < day]:
                return found[-1]
        return None

    def since(self, day: date) -> PlannedDraw | None:
        """The first draw on that day or after it; None: the calendar ends."""
        return next(self.between(day, LAST_DAY), None)

    def due(self, day: date) -> PlannedDraw | None:
        """The draw that is due on that day by the weekly rule, whenever it is held."""
        around = self.between(day - timedelta(days=60), day + timedelta(days=60))
        return next((draw for draw in around if draw.due_on == day), None)

    def _of_year(self, year: int) -> tuple[PlannedDraw, ...]:
        return _planned(year, self._changes)


def is_due(day: date) -> bool:
    """Whether a draw is due on that day by the weekly rule, holiday or not."""
    period = _period(day)
    return period is not None and day.weekday() in period.weekdays


@cache
def known_changes() -> tuple[Change, ...]:
    """The exceptions of the past, oldest first."""
    rows = (
        line.split("\t")
        for line in _KNOWN.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    return tuple(
        Change(
            None if due == "-" else date.fromisoformat(due),
            None if drawn == "-" else date.fromisoformat(drawn),
            None if at == "-" else time.fromisoformat(at),
            note,
        )
        for due, drawn, at, note in rows
    )


def _merged(known: tuple[Change, ...], ours: tuple[Change, ...]) -> tuple[Change, ...]:
    """Both; for a draw of which both say something, ours."""
    by_draw = {(each.due_on, each.due_on or each.drawn_on): each for each in known + ours}
    return tuple(by_draw.values())


def _period(day: date) -> Period | None:
    return next((period for period in reversed(PERIODS) if period.first <= day), None)


@lru_cache(1_024)
def _planned(year: int, changes: tuple[Change, ...]) -> tuple[PlannedDraw, ...]:
    """The draws that are held in a year, oldest first."""
    decided = {each.due_on: each for each in changes if each.due_on}
    held = {
        each.drawn_on: PlannedDraw(each.drawn_on, each.due_on, each.note, each.begins_at)
        for each in changes
        if each.drawn_on and abs(each.drawn_on.year - year) <= 1
    }
    day = max(date(year - 1, *_SETTLED), FIRST_DAY)
    while day.year <= year:
        if is_due(day) and day not in decided:
            on = _working_day(day, held)
            held[on] = PlannedDraw(on, day, holiday_on(day) if on != day else "")
        day += _DAY
    return tuple(held[day] for day in sorted(held) if day.year == year)


def _working_day(due: date, taken: Iterable[date]) -> date:
    """The day on which a draw is held that is due on `due`: no holiday, no Sunday, not taken."""
    period, day = _period(due), due
    moves = period is not None and period.moves_holidays
    while (moves and holiday_on(day)) or day.weekday() == SUN or day in taken:
        day += _DAY
    return day
