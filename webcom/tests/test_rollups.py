from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from core.lib.days import local_day, zone
from webcom import ingest, rollups, selectors
from webcom.models import Call, CallRollup, DirtyBucket
from webcom.tests.factories import NOON, ended, epoch, line_payload, record, stored, utc
from webcom.types import Figures, parse_call, parse_line

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

CLOCK_CHANGES = [date(2025, 3, 30), date(2025, 10, 26), date(2026, 3, 29), date(2026, 10, 25)]
# X has no type until the carrier lists it.
LINES = {"V": "899748963", "G": "800026028", "X": "0612345"}


def moments(day: date) -> list[int]:
    """Starts (epoch s) around the borders of a day on which the clock changes (at 01:00 UTC)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone())
    one = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    offsets = (-3_600, -1, 0, 299, 300, 3_599, 3_600, 7_199, 7_200)
    starts = [int(at.timestamp()) + offset for at in (midnight, one) for offset in offsets]
    return starts + [int((midnight + timedelta(days=1)).timestamp()) + offset for offset in (-1, 0)]


updates = st.fixed_dictionaries(
    {
        "id": st.sampled_from("abcdefgh"),
        "moment": st.integers(0, 19),
        "line": st.sampled_from(sorted(LINES)),
        "state": st.sampled_from(["Ringing", "Pending", "Ok", "NoAnswer"]),
        "revision": st.integers(0, 6),
        "cost": st.sampled_from([None, 0, 0.0001, 0.15, 2092.6849]),
        "duration": st.sampled_from([None, 0, 45, 86_400]),
    }
)
steps = st.lists(
    st.one_of(
        st.lists(updates, min_size=1, max_size=5),
        st.just("recount"),
        st.just("list line"),
        st.just("prune one"),
    ),
    min_size=1,
    max_size=8,
)


def apply_step(step: Any, starts: list[int]) -> None:
    if step == "recount":
        while rollups.recount():
            continue
    elif step == "list line":
        ingest.store_lines([parse_line(line_payload(lineId="X", number=LINES["X"]))])
    elif step == "prune one":
        if call := Call.objects.first():
            rollups.mark_dirty([int(call.started_at.timestamp())])
            call.delete()
    else:
        ingest.store_calls([as_call(update, starts) for update in step], announce=False)


def as_call(update: dict[str, Any], starts: list[int]) -> Any:
    fields = update | {"timestamp": starts[update["moment"]], "lineID": update["line"]}
    fields["lineNumber"] = LINES[update["line"]]
    return parse_call(
        {name: value for name, value in fields.items() if name not in ("moment", "line")}
    )


def figures(calls: list[Call]) -> Figures:
    return Figures(
        len(calls),
        sum(call.duration_s or 0 for call in calls),
        sum((call.cost or Decimal(0) for call in calls), Decimal(0)),
    )


def local(call: Call) -> datetime:
    return call.started_at.astimezone(zone())


def check_every_figure(day: date, now: datetime) -> None:
    calls = list(Call.objects.all())
    for each in (day - timedelta(days=1), day, day + timedelta(days=1)):
        that_day = [call for call in calls if local(call).date() == each]
        totals = selectors.day_totals(each)
        assert Figures(totals.calls, totals.duration_s, totals.cost) == figures(that_day)
        by_type = {name: f for name, f in totals.by_line_type.items() if f.calls}
        assert by_type == {
            name or "Unknown": figures([call for call in that_day if call.line_type == name])
            for name in {call.line_type for call in that_day}
        }
        assert selectors.hourly_figures(each) == [
            figures([call for call in that_day if local(call).hour == hour]) for hour in range(24)
        ]
    assert selectors.daily_figures(3) == {
        local_day(now) - timedelta(days=n): figures(
            [call for call in calls if local(call).date() == local_day(now) - timedelta(days=n)]
        )
        for n in range(3)
    }
    for at, found in selectors.five_minute_figures().items():
        assert found == figures(
            [call for call in calls if at <= call.started_at < at + timedelta(minutes=5)]
        )


@settings(max_examples=80)
@given(st.sampled_from(CLOCK_CHANGES), st.integers(0, 19), steps)
def test_every_figure_equals_the_calls_counted_one_by_one(day: date, moment: int, steps: list[Any]):
    """After any late, corrected, repeated, moved, retyped or deleted call, recounted or not."""
    starts = moments(day)
    now = datetime.fromtimestamp(starts[moment] + 60, UTC)
    with transaction.atomic(), time_machine.travel(now, tick=False):
        for step in steps:
            apply_step(step, starts)
        check_every_figure(day, now)
        apply_step("recount", starts)
        check_every_figure(day, now)
        transaction.set_rollback(True)


def test_recounted_figures_are_read_without_touching_the_calls(django_assert_num_queries: Any):
    stored(ended())
    rollups.recount()
    Call.objects.all().delete()  # without marking them dirty
    with django_assert_num_queries(2):
        totals = selectors.day_totals(date(2025, 11, 15))
    assert (totals.calls, totals.cost) == (1, Decimal("0.885"))


def test_a_recount_leaves_the_current_five_minutes_alone():
    stored(ended(timestamp=NOON))
    with time_machine.travel(NOON + 299, tick=False):
        assert rollups.recount() == 0
    with time_machine.travel(NOON + 300, tick=False):
        assert rollups.recount() == 1
    assert not DirtyBucket.objects.exists()
    assert Counter(CallRollup.objects.values_list("span_s", flat=True)) == {300: 1, 3_600: 1}


def test_an_hour_without_calls_has_no_rollup():
    call = stored(ended())
    rollups.recount()
    ingest.store_calls([ended(id=call.id, timestamp=NOON + 7_200, revision=4)])
    rollups.recount()
    starts = CallRollup.objects.values_list("start_at", flat=True).distinct()
    assert [int(at.timestamp()) for at in starts] == [NOON + 7_200]


def test_many_dirty_buckets_are_recounted_in_turns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollups, "_CHUNK_SIZE", 10)
    ingest.store_calls([ended(timestamp=NOON + 900 * n) for n in range(25)], announce=False)
    assert [rollups.recount() for _ in range(4)] == [10, 10, 5, 0]
    assert (
        sum(t.calls for t in rollups.tallies(utc(2025, 11, 15), utc(2025, 11, 17), rollups.HOUR))
        == 25
    )


def test_a_month_of_scattered_buckets_is_counted_whole():
    """None adjacent to another: the longest query of the statistics."""
    ingest.store_calls([ended(timestamp=NOON + 7_200 * n) for n in range(360)], announce=False)
    start, end = utc(2025, 11, 15), utc(2025, 12, 16)
    for span_s in (rollups.HOUR, rollups.FIVE_MINUTES):
        assert sum(tally.calls for tally in rollups.tallies(start, end, span_s)) == 360
    while rollups.recount():
        continue
    assert sum(tally.calls for tally in rollups.tallies(start, end, rollups.HOUR)) == 360


def test_the_day_the_clock_goes_back_has_two_passes_of_two_o_clock_in_one_entry():
    for hour_utc in (0, 1):
        stored(record(timestamp=epoch(2025, 10, 26, hour_utc, 30)))
    hours = selectors.hourly_figures(date(2025, 10, 26))
    assert [(n, hour.calls) for n, hour in enumerate(hours) if hour.calls] == [(2, 2)]
    assert len(hours) == 24


def test_the_day_the_clock_goes_forward_has_an_empty_two_o_clock():
    for hour_utc in (0, 1):
        stored(record(timestamp=epoch(2026, 3, 29, hour_utc, 30)))
    hours = selectors.hourly_figures(date(2026, 3, 29))
    assert [(n, hour.calls) for n, hour in enumerate(hours) if hour.calls] == [(1, 1), (3, 1)]
