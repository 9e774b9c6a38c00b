from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from webcom.tests.factories import (
    NOON,
    call_payload,
    ended_payload,
    line_payload,
    rebates_payload,
    record,
)
from webcom.types import RecordError, Stage, parse_call, parse_line, parse_rebates, without_nul

DATA = Path(__file__).parent / "data"


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("name", ["call_ringing", "call_pending", "call_ok"])
def test_recorded_calls_are_read_whole(name: str):
    payload = orjson.loads((DATA / f"{name}.json").read_bytes())
    call = parse_call(payload)
    assert (call.id, call.line_id, call.caller, call.started_at, call.revision) == (
        payload["id"],
        payload["lineID"],
        payload["caller"],
        payload["timestamp"],
        payload["revision"],
    )
    assert float(call.cost or 0) == payload["cost"]
    assert call.duration_s == payload["duration"]
    assert call.ended_at == payload.get("endedAt")
    assert call.extra == "{}"


def test_a_call_needs_no_more_than_id_state_and_start():
    call = parse_call({"id": "a", "state": "Ringing", "timestamp": NOON})
    assert (call.caller, call.cost, call.duration_s, call.ended_at, call.revision) == (
        "",
        None,
        None,
        None,
        0,
    )


def test_unknown_fields_are_stored_in_a_fixed_order():
    call = parse_call(call_payload(zeta=[1, None], alpha={"b": "è"}))
    assert call.extra == '{"alpha":{"b":"è"},"zeta":[1,null]}'


def test_our_own_fields_cannot_be_set_by_a_payload():
    call = parse_call(call_payload(lineType="Green", extra="rubbish"))
    assert call.line_type == ""
    assert orjson.loads(call.extra) == {"extra": "rubbish", "lineType": "Green"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\0b", "ab"),
        ("\0\0", ""),
        ("\\u0000", "\\u0000"),
        ("\\\0", "\\"),
        ("\\\\u0000\0", "\\\\u0000"),
    ],
)
def test_only_nul_is_removed_from_json(text: str, expected: str):
    assert orjson.loads(without_nul(orjson.dumps([text]).decode())) == [expected]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": "a" * 65}, "id"),
        ({"id": 7}, "id"),
        ({"state": None}, "state"),
        ({"state": "x" * 33}, "state"),
        ({"state": "Ok\n"}, "state"),
        ({"caller": "33\x00"}, "caller"),
        ({"timestamp": "1763204400"}, "timestamp"),
        ({"timestamp": 1_763_204_400_000}, "timestamp"),
        ({"timestamp": 0}, "timestamp"),
        ({"timestamp": NOON + 0.5}, "timestamp"),
        ({"duration": -1}, "duration"),
        ({"endedAt": True}, "endedAt"),
        ({"revision": 2**63}, "revision"),
        ({"cost": True}, "cost"),
        ({"cost": "free"}, "cost"),
        ({"cost": "NaN"}, "cost"),
        ({"cost": "Infinity"}, "cost"),
        ({"cost": 10_000_001}, "cost"),
        ({"cost": "-1e99999"}, "cost"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(fields: dict[str, Any], named: str):
    with pytest.raises(RecordError, match=rf"\$\.{named}"):
        parse_call(call_payload(**fields))


@pytest.mark.parametrize("name", ["id", "state", "timestamp"])
def test_a_missing_field_is_named(name: str):
    payload = call_payload()
    del payload[name]
    with pytest.raises(RecordError, match=name):
        parse_call(payload)


@pytest.mark.parametrize("payload", [None, 1, "call", [], [{}], True])
def test_a_payload_that_is_not_an_object_is_refused(payload: Any):
    with pytest.raises(RecordError, match="Expected an object"):
        parse_call(payload)


@pytest.mark.parametrize("extra", [{"x": "y" * 9_000}, {"x": nested(300)}, {"x": 2**70}])
def test_unknown_fields_that_cannot_be_stored_are_refused(extra: dict[str, Any]):
    with pytest.raises(RecordError, match="Unknown fields"):
        parse_call(call_payload(**extra))


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        (0.1, "0.1"),
        ("0.15", "0.15"),
        (0.00005, "0"),
        (0.00015, "0.0002"),
        (7, "7"),
        (-0.07, "-0.07"),
    ],
)
def test_money_is_decimal_to_the_hundredth_of_a_cent(value: Any, cost: str):
    assert parse_call(call_payload(cost=value)).cost == Decimal(cost)


@pytest.mark.parametrize(
    ("fields", "stage"),
    [
        ({"state": "Ringing"}, Stage.RINGING),
        ({"state": "Pending"}, Stage.TALKING),
        ({"state": "Transferring"}, Stage.TALKING),
        ({"state": "Transferring", "endedAt": NOON + 9}, Stage.ENDED),
        ({"state": "Busy"}, Stage.ENDED),
        ({"state": "Lost"}, Stage.LOST),
    ],
)
def test_the_stage_follows_from_state_and_end(fields: dict[str, Any], stage: Stage):
    assert record(**fields).stage == stage


def test_lines_and_rebates_of_the_reference_are_read():
    line, rebates = parse_line(line_payload()), parse_rebates(rebates_payload())
    assert (line.line_id, line.relations, line.name) == (
        "Sickprod28GN",
        ["Read", "Write", "Owner"],
        None,
    )
    assert [(row.operator, row.cost) for row in rebates.rebates] == [
        ("TIMG", Decimal("2092.68")),
        ("WIND", Decimal("-0.07")),
    ]


@pytest.mark.parametrize("month", ["2025-13", "2025-1", "2025-11\n", "1999-01", "٢٠٢٥-11", None])
def test_rebates_without_a_valid_month_are_refused(month: Any):
    with pytest.raises(RecordError, match="month"):
        parse_rebates(rebates_payload(month=month))


def test_two_rebates_of_one_operator_and_type_are_refused():
    row = {"type": "Vas", "operator": "TIM", "cost": 1, "counter": 1}
    with pytest.raises(RecordError, match="Two rows"):
        parse_rebates(rebates_payload(rebates=[row, row]))


def test_a_deeply_nested_payload_is_refused():
    with pytest.raises(RecordError):
        parse_call(ended_payload(state=nested(900)))
