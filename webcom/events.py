"""Events of this app on the sockets."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import to_builtins
from msgspec.structs import asdict

from core.realtime.events import Event
from webcom.serializers import call_document, rebates_document
from webcom.types import CallRecord, RebateRecord


class CallEvent(Event):
    """A call changed: its documented fields at top level, so that `data.id && data.state` works."""

    type: ClassVar[str] = "call_event_realtime"
    socket: ClassVar[str] = "/ws"

    def __init__(self, call: CallRecord) -> None:
        self.call = call

    def payload(self) -> dict[str, Any]:
        return asdict(call_document(self.call))


class RebatesUpdated(Event):
    """A month's rebates changed."""

    type: ClassVar[str] = "rebates_updated"
    socket: ClassVar[str] = "/ws"

    def __init__(self, record: RebateRecord) -> None:
        self.record = record

    def payload(self) -> dict[str, Any]:
        document: dict[str, Any] = to_builtins(rebates_document(self.record.month, self.record))
        return document
