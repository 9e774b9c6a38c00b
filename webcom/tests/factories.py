"""Factories of the carrier's payloads and of the records read from them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from webcom import ingest
from webcom.models import Call
from webcom.types import CallRecord, parse_call

NOON: Final = 1_763_204_400  # 2025-11-15 12:00 in Rome, 11:00 UTC
_numbers = count(1)


def call_payload(**fields: Any) -> dict[str, Any]:
    """A call in conversation on a Vas line, with a new id; `fields` in the carrier's spelling."""
    return {
        "id": f"691880b00a5a{next(_numbers):012x}",
        "lineID": "Sickprod90TLW",
        "lineNumber": "899748963",
        "state": "Pending",
        "direction": "Entering",
        "caller": "331234567",
        "called": "899748963",
        "callerOperator": "TIM",
        "cost": 0.15,
        "duration": 0,
        "timestamp": NOON,
        "revision": 2,
    } | fields


def ended_payload(**fields: Any) -> dict[str, Any]:
    """A call that ended well after 45 seconds."""
    end = {
        "state": "Ok",
        "duration": 45,
        "cost": 0.885,
        "endedAt": fields.get("timestamp", NOON) + 47,
    }
    return call_payload(**{**end, "revision": 3, **fields})


def record(**fields: Any) -> CallRecord:
    """A `call_payload` as a record."""
    return parse_call(call_payload(**fields))


def ended(**fields: Any) -> CallRecord:
    """An `ended_payload` as a record."""
    return parse_call(ended_payload(**fields))


def stored(call: CallRecord) -> Call:
    """The call in the database, stored by `ingest`."""
    ingest.store_calls([call], announce=False)
    return Call.objects.get(id=call.id)


def line_payload(**fields: Any) -> dict[str, Any]:
    """The toll-free line of the reference."""
    return {
        "lineId": "Sickprod28GN",
        "number": "800026028",
        "lineType": "Green",
        "group": "Green",
        "relations": ["Read", "Write", "Owner"],
        "name": None,
    } | fields


def rebates_payload(**fields: Any) -> dict[str, Any]:
    """The rebates of the reference."""
    return {
        "month": "2025-11",
        "updatedAt": 1_731_671_400,
        "rebates": [
            {"type": "Vas", "operator": "TIMG", "cost": 2092.68, "counter": 923},
            {"type": "Green", "operator": "WIND", "cost": -0.07, "counter": 8},
        ],
    } | fields


def utc(*parts: int) -> datetime:
    """A UTC instant."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def epoch(*parts: int) -> int:
    """A UTC instant in epoch seconds."""
    return int(utc(*parts).timestamp())
