"""The calendar of the draws beside the real archive: every day since 1939."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotto.draw_calendar import (
    FIRST_DAY,
    Change,
    DrawCalendar,
    PlannedDraw,
    is_due,
    known_changes,
)
from lotto.holidays import holiday_on, holidays_of

CALENDAR = DrawCalendar()
BY_RULE = DrawCalendar(known=False)
FRIDAYS_SINCE = date(2023, 7, 4)  # the Tuesday of the first week with a Friday draw
CHRISTMAS = Change(date(2025, 12, 25), date(2025, 12, 24), time(18, 30), "Brought forward.")


@pytest.fixture(scope="module")
def drawn(archive: bytes) -> list[date]:
    """The days of the real archive, ascending."""
    texts = sorted({line[:10].decode() for line in archive.splitlines()})
    return [date.fromisoformat(text.replace("/", "-")) for text in texts]


def days(calendar: DrawCalendar, first: date, last: date) -> list[date]:
    return [draw.day for draw in calendar.between(first, last)]


def test_every_draw_since_1939_is_explained_and_none_is_missing(drawn: list[date]) -> None:
    assert days(CALENDAR, FIRST_DAY, drawn[-1]) == drawn


def test_the_rule_alone_is_right_on_607_of_608_draws(drawn: list[date]) -> None:
    real = [day for day in drawn if day >= FRIDAYS_SINCE]
    planned = days(BY_RULE, FRIDAYS_SINCE, drawn[-1])
    assert (len(real), len(set(real) & set(planned))) == (608, 607)
    assert set(real) ^ set(planned) == {date(2025, 12, 24), date(2025, 12, 31)}


def test_with_the_exception_that_staff_enter_it_is_right_on_608(drawn: list[date]) -> None:
    real = [day for day in drawn if day >= FRIDAYS_SINCE]
    calendar = DrawCalendar([CHRISTMAS], known=False)
    assert days(calendar, FRIDAYS_SINCE, drawn[-1]) == real


def test_the_draw_before_is_the_one_that_the_archive_has(drawn: list[date]) -> None:
    before = [CALENDAR.before(day) for day in drawn[-608:]]
    assert [draw.day for draw in before if draw] == drawn[-609:-1]
    assert CALENDAR.before(FIRST_DAY) is None


@pytest.mark.parametrize("change", known_changes(), ids=lambda change: str(change[1] or change[0]))
def test_no_known_exception_is_idle(change: Change) -> None:
    around = change.due_on or change.drawn_on
    assert around
    bounds = around - timedelta(days=30), around + timedelta(days=30)
    others = [each for each in known_changes() if each != change]
    assert days(DrawCalendar(others, known=False), *bounds) != days(CALENDAR, *bounds)
    assert change.note
    assert change.due_on is None or is_due(change.due_on)


def test_the_immaculate_conception_moves_a_draw_and_no_other_one() -> None:
    week = list(CALENDAR.between(date(2026, 12, 6), date(2026, 12, 12)))
    assert week == [
        PlannedDraw(date(2026, 12, 9), date(2026, 12, 8), "Immacolata Concezione"),
        PlannedDraw(date(2026, 12, 10), date(2026, 12, 10)),
        PlannedDraw(date(2026, 12, 11), date(2026, 12, 11)),
        PlannedDraw(date(2026, 12, 12), date(2026, 12, 12)),
    ]
    assert [draw.is_moved for draw in week] == [True, False, False, False]


def test_what_follows_a_moved_draw_slides() -> None:
    """As announced for the end of 2025: 25 -> 24, 26 -> 27, 27 -> 29 December, 1 -> 2 January."""
    found = days(CALENDAR, date(2025, 12, 23), date(2026, 1, 9))
    december = [date(2025, 12, day) for day in (23, 24, 27, 29, 30)]
    assert found == december + [date(2026, 1, day) for day in (2, 3, 5, 7, 8, 9)]
    christmas = CALENDAR.on(date(2025, 12, 24))
    assert christmas
    assert christmas.begins_at == time(18, 30)


@pytest.mark.parametrize(
    ("change", "gone", "new"),
    [
        (Change(date(2026, 12, 10), None, None, ""), date(2026, 12, 10), None),
        (Change(None, date(2026, 12, 7), None, ""), None, date(2026, 12, 7)),
        (
            Change(date(2026, 12, 8), date(2026, 12, 7), None, ""),
            date(2026, 12, 9),
            date(2026, 12, 7),
        ),
    ],
    ids=["cancelled", "extra", "moved"],
)
def test_an_exception_takes_a_draw_away_or_adds_one(
    change: Change, gone: date | None, new: date | None
) -> None:
    bounds = date(2026, 12, 1), date(2026, 12, 31)
    before, after = set(days(CALENDAR, *bounds)), set(days(DrawCalendar([change]), *bounds))
    assert before - after == ({gone} if gone else set())
    assert after - before == ({new} if new else set())


def test_staff_have_the_last_word_on_a_known_exception() -> None:
    ours = DrawCalendar([Change(date(2025, 12, 25), date(2025, 12, 22), None, "Otherwise.")])
    assert ours.on(date(2025, 12, 24)) is None
    assert ours.on(date(2025, 12, 22)) == PlannedDraw(
        date(2025, 12, 22), date(2025, 12, 25), "Otherwise."
    )


@given(st.dates(date(1938, 1, 1), date(2060, 1, 1)), st.integers(0, 900))
def test_a_part_of_the_calendar_is_the_part_of_all_of_it(first: date, more: int) -> None:
    last = first + timedelta(days=more)
    one_by_one = (first + timedelta(days=n) for n in range(more + 1))
    found = [draw for day in one_by_one if (draw := CALENDAR.on(day))]
    assert list(CALENDAR.between(first, last)) == found
    assert CALENDAR.since(first) == (found[0] if found else CALENDAR.since(last))
    assert all(CALENDAR.due(draw.due_on) == draw for draw in found[:3] if draw.due_on)
    assert not any(draw.day.weekday() == 6 and draw.day.year > 1969 for draw in found)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("1976-11-04", "Unità nazionale"),
        ("1977-11-04", ""),
        ("1976-03-19", "San Giuseppe"),
        ("1977-03-19", ""),
        ("1977-01-06", "Epifania"),
        ("1978-01-06", ""),
        ("1985-01-06", ""),
        ("1986-01-06", "Epifania"),
        ("1976-06-02", "Festa della Repubblica"),
        ("1977-06-02", ""),
        ("2000-06-02", ""),
        ("2001-06-02", "Festa della Repubblica"),
        ("2011-03-17", "150° anniversario dell'Unità d'Italia"),
        ("2012-03-17", ""),
        ("2025-10-04", ""),
        ("2029-10-04", "San Francesco"),
        ("2026-04-06", "Lunedì dell'Angelo"),
        ("1976-05-27", "Ascensione"),
        ("1977-05-19", ""),
        ("2026-06-29", ""),
        ("2026-12-07", ""),
    ],
)
def test_holidays_have_their_own_history(day: str, name: str) -> None:
    assert holiday_on(date.fromisoformat(day)) == name


def test_a_year_has_its_twelve_movable_and_fixed_holidays() -> None:
    assert len(holidays_of(2026)) == 12
    assert len(holidays_of(1960)) == 16
