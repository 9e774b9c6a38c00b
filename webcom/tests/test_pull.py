from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from core.lib.upstream import UpstreamError
from core.tests.published import Commit, PublishedEvents
from core.workers.models import Health, WorkerStatus
from webcom import pull, tasks
from webcom.ingest import Stored
from webcom.models import Call, Cursor, Line, Rebate, Unreadable
from webcom.tests.factories import (
    NOON,
    call_payload,
    ended,
    ended_payload,
    line_payload,
    rebates_payload,
    record,
    stored,
)
from webcom.tests.fakes import FakeWebcomTlc
from webcom.types import CallPage, CursorExpired, NotFound, Stage

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


@pytest.fixture
def clock() -> Any:
    """The time is NOON, until the test moves it."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


class ForgetfulCarrier(FakeWebcomTlc):
    """Rejects every cursor; serves its feed from a point in time."""

    def calls_since(self, cursor: str, *, since: int) -> CallPage:
        self.requests.append(f"since {cursor or since}")
        if cursor:
            raise CursorExpired("webcom no longer knows our cursor")
        return CallPage(self.feed[0], "page-1", False)


class StubbornCarrier(FakeWebcomTlc):
    """Fails every request for the call `bad`."""

    def call(self, call_id: str) -> Any:
        if call_id == "bad":
            self.requests.append("call bad")
            raise UpstreamError("webcom HTTP 500")
        return super().call(call_id)


def test_the_first_history_is_not_announced_on_any_page(
    published_events: PublishedEvents, commit: Commit
):
    carrier = FakeWebcomTlc(feed=[[ended_payload()], [ended_payload()], [ended_payload()]])
    with commit():
        assert pull.pull_changes(carrier) == Stored(created=3)
    assert published_events == []
    carrier.feed.append([ended_payload(id="news")])
    with commit():
        pull.pull_changes(carrier)
    assert [message["id"] for message in published_events] == ["news"]


def test_interrupted_history_resumes_unpublished(
    published_events: PublishedEvents, commit: Commit, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pull, "MAX_PAGES", 2)
    carrier = FakeWebcomTlc(feed=[[ended_payload()], [ended_payload()], [ended_payload()]])
    with commit():
        pull.pull_changes(carrier)
        pull.pull_changes(carrier)
    assert published_events == []
    assert Call.objects.count() == 3


def test_the_first_pull_reaches_back_two_months(clock: Any):
    carrier = FakeWebcomTlc()
    pull.pull_changes(carrier)
    assert carrier.requests == [f"since {NOON - 62 * 86_400}"]


def test_a_gap_is_closed_from_the_cursor_after_an_outage(
    published_events: PublishedEvents, commit: Commit
):
    carrier = FakeWebcomTlc(feed=[[ended_payload()]])
    pull.pull_changes(carrier)
    carrier.errors = [UpstreamError("timeout")]
    with pytest.raises(UpstreamError):
        pull.pull_changes(carrier)
    carrier.feed += [[ended_payload(id="missed-1")], [ended_payload(id="missed-2")]]
    with commit():
        pull.pull_changes(carrier)
    assert carrier.requests[-2:] == ["since page-1", "since page-2"]
    assert [message["id"] for message in published_events] == ["missed-1", "missed-2"]


def test_pages_before_an_error_are_stored():
    class Breaking(FakeWebcomTlc):
        def calls_since(self, cursor: str, *, since: int) -> CallPage:
            if cursor == "page-1":
                raise UpstreamError("half a page")
            return super().calls_since(cursor, since=since)

    carrier = Breaking(feed=[[ended_payload(id="a")], [ended_payload(id="b")]])
    with pytest.raises(UpstreamError):
        pull.pull_changes(carrier)
    assert list(Call.objects.values_list("id", flat=True)) == ["a"]
    assert Cursor.objects.get(feed=pull.FEED).value == "page-1"


def test_a_page_and_its_cursor_are_stored_together(monkeypatch: pytest.MonkeyPatch):
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Cursor.objects, "update_or_create", broken)
    with pytest.raises(ZeroDivisionError):
        pull.pull_changes(FakeWebcomTlc(feed=[[ended_payload()]]))
    assert not Call.objects.exists()


def test_an_expired_cursor_starts_again_a_day_before_our_last_call(clock: Any):
    stored(ended(timestamp=NOON - 3_600))
    stored(ended(timestamp=NOON + 30 * 86_400))  # a carrier whose clock ran ahead
    Cursor.objects.create(feed=pull.FEED, value="page-9")
    carrier = ForgetfulCarrier(feed=[[ended_payload(id="missed")]])
    assert pull.pull_changes(carrier) == Stored(created=1)
    assert carrier.requests == ["since page-9", f"since {NOON - 3_600 - 86_400}"]
    assert Cursor.objects.get(feed=pull.FEED).value == "page-1"


def test_an_expired_cursor_without_any_call_starts_with_history(clock: Any):
    Cursor.objects.create(feed=pull.FEED, value="page-9")
    carrier = ForgetfulCarrier(feed=[[]])
    pull.pull_changes(carrier)
    assert carrier.requests[-1] == f"since {NOON - 62 * 86_400 - 86_400}"


def test_a_bad_record_is_recorded_once_and_the_good_ones_are_stored():
    bad = call_payload(timestamp="yesterday")
    carrier = FakeWebcomTlc(active=[bad, call_payload(id="good")], feed=[[bad]])
    pull.pull_calls(carrier)
    pull.pull_calls(carrier)
    assert list(Call.objects.values_list("id", flat=True)) == ["good"]
    assert Unreadable.objects.count() == 1


def test_a_call_that_left_the_active_list_is_queried_until_its_end(
    clock: Any, published_events: PublishedEvents, commit: Commit
):
    talking = call_payload(id="gone")
    carrier = FakeWebcomTlc(active=[talking], by_id={"gone": talking})
    with commit():
        pull.pull_calls(carrier)
    carrier.active, carrier.requests = [], []
    for seconds in (2, 29, 31):
        clock.move_to(NOON + seconds)
        pull.pull_calls(carrier)
    assert carrier.requests.count("call gone") == 1
    carrier.by_id["gone"] = ended_payload(id="gone")
    clock.move_to(NOON + 33)
    with commit():
        pull.pull_calls(carrier)
        clock.move_to(NOON + 90)
        pull.pull_calls(carrier)
    assert carrier.requests.count("call gone") == 2
    assert [message["state"] for message in published_events] == ["Pending", "Ok"]


def test_calls_on_the_active_list_are_not_queried():
    carrier = FakeWebcomTlc(active=[call_payload()])
    pull.pull_calls(carrier)
    pull.pull_calls(carrier)
    assert not [request for request in carrier.requests if request.startswith("call ")]


def test_at_most_twenty_missing_calls_are_queried_per_pull():
    ids = [stored(record()).id for _ in range(25)]
    carrier = FakeWebcomTlc(by_id={id_: ended_payload(id=id_) for id_ in ids})
    assert pull.pull_missing(carrier, set()) == Stored(changed=20)
    assert pull.pull_missing(carrier, set()) == Stored(changed=5)


def test_a_call_whose_query_always_fails_does_not_stop_the_others():
    for call_id in ("bad", "x", "y"):
        stored(record(id=call_id))
    carrier = StubbornCarrier(by_id={id_: ended_payload(id=id_) for id_ in ("x", "y")})
    for _ in range(2):
        try:
            pull.pull_missing(carrier, set())
        except UpstreamError:
            continue
    assert set(Call.objects.active().values_list("id", flat=True)) == {"bad"}


def test_a_call_queried_by_a_clock_that_was_ahead_is_queried_again(clock: Any):
    stored(record(id="a", timestamp=NOON))
    clock.move_to(NOON + 3_600)
    pull.pull_missing(FakeWebcomTlc(), set())
    clock.move_to(NOON)
    carrier = FakeWebcomTlc(by_id={"a": ended_payload(id="a")})
    assert pull.pull_missing(carrier, set()) == Stored(changed=1)


def test_a_call_unknown_for_six_hours_is_lost_and_a_real_end_replaces_it(clock: Any):
    stored(record(id="a", timestamp=NOON))
    carrier = FakeWebcomTlc()
    clock.move_to(NOON + 6 * 3_600 - 1)
    pull.pull_missing(carrier, set())
    assert Call.objects.get().state == "Pending"
    clock.move_to(NOON + 6 * 3_600 + 60)
    pull.pull_missing(carrier, set())
    call = Call.objects.get()
    assert (call.state, call.stage, call.cost) == ("Lost", Stage.LOST, record().cost)
    clock.shift(timedelta(minutes=5))
    carrier.requests.clear()
    pull.pull_missing(carrier, set())
    assert carrier.requests == []
    carrier.feed = [[ended_payload(id="a")]]
    pull.pull_changes(carrier)
    assert Call.objects.get().state == "Ok"


def test_lines_are_pulled_and_an_unreadable_list_is_an_outage():
    assert (
        pull.pull_lines(FakeWebcomTlc(all_lines=[line_payload(), line_payload(lineId="L2")])) == 2
    )
    with pytest.raises(UpstreamError, match=r"lines: .*number"):
        pull.pull_lines(FakeWebcomTlc(all_lines=[line_payload(number=None)]))
    assert Line.objects.count() == 2


@pytest.mark.parametrize(
    "odd", [{"group": None}, {"lineType": None}, {"name": "x" * 201}, {"relations": None}], ids=str
)
def test_one_odd_line_stops_no_other_and_is_kept(odd: dict[str, Any]):
    bad = line_payload(lineId="L1", **odd)
    carrier = FakeWebcomTlc(all_lines=[bad, "?", line_payload(lineId="L2")])
    assert pull.pull_lines(carrier) == pull.pull_lines(carrier) == 1
    assert Line.objects.get().line_id == "L2"
    assert set(Unreadable.objects.values_list("source", "times")) == {("lines", 2)}


def test_no_lines_at_all_are_no_outage():
    assert pull.pull_lines(FakeWebcomTlc()) == 0


class ForwardCarrier(FakeWebcomTlc):
    """Has no report of `missing` (404), and fails for `failing`."""

    missing = failing = ""

    def rebates(self, month: str) -> Any:
        if month == self.missing:
            raise NotFound("webcom has no rebates of this month")
        if month == self.failing:
            raise UpstreamError("webcom HTTP 500")
        return rebates_payload(month=month)


@pytest.mark.parametrize("month", ["2025-12", "2026-01"])
def test_a_month_that_has_not_begun_does_not_stop_the_other(month: str):
    carrier = ForwardCarrier()
    carrier.missing = month
    with time_machine.travel("2025-12-31T23:30:00Z", tick=False):  # January in Rome
        assert pull.pull_rebates(carrier)
    assert Rebate.objects.exclude(month=month).count() == 2


@pytest.mark.parametrize("month", ["2025-12", "2026-01"])
def test_a_month_that_fails_does_not_stop_the_other_and_is_an_outage(month: str):
    carrier = ForwardCarrier()
    carrier.failing = month
    january = time_machine.travel("2026-01-02T12:00:00Z", tick=False)
    with january, pytest.raises(UpstreamError, match="500"):
        pull.pull_rebates(carrier)
    assert Rebate.objects.exclude(month=month).count() == 2


def test_a_credit_note_of_last_month_stops_nothing():
    credit_note = {"type": "Vas", "operator": "WIND", "cost": -12.4, "counter": -3}
    carrier = FakeWebcomTlc(
        by_month={
            "2025-12": rebates_payload(month="2025-12", rebates=[credit_note]),
            "2026-01": rebates_payload(month="2026-01"),
        }
    )
    with time_machine.travel("2026-01-02T12:00:00Z", tick=False):
        assert pull.pull_rebates(carrier)
    assert Rebate.objects.count() == 3
    assert not Unreadable.objects.exists()


def test_rebates_of_this_month_and_the_one_before_are_pulled():
    carrier = FakeWebcomTlc(
        by_month={
            "2025-12": rebates_payload(month="2025-12"),
            "2026-01": rebates_payload(month="2026-01"),
        }
    )
    with time_machine.travel("2025-12-31T23:30:00Z", tick=False):  # January in Rome
        assert pull.pull_rebates(carrier)
        assert not pull.pull_rebates(carrier)
    assert carrier.requests[:2] == ["rebates 2025-12", "rebates 2026-01"]
    assert Rebate.objects.count() == 4


def test_unreadable_rebates_are_an_outage():
    carrier = FakeWebcomTlc(by_month={f"{timezone.now():%Y-%m}": {"month": "soon"}})
    with pytest.raises(UpstreamError, match=r"rebates: .*month"):
        pull.pull_rebates(carrier)


def test_one_failure_and_one_recovery_are_logged_per_outage(
    clock: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    caplog.set_level(logging.INFO, "core.workers")
    carrier = FakeWebcomTlc(errors=[UpstreamError("webcom HTTP 503")] * 4)
    monkeypatch.setattr(tasks, "build_webcom_tlc", lambda: carrier)
    health = []
    for _ in range(7):
        tasks.pull_calls()
        health.append(WorkerStatus.objects.get().health)
        clock.shift(timedelta(seconds=61))
    assert health == [Health.DEGRADED, Health.DEGRADED, *[Health.DOWN] * 2, *[Health.HEALTHY] * 3]
    assert [r.getMessage().split(" outage")[0] for r in caplog.records] == [
        "worker.failed name=webcom.calls error=webcom HTTP 503",
        "worker.recovered name=webcom.calls",
    ]


def test_a_pull_that_backs_off_sends_no_request(clock: Any, monkeypatch: pytest.MonkeyPatch):
    carrier = FakeWebcomTlc(errors=[UpstreamError("429", retry_after_s=120)])
    monkeypatch.setattr(tasks, "build_webcom_tlc", lambda: carrier)
    tasks.pull_calls()
    for seconds in (2, 119):
        clock.move_to(NOON + seconds)
        tasks.pull_calls()
    assert len(carrier.requests) == 1
    clock.move_to(NOON + 121)
    tasks.pull_calls()
    assert WorkerStatus.objects.get().health == Health.HEALTHY
