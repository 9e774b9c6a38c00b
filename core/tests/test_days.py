from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from core.lib.days import bucket_start, current_second, day_bounds, local_day


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2025, 3, 30), 23),
        (date(2025, 10, 26), 25),
        (date(2026, 3, 29), 23),
        (date(2026, 10, 25), 25),
        (date(2026, 1, 1), 24),
    ],
)
def test_a_local_day_is_as_long_as_the_clock_says(day: date, hours: int):
    start, end = day_bounds(day)
    assert end - start == timedelta(hours=hours)
    assert start.tzinfo is UTC


def test_the_local_day_begins_at_midnight_in_rome():
    assert day_bounds(date(2025, 11, 15))[0] == datetime(2025, 11, 14, 23, tzinfo=UTC)
    assert day_bounds(date(2025, 7, 1))[0] == datetime(2025, 6, 30, 22, tzinfo=UTC)
    with time_machine.travel("2025-12-31T23:00:00Z", tick=False):
        assert local_day() == date(2026, 1, 1)
    with time_machine.travel("2025-12-31T22:59:59Z", tick=False):
        assert local_day() == date(2025, 12, 31)


def test_the_current_second_has_no_fraction():
    with time_machine.travel("2025-12-31T23:00:07.9Z", tick=False):
        assert current_second() == datetime(2025, 12, 31, 23, 0, 7, tzinfo=UTC)


@given(st.integers(946_771_200, 4_102_272_000))  # 2000 to 2099
def test_every_instant_is_in_its_own_day_and_bucket(epoch: int):
    at = datetime.fromtimestamp(epoch, UTC)
    start, end = day_bounds(local_day(at))
    assert start <= at < end
    for span_s in (300, 3_600):
        bucket = bucket_start(at, span_s)
        assert bucket <= at < bucket + timedelta(seconds=span_s)
        assert start <= bucket
        assert bucket.timestamp() % span_s == 0
