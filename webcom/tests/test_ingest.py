from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import time_machine
from django.db import connection, transaction

from core.lib.days import day_bounds
from core.tests.published import Commit, PublishedEvents
from webcom import ingest, rollups, selectors
from webcom.call_rows import known_calls
from webcom.ingest import Stored
from webcom.models import Call, Delivery, DirtyBucket, Line, Rebate, RebateMonth, Unreadable
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
from webcom.types import PushMessage, Stage, parse_call, parse_line, parse_rebates

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


def test_a_stored_call_is_read_back_unchanged():
    call = ended(quality={"mos": 4.1}, cost=0.0001, caller="")
    ingest.store_calls([call])
    assert known_calls([call.id]) == {call.id: msgspec.structs.replace(call, line_type="Vas")}
    row = Call.objects.get()
    assert (row.state, row.stage, row.cost, row.extra) == (
        "Ok",
        Stage.ENDED,
        Decimal("0.0001"),
        {"quality": {"mos": 4.1}},
    )
    assert (row.duration_s, int(row.started_at.timestamp()), row.line_type) == (45, NOON, "Vas")


def test_second_delivery_of_same_call_is_ignored(published_events: PublishedEvents, commit: Commit):
    call = ended()
    with commit():
        first = ingest.store_calls([call])
    with commit():
        second = ingest.store_calls([call])
    assert (first, second) == (Stored(created=1), Stored(unchanged=1))
    assert [message["id"] for message in published_events] == [call.id]


def test_each_change_is_announced_once_in_its_order(
    published_events: PublishedEvents, commit: Commit
):
    ringing, talking, over = (
        record(id="a", state="Ringing", revision=1),
        record(id="a"),
        ended(id="a"),
    )
    with commit():
        result = ingest.store_calls([ringing, talking, ringing, over, talking])
    assert [(message["type"], message["state"]) for message in published_events] == [
        ("call_event_realtime", "Ringing"),
        ("call_event_realtime", "Pending"),
        ("call_event_realtime", "Ok"),
    ]
    assert result.created == Call.objects.count() == 1


def test_the_announcement_has_the_reference_s_fields(
    published_events: PublishedEvents, commit: Commit
):
    with commit():
        ingest.store_calls([ended(id="a", cost=0.15)])
    assert published_events == [
        {
            "type": "call_event_realtime",
            "id": "a",
            "lineID": "Sickprod90TLW",
            "state": "Ok",
            "direction": "Entering",
            "caller": "331234567",
            "called": "899748963",
            "callerOperator": "TIM",
            "cost": 0.15,
            "duration": 45,
            "lineNumber": "899748963",
            "timestamp": NOON,
            "lineType": "Vas",
            "endedAt": NOON + 47,
            "revision": 3,
        }
    ]


def test_history_is_stored_unpublished(published_events: PublishedEvents, commit: Commit):
    with commit():
        ingest.store_calls([ended()], announce=False)
    assert published_events == []
    assert Call.objects.count() == 1


def test_calls_in_progress_are_published_even_from_history(
    published_events: PublishedEvents, commit: Commit
):
    with commit():
        ingest.store_calls([record(id="now", state="Ringing")], announce=False)
        ingest.store_calls([ended(id="now")], announce=False)
    assert [message["state"] for message in published_events] == ["Ringing", "Ok"]


def test_a_rolled_back_call_is_not_announced(published_events: PublishedEvents, commit: Commit):
    with commit(), transaction.atomic():
        ingest.store_calls([ended()])
        transaction.set_rollback(True)
    assert published_events == []
    assert not Call.objects.exists()


def test_an_empty_batch_does_nothing(published_events: PublishedEvents, commit: Commit):
    with commit():
        assert ingest.store_calls([]) == Stored()
    assert published_events == []
    assert not DirtyBucket.objects.exists()


def test_a_late_update_does_not_reopen_an_ended_call(
    published_events: PublishedEvents, commit: Commit
):
    stored(ended(id="a"))
    with commit():
        assert ingest.store_calls([record(id="a", revision=2)]) == Stored(unchanged=1)
    assert published_events == []
    assert Call.objects.get().stage == Stage.ENDED


def test_a_redelivery_with_odd_json_changes_nothing():
    payload = call_payload(odd={"b": 1e100, "a": "\\u0000\0é", "deep": [{"x": 1.50}]})
    ingest.store_calls([parse_call(payload)])
    assert ingest.store_calls([parse_call(payload)]) == Stored(unchanged=1)
    assert Call.objects.get().extra["odd"]["a"] == "\\u0000é"


def test_figures_are_marked_only_when_they_change():
    stored(record(id="a", state="Ringing", revision=1))
    rollups.recount()
    assert not DirtyBucket.objects.exists()
    ingest.store_calls([record(id="a", state="Pending", revision=2)])
    assert not DirtyBucket.objects.exists()
    ingest.store_calls([ended(id="a", timestamp=NOON + 600)])
    assert [
        int(at.timestamp())
        for at in DirtyBucket.objects.values_list("start_at", flat=True).order_by("start_at")
    ] == [
        NOON,
        NOON + 600,
    ]


def test_a_batch_of_a_hundred_needs_few_queries(django_assert_max_num_queries: Callable[..., Any]):
    batch = [ended(timestamp=NOON + 60 * n) for n in range(100)]
    with django_assert_max_num_queries(9):
        ingest.store_calls(batch)
    assert Call.objects.count() == 100


def test_the_line_s_type_is_the_listed_one_or_else_the_number_s():
    ingest.store_lines([parse_line(line_payload(lineId="L1", number="0612345", lineType="Vas"))])
    assert stored(record(lineID="L1", lineNumber="0612345")).line_type == "Vas"
    assert stored(record(lineID="L2", lineNumber="800026028")).line_type == "Green"
    assert stored(record(lineID="L2", lineNumber="", called="899748963")).line_type == "Vas"
    assert stored(record(lineID="L2", lineNumber="0612345")).line_type == ""


def test_calls_that_came_before_their_line_get_its_type():
    stored(record(id="a", lineID="L1", lineNumber="0612345"))
    rollups.recount()
    ingest.store_lines([parse_line(line_payload(lineId="L1", number="0612345"))])
    assert Call.objects.get().line_type == "Green"
    assert DirtyBucket.objects.count() == 1


def test_line_and_call_in_one_batch_belong_together(commit: Commit):
    call = call_payload(lineID="L1", lineNumber="0612345")
    line = line_payload(lineId="L1", number="0612345")
    with commit():
        # The lines are known, without this one.
        ingest.store_pushes([PushMessage("call", call_payload())])
        ingest.store_pushes([PushMessage("call", call), PushMessage("line", line)])
    assert Call.objects.get(id=call["id"]).line_type == "Green"


def test_lines_are_stored_unchanged_and_overwritten():
    ingest.store_lines([parse_line(line_payload()), parse_line(line_payload(name="Reception"))])
    line = Line.objects.get()
    assert (line.group, line.relations, line.name) == (
        "Green",
        ["Read", "Write", "Owner"],
        "Reception",
    )
    ingest.store_lines([parse_line(line_payload(relations=[]))])
    assert list(Line.objects.values_list("relations", "name")) == [([], None)]


def test_rebates_are_replaced_by_the_carrier_s(published_events: PublishedEvents, commit: Commit):
    with commit():
        assert ingest.store_rebates(parse_rebates(rebates_payload()))
    with commit():
        assert not ingest.store_rebates(parse_rebates(rebates_payload()))
    row = {"type": "Vas", "operator": "TIMG", "cost": 2100, "counter": 930}
    with commit():
        assert ingest.store_rebates(
            parse_rebates(rebates_payload(rebates=[row], updatedAt=1_731_675_000))
        )
    assert list(Rebate.objects.values_list("operator", "cost", "counter")) == [
        ("TIMG", Decimal(2100), 930)
    ]
    assert [(m["type"], m["count"], m["updated_at"]) for m in published_events] == [
        ("rebates_updated", 2, "1731671400"),
        ("rebates_updated", 1, "1731675000"),
    ]


def test_rebates_older_than_the_stored_ones_are_ignored(
    published_events: PublishedEvents, commit: Commit
):
    ingest.store_rebates(parse_rebates(rebates_payload()))
    with commit():
        assert not ingest.store_rebates(
            parse_rebates(rebates_payload(rebates=[], updatedAt=1_731_671_399))
        )
    assert Rebate.objects.count() == 2


def test_a_month_without_rebates_remembers_when_it_was_reported(
    published_events: PublishedEvents, commit: Commit
):
    ingest.store_rebates(parse_rebates(rebates_payload()))
    emptied = parse_rebates(rebates_payload(rebates=[], updatedAt=1_731_671_500))
    with commit():
        assert ingest.store_rebates(emptied)
    with commit():
        assert not ingest.store_rebates(parse_rebates(rebates_payload()))
        assert not ingest.store_rebates(emptied)
    assert not Rebate.objects.exists()
    assert selectors.rebates("2025-11") == emptied
    assert [message["count"] for message in published_events] == [0]


def test_rebates_of_before_months_were_remembered_are_not_replaced_by_older_ones():
    ingest.store_rebates(parse_rebates(rebates_payload()))
    RebateMonth.objects.all().delete()
    assert not ingest.store_rebates(
        parse_rebates(rebates_payload(rebates=[], updatedAt=1_731_671_399))
    )


def test_a_credit_note_is_stored():
    row = {"type": "Vas", "operator": "WIND", "cost": -12.4, "counter": -3}
    ingest.store_rebates(parse_rebates(rebates_payload(rebates=[row])))
    assert list(Rebate.objects.values_list("cost", "counter")) == [(Decimal("-12.4"), -3)]


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "Green", "operator": "WIND", "cost": -1, "counter": "many"},
        {"type": "Green", "operator": "WIND", "cost": 1e12, "counter": 1},
        {"operator": "WIND", "cost": 1, "counter": 1},
        None,
    ],
    ids=str,
)
def test_a_bad_row_of_rebates_stops_no_other_and_removes_nothing(
    bad: Any, published_events: PublishedEvents, commit: Commit
):
    ingest.store_month(rebates_payload(), source="rebates")
    good = {"type": "Vas", "operator": "TIMG", "cost": 2100, "counter": 930}
    later = rebates_payload(rebates=[good, bad], updatedAt=1_731_675_000)
    with commit():
        result = ingest.store_month(later, source="rebates")
    assert (result.changed, result.is_lost, result.reason[:6]) == (True, False, "Row 2:")
    assert dict(Rebate.objects.values_list("operator", "counter")) == {"TIMG": 930, "WIND": 8}
    assert Unreadable.objects.get().reason == result.reason
    assert [message["count"] for message in published_events] == [2]
    assert not ingest.store_month(later, source="rebates").changed
    assert Unreadable.objects.get().times == 2


def test_of_two_rebates_for_one_operator_neither_is_believed():
    rows = [
        {"type": "Vas", "operator": "TIM", "cost": 1, "counter": 1},
        {"type": "Vas", "operator": "WIND", "cost": 3, "counter": 3},
        {"type": "Vas", "operator": "TIM", "cost": 2, "counter": 2},
    ]
    ingest.store_month(rebates_payload(rebates=rows), source="rebates")
    assert list(Rebate.objects.values_list("operator", flat=True)) == ["WIND"]
    assert "Vas TIM" in Unreadable.objects.get().reason


def test_a_bad_push_stops_no_other():
    stored = ingest.store_pushes(
        [
            PushMessage("line", line_payload()),
            PushMessage("line", line_payload(lineType=None)),
            PushMessage("call", call_payload()),
            PushMessage("call", call_payload(caller=None)),
            PushMessage("rebates", {"month": "soon"}),
            PushMessage("rebates", rebates_payload()),
            PushMessage("message", {"type": "sms", "sms": {}}),
        ]
    )
    assert stored == Stored(created=1, unreadable=4)
    assert (Call.objects.count(), Line.objects.count(), Rebate.objects.count()) == (1, 1, 2)
    assert set(Unreadable.objects.values_list("source", flat=True)) == {
        "push line",
        "push call",
        "push rebates",
        "push message",
    }


def unreadable(payload: Any, source: str) -> Unreadable:
    ingest.store_unreadable(payload, source=source, reason="of an older release")
    return Unreadable.objects.get()


@pytest.mark.parametrize(
    ("payload", "source"),
    [
        (ended_payload(), "changes"),
        (ended_payload(), "call by id"),
        (ended_payload(), "push call"),
        (line_payload(), "lines"),
        (line_payload(), "webhook line"),
        (rebates_payload(), "rebates"),
        ({"type": "call", "call": ended_payload()}, "push message"),
        ({"type": "line", "line": line_payload()}, "webhook message"),
        ({"type": "ping"}, "webhook message"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unreadable_payload_that_can_be_read_by_now_is_stored(payload: Any, source: str):
    assert ingest.retry_unreadable(unreadable(payload, source))
    assert not Unreadable.objects.exists()
    rows = Call.objects.count() + Line.objects.count() + RebateMonth.objects.count()
    assert rows == (payload != {"type": "ping"})


@pytest.mark.parametrize(
    ("payload", "source", "reason"),
    [
        (call_payload(state=None), "changes", "Expected `str`, got `null` - at `$.state`"),
        (line_payload(number=None), "lines", "Expected `str`, got `null` - at `$.number`"),
        (rebates_payload(rebates=[{}]), "push rebates", "Row 1: Object missing"),
        ({"type": "sms"}, "push message", ingest.NO_MESSAGE),
        ("x" * 100_000, "changes", "unexpected end of data"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 100 else "",
)
def test_a_payload_that_still_cannot_be_read_has_today_s_reason(
    payload: Any, source: str, reason: str
):
    row = unreadable(payload, source)
    assert not ingest.retry_unreadable(row)
    row.refresh_from_db()
    assert reason in row.reason
    assert not Call.objects.exists()


def test_a_late_try_does_not_replace_what_was_reported_since(
    published_events: PublishedEvents, commit: Commit
):
    with time_machine.travel(NOON, tick=False):
        ingest.store_unreadable(line_payload(name="Old"), source="lines", reason="name")
        ingest.store_unreadable(call_payload(id="a"), source="changes", reason="id")
        ingest.store_unreadable(rebates_payload(), source="rebates", reason="month")
    ingest.store_lines([parse_line(line_payload(name="New"))])
    ingest.store_calls([ended(id="a")])
    ingest.store_rebates(parse_rebates(rebates_payload(rebates=[], updatedAt=1_731_671_401)))
    with commit():
        assert all(ingest.retry_unreadable(row) for row in Unreadable.objects.all())
    assert (Line.objects.get().name, Call.objects.get().state) == ("New", "Ok")
    assert not Rebate.objects.exists()
    assert published_events == []


def test_a_delivery_is_stored_once():
    messages = [PushMessage("call", call_payload())]
    assert ingest.store_delivery("msg_1", messages) == Stored(created=1)
    assert ingest.store_delivery("msg_1", messages) is None
    assert ingest.store_delivery("msg_2", messages) == Stored(unchanged=1)


def test_an_unreadable_delivery_is_recorded_and_need_not_come_again():
    messages = [PushMessage("call", None)]
    assert ingest.store_delivery("msg_1", messages) == Stored(unreadable=1)
    assert ingest.store_delivery("msg_1", messages) is None
    assert Delivery.objects.count() == 1
    assert (Unreadable.objects.get().source, Unreadable.objects.get().times) == ("webhook call", 1)


def test_unreadable_payloads_are_stored_once_and_logged_once(caplog: pytest.LogCaptureFixture):
    bad = [call_payload(id="a", state=None), {"b": "\0"}, None, "é" * 100_000]
    for _ in range(2):
        good = ingest.readable([*bad, call_payload(id="ok")], source="changes")
        assert [call.id for call in good] == ["ok"]
    assert Unreadable.objects.count() == len(caplog.records) == len(bad)
    kept = Unreadable.objects.get(payload__startswith='{"id":"a"')
    assert (kept.source, kept.reason) == ("changes", "Expected `str`, got `null` - at `$.state`")


def test_an_unreadable_payload_too_deep_for_json_stops_nothing():
    deep: list[Any] = []
    for _ in range(1_000):
        deep = [deep]
    assert ingest.readable([call_payload(state=deep), deep], source="changes") == []
    assert Unreadable.objects.count() == 2


def at_once(*works: Callable[[int], object], rounds: int) -> None:
    """Run `works` in a thread each, every round of them together; raises what went wrong."""
    together = threading.Barrier(len(works), timeout=20)

    def run(work: Callable[[int], object]) -> None:
        try:
            for n in range(rounds):
                together.wait()
                work(n)
        except BaseException:
            together.abort()
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(run, work) for work in works]:
            future.result()


@pytest.mark.django_db(transaction=True)
def test_two_writers_do_not_overwrite_each_other():
    at_once(
        lambda n: ingest.store_calls([record(id=f"c{n}", heard=1)]),
        lambda n: ingest.store_calls([ended(id=f"c{n}", billed=2)]),
        rounds=15,
    )
    stored_as = {
        (call.state, call.extra.get("heard"), call.extra.get("billed"))
        for call in Call.objects.all()
    }
    assert stored_as == {("Ok", 1, 2)}


@pytest.mark.django_db(transaction=True)
def test_writers_of_every_kind_and_a_recount_at_once_neither_lose_nor_double_nor_block():
    starts = [NOON + 150 * n for n in range(40)]
    calls = [record(id=f"c{n}", timestamp=at, cost=1) for n, at in enumerate(starts)]
    ends = [ended(id=f"c{n}", timestamp=at, cost=2, duration=10) for n, at in enumerate(starts)]
    pushes = [
        PushMessage("rebates", rebates_payload()),
        PushMessage("line", line_payload()),
        PushMessage("call", call_payload(id="c0", timestamp=NOON, revision=1, state="Ringing")),
    ]
    at_once(
        lambda n: (ingest.store_calls(calls + ends), ingest.store_pushes(pushes)),
        lambda n: (
            ingest.store_calls((calls + ends)[::-1]),
            ingest.store_delivery(f"msg-{n}", pushes),
        ),
        lambda n: ingest.store_calls(ends[10:30]),
        lambda n: rollups.recount(),
        rounds=3,
    )
    while rollups.recount():
        continue
    tallies = rollups.tallies(*day_bounds(date(2025, 11, 15)), rollups.HOUR)
    assert sum(tally.calls for tally in tallies) == Call.objects.count() == 40
    assert sum(tally.duration_s for tally in tallies) == 400
    assert sum(tally.cost for tally in tallies) == 80


def test_ids_that_look_like_sql_are_ids_all_the_same():
    ingest.store_calls([record(id="NULL")])
    odd = ['a"b', "a\\", "{a,b}", "a,b", "a\nb", ""]
    assert list(known_calls(["NULL", *odd])) == ["NULL"]
