"""The events of this app's sockets, in the spelling of the API references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from msgspec.structs import asdict

from centralino.serializers import call_fields, entry_document
from centralino.types import CallInProgress, Decision, ListedNumber
from core.realtime.events import Event


@dataclass(frozen=True)
class AsteriskEvent(Event):
    """A channel changed (`/ws`). `fields` is the documented flat set and the additive ones."""

    type: ClassVar[str] = "asterisk_event"
    socket: ClassVar[str] = "/ws"
    fields: dict[str, Any]

    def payload(self) -> dict[str, Any]:
        return self.fields


@dataclass(frozen=True)
class PbxCallChanged(Event):
    """A call of a switchboard began, changed or ended (`/dashboard-ws`), all its channels as one.

    On a socket of its own: who listens to channels has no use for it.
    """

    type: ClassVar[str] = "pbx_call"
    socket: ClassVar[str] = "/dashboard-ws"
    call: CallInProgress

    def payload(self) -> dict[str, Any]:
        return {**call_fields(self.call), "ended": self.call.ended}


@dataclass(frozen=True)
class AriEvent(Event):
    """An ARI event as Asterisk sent it (`/jpbx-ws`): its `type` is `event`, the whole is `data`."""

    type: ClassVar[str] = "ari_event"
    socket: ClassVar[str] = "/jpbx-ws"
    server: str
    data: dict[str, Any]

    def payload(self) -> dict[str, Any]:
        return {"event": self.data.get("type", ""), "server": self.server, "data": self.data}


@dataclass(frozen=True)
class _Screened(Event):
    socket: ClassVar[str] = "/jpbx-ws"
    server: str
    channel_id: str
    caller: str
    called: str
    decision: Decision
    timestamp: int

    def payload(self) -> dict[str, Any]:
        return {
            "server": self.server,
            "channel_id": self.channel_id,
            "number": self.caller,
            "e164": self.decision.number,
            "called": self.called,
            "reason": self.decision.why.value,
            "timestamp": self.timestamp,
        }


class CallPassed(_Screened):
    """A caller was let through (`/jpbx-ws`)."""

    type: ClassVar[str] = "call_passed"


class CallBlocked(_Screened):
    """A caller was blocked (`/jpbx-ws`)."""

    type: ClassVar[str] = "call_blocked"


@dataclass(frozen=True)
class BlacklistAdded(Event):
    """A number was listed, or its entry extended (`/jpbx-ws`)."""

    type: ClassVar[str] = "blacklist_added"
    socket: ClassVar[str] = "/jpbx-ws"
    entry: ListedNumber

    def payload(self) -> dict[str, Any]:
        return asdict(entry_document(self.entry))


@dataclass(frozen=True)
class BlacklistRemoved(Event):
    """A number was released, or its entry expired (`/jpbx-ws`)."""

    type: ClassVar[str] = "blacklist_removed"
    socket: ClassVar[str] = "/jpbx-ws"
    number: str
    why: str  # released | expired

    def payload(self) -> dict[str, Any]:
        return {"number": self.number, "reason": self.why}
