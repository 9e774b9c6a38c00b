from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import ROME, traffic
from sandbox.ledger import CursorGone, Ledger
from sandbox.traffic import HOUR_S, Plan

STAGES = {"Ringing": 0, "Pending": 1}  # anything else is an end
AUTUMN_2025 = int(datetime(2025, 10, 20, tzinfo=ROME).timestamp())
hours = st.integers(min_value=400_000, max_value=520_000).map(lambda hour: hour * HOUR_S)
seeds = st.integers(min_value=0, max_value=50)


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=ROME).timestamp())  # type: ignore[misc, arg-type]


@pytest.fixture(scope="module")
def week() -> list[Plan]:
    """The calls of seven days."""
    hours = range(AUTUMN_2025, AUTUMN_2025 + 7 * 24 * HOUR_S, HOUR_S)
    return [plan for hour in hours for plan in traffic.planned_calls(hour, seed=1)]


@settings(max_examples=25)
@given(hour=hours, seed=seeds)
def test_an_hour_is_always_planned_the_same_with_distinct_ids(hour: int, seed: int) -> None:
    plans = traffic.planned_calls(hour, seed=seed)
    assert plans == traffic.planned_calls(hour, seed=seed)
    assert len({plan.call_id for plan in plans}) == len(plans)
    starts = [plan.steps[0].at_ms for plan in plans]
    assert starts == sorted(starts)
    assert all(hour * 1000 <= start < (hour + HOUR_S) * 1000 for start in starts)


@settings(max_examples=25)
@given(hour=hours, seed=seeds)
def test_no_call_goes_back_and_every_call_ends(hour: int, seed: int) -> None:
    for plan in traffic.planned_calls(hour, seed=seed):
        stages = [STAGES.get(step.state, 2) for step in plan.steps]
        times = [step.at_ms for step in plan.steps]
        assert stages == sorted(stages)
        assert all(earlier < later for earlier, later in pairwise(times))
        assert plan.steps[0].state == "Ringing"
        assert plan.steps[-1].over
        assert all(step.cost == 0 for step in plan.steps) or plan.line.line_type == "Vas"


def test_nights_are_quiet_and_evenings_are_busy(week: list[Plan]) -> None:
    by_hour = Counter(datetime.fromtimestamp(p.steps[0].at_ms / 1000, ROME).hour for p in week)
    assert by_hour[4] * 4 < by_hour[21]
    assert by_hour[3] < by_hour[11] < by_hour[21]
    assert min(by_hour[hour] for hour in range(24)) > 0


@pytest.mark.parametrize("change", [date(2025, 10, 26), date(2026, 3, 29)])
def test_the_peak_stays_at_the_same_hour_of_romes_clock_across_a_clock_change(change: date) -> None:
    before, after = change - timedelta(days=7), change + timedelta(days=7)
    evening_before, evening_after = (
        at(before.year, before.month, before.day, 21),
        at(after.year, after.month, after.day, 21),
    )
    assert (evening_after - evening_before) % (24 * HOUR_S) != 0  # UTC moved
    assert traffic.expected_calls(evening_after) == traffic.expected_calls(evening_before)


@pytest.mark.parametrize(
    ("day", "count"), [((2025, 10, 26), 25), ((2026, 3, 29), 23), ((2025, 10, 27), 24)]
)
def test_a_day_has_as_many_hours_as_in_rome(day: tuple[int, int, int], count: int) -> None:
    start = at(*day)
    found = [
        h
        for h in range(start, start + 26 * HOUR_S, HOUR_S)
        if datetime.fromtimestamp(h, ROME).day == day[2]
    ]
    assert len(found) == count
    assert all(traffic.planned_calls(hour, seed=1) for hour in found)


def test_traffic_looks_like_that_of_real_people(week: list[Plan]) -> None:
    plans = week
    ends = Counter(plan.steps[-1].state for plan in plans)
    answered = [plan for plan in plans if plan.steps[-1].state == "Ok"]
    assert 0.85 < len(plans) / 7 / traffic.CALLS_PER_DAY < 1.25
    assert 0.7 < ends["Ok"] / len(plans) < 0.85
    assert set(ends) == set(traffic.OUTCOMES)
    assert 40 < mean(plan.steps[-1].duration_s for plan in answered) < 200
    assert 0.08 < mean(plan.caller == "" for plan in plans) < 0.16
    assert {plan.operator for plan in plans} == set(traffic.OPERATORS)
    assert 0.01 < mean(len(plan.steps) > 3 for plan in answered) < 0.06  # rated again later
    assert len({plan.line.line_id for plan in plans}) > 50


def test_some_minutes_see_a_burst(week: list[Plan]) -> None:
    by_five_minutes = Counter(plan.steps[0].at_ms // 300_000 for plan in week)
    by_hour = Counter(plan.steps[0].at_ms // 3_600_000 for plan in week)
    busiest = max(by_five_minutes, key=lambda slot: by_five_minutes[slot])
    assert by_five_minutes[busiest] > 2 * by_hour[busiest // 12] / 12


def test_lines_are_those_of_the_reference_and_more() -> None:
    lines = {line.line_id: line for line in traffic.lines(1)}
    assert len(lines) == len({line.number for line in lines.values()}) == 59
    assert lines["Sickprod28GN"].number == "800026028"
    assert lines["Sickprod90TLW"].number == "899748963"
    for line in lines.values():
        assert line.number.startswith("899" if line.line_type == "Vas" else "800")
        assert line.cost_eur(600) > 0 or line.line_type == "Green"


def test_rebates_grow_within_the_month_and_stay_after_it() -> None:
    early, late = (traffic.rebates("2025-11", now=at(2025, 11, day), seed=1) for day in (5, 20))
    over, long_over = (traffic.rebates("2025-11", now=at(2025, 12, day), seed=1) for day in (1, 20))
    assert early is not None
    assert late is not None
    assert over == long_over
    assert early["updatedAt"] < late["updatedAt"]
    counts = [sum(row["counter"] for row in month["rebates"]) for month in (early, late)]
    assert 0 < counts[0] < counts[1]
    assert traffic.rebates("2025-12", now=at(2025, 11, 30), seed=1) is None


# --- The ledger that plays it ---------------------------------------------------------------------
@pytest.fixture
def ledger() -> Ledger:
    return Ledger(now=at(2025, 10, 24, 20), per_day=400)


def test_it_starts_with_today_and_seven_days(ledger: Ledger) -> None:
    days = Counter(
        datetime.fromtimestamp(call["timestamp"], ROME).date()
        for call in ledger.page(limit=100_000).calls
    )
    assert len(days) == 8
    assert min(days) == date(2025, 10, 17)


def test_revisions_rise_and_states_never_go_back_as_time_passes(ledger: Ledger) -> None:
    seen: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for minute in range(6 * 60):
        for call in ledger.advance(at(2025, 10, 24, 20) + minute * 60):
            seen[call["id"]].append((call["revision"], STAGES.get(call["state"], 2)))
            assert ("endedAt" in call) == (STAGES.get(call["state"], 2) == 2)
    assert len(seen) > 50
    assert all(changes == sorted(set(changes)) for changes in seen.values())


def test_two_ledgers_agree_after_one_was_idle(ledger: Ledger) -> None:
    later = at(2025, 10, 25, 3)
    ledger.advance(later)
    fresh = Ledger(now=later, per_day=400)
    known = {call["id"]: call for call in ledger.page(limit=100_000).calls}
    assert all(known[call["id"]] == call for call in fresh.page(limit=100_000).calls)
    assert ledger.active() == fresh.active()


def test_a_cursor_outlives_a_restart(ledger: Ledger) -> None:
    cursor = ledger.page(limit=100_000).cursor
    later = at(2025, 10, 24, 21)
    changed = ledger.advance(later)
    page = Ledger(now=later, per_day=400).page(cursor=cursor, limit=100_000)
    assert {call["id"] for call in page.calls} == {call["id"] for call in changed}


@settings(max_examples=20)
@given(limit=st.integers(1, 60), pauses=st.lists(st.integers(1, 5_000), min_size=1, max_size=12))
def test_a_reader_of_the_feed_knows_every_call_as_it_is(limit: int, pauses: list[int]) -> None:
    now = at(2025, 10, 24, 20)
    ledger = Ledger(now=now, per_day=60)
    known: dict[str, object] = {}
    cursor = ""
    for pause in pauses:
        more = True
        while more:
            page = ledger.page(cursor=cursor, limit=limit)
            known |= {call["id"]: call for call in page.calls}
            cursor, more = page.cursor, page.more
        assert known == {call["id"]: call for call in ledger.page(limit=100_000).calls}
        now += pause
        ledger.advance(now)


@pytest.mark.parametrize("cursor", ["x", "%%%", "MTpi", "bm8=", "☎"], ids=ascii)
def test_a_cursor_that_is_not_ours_is_gone(cursor: str) -> None:
    with pytest.raises(CursorGone):
        Ledger(now=at(2025, 10, 24, 20), per_day=20).page(cursor=cursor, limit=10)


def test_old_changes_are_forgotten_and_their_cursor_with_them(ledger: Ledger) -> None:
    first = ledger.page(limit=1)
    size = len(ledger.page(limit=100_000).calls)
    ledger.advance(at(2025, 11, 10))
    assert ledger.call(first.calls[0]["id"]) is None
    assert len(ledger.page(limit=100_000).calls) < size * 1.5
    with pytest.raises(CursorGone):
        ledger.page(cursor=first.cursor, limit=10)


def test_a_call_placed_by_hand_runs_its_course(ledger: Ledger) -> None:
    now = at(2025, 10, 24, 20)
    plan = ledger.place_call(
        now=now, line_id="Sickprod90TLW", caller="331234567", operator="TIM", ring_s=2, talk_s=60
    )
    ledger.advance(now + 0.1)
    assert ledger.active()[0]["id"] == plan.call_id
    ledger.advance(now + 63)
    call = ledger.call(plan.call_id)
    assert call is not None
    assert (call["state"], call["duration"], call["cost"]) == ("Ok", 60, 1.13)
