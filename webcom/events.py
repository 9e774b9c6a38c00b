"""What this app says on its socket, in the spelling of the API reference."""

from __future__ import annotations

from typing import Any, ClassVar

from core.realtime.events import Event
from webcom.types import CallRecord, RebateRecord


def call_document(call: CallRecord) -> dict[str, Any]:
    """A call as the API reference spells it; `lineType`, `endedAt` and `revision` are additions.

    A cost or duration that the carrier has not told yet is 0: the reference's clients expect
    numbers.
    """
    return {
        "id": call.id,
        "lineID": call.line_id,
        "state": call.state,
        "direction": call.direction,
        "caller": call.caller,
        "called": call.called,
        "callerOperator": call.caller_operator,
        "cost": float(call.cost or 0),
        "duration": call.duration_s or 0,
        "lineNumber": call.line_number,
        "timestamp": call.started_at,
        "lineType": call.line_type,
        "endedAt": call.ended_at,
        "revision": call.revision,
    }


def rebates_document(record: RebateRecord) -> dict[str, Any]:
    """A month's rebates as the API reference spells them; `updated_at` is a string of epoch s."""
    return {
        "month": record.month,
        "count": len(record.rebates),
        "updated_at": str(record.updated_at),
        "rebates": [
            {"type": r.type, "operator": r.operator, "cost": float(r.cost), "counter": r.counter}
            for r in record.rebates
        ],
    }


class CallEvent(Event):
    """A call changed: its documented fields at top level, so that `data.id && data.state` works."""

    type: ClassVar[str] = "call_event_realtime"
    socket: ClassVar[str] = "/ws"

    def __init__(self, call: CallRecord) -> None:
        self.call = call

    def payload(self) -> dict[str, Any]:
        return call_document(self.call)


class RebatesUpdated(Event):
    """A month's rebates changed."""

    type: ClassVar[str] = "rebates_updated"
    socket: ClassVar[str] = "/ws"

    def __init__(self, record: RebateRecord) -> None:
        self.record = record

    def payload(self) -> dict[str, Any]:
        return rebates_document(self.record)
