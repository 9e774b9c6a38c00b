"""What AMI events mean: the live channels of a server, its finished calls, what to publish.

Pure: no database, clock or network. Events: docs/upstreams/asterisk.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from centralino.events import AsteriskEvent
from centralino.types import AmiMessage, PbxCallRecord

DOCUMENTED: Final = frozenset({"Newchannel", "Newstate", "Hangup", "DialBegin", "DialEnd"})
UP: Final = "Up"
SETTLE_S: Final = 2.0  # a hangup that was under way when a snapshot was taken has come by then
_NOBODY: Final = frozenset({"<unknown>", "<none>"})
# Published name, AMI header. The first are the reference's, the others additions, when told.
_ALWAYS: Final = (
    ("channel", "channel"),
    ("uniqueid", "uniqueid"),
    ("calleridnum", "calleridnum"),
    ("calleridname", "calleridname"),
    ("context", "context"),
    ("exten", "exten"),
    ("state", "channelstatedesc"),
)
_TIME_HEADERS: Final = (
    ("linkedid", "linkedid"),
    ("connectedlinenum", "connectedlinenum"),
    ("connectedlinename", "connectedlinename"),
    ("cause_txt", "cause-txt"),
    ("destchannel", "destchannel"),
    ("destuniqueid", "destuniqueid"),
    ("destcalleridnum", "destcalleridnum"),
    ("deststate", "destchannelstatedesc"),
    ("dialstring", "dialstring"),
    ("dialstatus", "dialstatus"),
)


class Channel(msgspec.Struct):
    """A channel that exists now. Times are epoch seconds."""

    uniqueid: str
    linkedid: str
    name: str
    state: str
    caller: str
    caller_name: str
    context: str
    exten: str
    started_at: float
    application: str = ""


class Call(msgspec.Struct):
    """A call in progress: what its first channel told, and which channels it has now."""

    linkedid: str
    caller: str
    caller_name: str
    exten: str
    started_at: float
    answered_at: float | None = None
    cause: int | None = None
    cause_text: str = ""
    channels: set[str] = msgspec.field(default_factory=set)


class Table(msgspec.Struct):
    """The live state of a server in a form that can be kept and read back."""

    channels: list[Channel] = []
    calls: list[Call] = []


@dataclass(slots=True)
class Outcome:
    """What a batch of events came to."""

    events: list[AsteriskEvent] = field(default_factory=list)
    finished: list[PbxCallRecord] = field(default_factory=list)


class ChannelTable:
    """The live channels of one server and the calls that they make up."""

    def __init__(self, server: str, *, more_events: Iterable[str] = (), kept: Table | None = None):
        """`kept` is what an earlier process knew last; a snapshot will tell what became of it."""
        kept = kept or Table()
        self._server = server
        self._published = DOCUMENTED | frozenset(more_events)
        self._channels = {channel.uniqueid: channel for channel in kept.channels}
        self._calls = {call.linkedid: call for call in kept.calls}
        self._doubtful: dict[str, float] = {}  # uniqueids that a snapshot lacked, and since when
        self.changes = 0  # grows with every change

    def __len__(self) -> int:
        return len(self._channels) - len(self._doubtful)

    def table(self) -> Table:
        """All that `kept` needs."""
        return Table(list(self._channels.values()), list(self._calls.values()))

    def channels(self) -> list[Channel]:
        """The channels that exist now, oldest first."""
        return [c for c in self._channels.values() if c.uniqueid not in self._doubtful]

    def take(self, batch: Sequence[AmiMessage], at: float) -> Outcome:
        """Follow a batch of events that came at `at` (epoch seconds)."""
        outcome = Outcome()
        for message in batch:
            name = message["event"]
            happened_at = _event_time(message, at)
            if name in self._published:
                event = flat_event(self._server, message, int(happened_at))
                outcome.events.append(AsteriskEvent(event))
            if (follow := _FOLLOWED.get(name)) is not None:
                self.changes += 1
                follow(self, message, happened_at, outcome.finished)
        return outcome

    def reconcile(self, snapshot: Iterable[AmiMessage], at: float) -> None:
        """Learn the channels of a `CoreShowChannels`; what it lacks is doubtful until `settle`."""
        listed = {message["uniqueid"]: message for message in snapshot if "uniqueid" in message}
        # The channel that began a call first, for it tells who called; Asterisk lists in any order.
        for uniqueid, message in sorted(
            listed.items(), key=lambda item: item[0] != item[1].get("linkedid")
        ):
            if uniqueid not in self._channels:
                self._add(message, at - _seconds(message.get("duration", "")), [])
        missing = self._channels.keys() - listed.keys()
        self._doubtful = {uniqueid: self._doubtful.get(uniqueid, at) for uniqueid in missing}
        self.changes += 1

    def settle(self, at: float) -> list[PbxCallRecord]:
        """Let go of the channels whose hangup was missed; the calls that ended unseen."""
        finished: list[PbxCallRecord] = []
        for uniqueid, since in list(self._doubtful.items()):
            if at - since >= SETTLE_S:
                self._remove(uniqueid, at, finished)
                self.changes += 1
        return finished

    def _on_newchannel(self, message: AmiMessage, at: float, finished: list[PbxCallRecord]) -> None:
        self._add(message, at, finished)

    def _on_change(self, message: AmiMessage, at: float, finished: list[PbxCallRecord]) -> None:
        channel = self._channels.get(message.get("uniqueid", ""))
        if channel is None:
            if message["event"] == "Newstate":  # of a channel whose beginning was missed
                self._add(message, at, finished)
            return
        channel.name = message.get("newname") or message.get("channel", channel.name)
        channel.state = message.get("channelstatedesc", channel.state)
        channel.caller = known(message.get("calleridnum", channel.caller))
        channel.caller_name = known(message.get("calleridname", channel.caller_name))
        channel.context = message.get("context", channel.context)
        channel.exten = message.get("exten", channel.exten)
        self._join(channel, message.get("linkedid") or channel.linkedid, at, finished)
        self._note_answer(channel, at)

    def _on_hangup(self, message: AmiMessage, at: float, finished: list[PbxCallRecord]) -> None:
        uniqueid = message.get("uniqueid", "")
        channel = self._channels.get(uniqueid)
        if channel is None:
            return
        call = self._calls[channel.linkedid]
        if uniqueid == call.linkedid or call.cause is None:
            call.cause = _number(message.get("cause", ""))
            call.cause_text = message.get("cause-txt", "")
        self._remove(uniqueid, at, finished)

    def _add(self, message: AmiMessage, at: float, finished: list[PbxCallRecord]) -> None:
        uniqueid = message.get("uniqueid", "")
        if not uniqueid:
            return
        channel = Channel(
            uniqueid=uniqueid,
            linkedid=uniqueid,
            name=message.get("channel", ""),
            state=message.get("channelstatedesc", ""),
            caller=known(message.get("calleridnum", "")),
            caller_name=known(message.get("calleridname", "")),
            context=message.get("context", ""),
            exten=message.get("exten", ""),
            started_at=at,
            application=message.get("application", ""),
        )
        before = self._channels.get(uniqueid)
        if before is not None:  # told by a snapshot already
            channel.linkedid, channel.started_at = before.linkedid, before.started_at
        self._channels[uniqueid] = channel
        self._doubtful.pop(uniqueid, None)
        self._join(channel, message.get("linkedid") or uniqueid, at, finished)
        self._note_answer(channel, at)

    def _join(
        self, channel: Channel, linkedid: str, at: float, finished: list[PbxCallRecord]
    ) -> None:
        """Count the channel among the call `linkedid`; a transfer may take it from another one."""
        call = self._calls.get(linkedid)
        if call is None:
            call = self._calls[linkedid] = Call(
                linkedid, channel.caller, channel.caller_name, channel.exten, channel.started_at
            )
        if channel.uniqueid == linkedid:
            call.caller = call.caller or channel.caller
            call.caller_name = call.caller_name or channel.caller_name
        call.channels.add(channel.uniqueid)
        if channel.linkedid != linkedid:
            self._leave(channel, at, finished)
            channel.linkedid = linkedid

    def _note_answer(self, channel: Channel, at: float) -> None:
        """A call is answered when the channel that began it is up."""
        call = self._calls[channel.linkedid]
        if channel.state == UP and channel.uniqueid == call.linkedid and call.answered_at is None:
            call.answered_at = at

    def _remove(self, uniqueid: str, at: float, finished: list[PbxCallRecord]) -> None:
        self._doubtful.pop(uniqueid, None)
        self._leave(self._channels.pop(uniqueid), at, finished)

    def _leave(self, channel: Channel, at: float, finished: list[PbxCallRecord]) -> None:
        """The channel is no longer part of its call; the last one ends it."""
        call = self._calls.get(channel.linkedid)
        if call is None:
            return
        call.channels.discard(channel.uniqueid)
        if not call.channels:
            del self._calls[call.linkedid]
            finished.append(self._record(call, at))

    def _record(self, call: Call, at: float) -> PbxCallRecord:
        ended_at = max(at, call.started_at)
        return PbxCallRecord(
            server=self._server,
            linkedid=call.linkedid,
            caller=call.caller,
            caller_name=call.caller_name,
            exten=call.exten,
            started_at=_utc(call.started_at),
            answered_at=None if call.answered_at is None else _utc(call.answered_at),
            ended_at=_utc(ended_at),
            cause=call.cause,
            cause_text=call.cause_text,
        )


_FOLLOWED: Final = {
    "Newchannel": ChannelTable._on_newchannel,
    "Newstate": ChannelTable._on_change,
    "NewCallerid": ChannelTable._on_change,
    "NewExten": ChannelTable._on_change,
    "Rename": ChannelTable._on_change,
    "DialBegin": ChannelTable._on_change,
    "DialEnd": ChannelTable._on_change,
    "BridgeEnter": ChannelTable._on_change,
    "BridgeLeave": ChannelTable._on_change,
    "Hangup": ChannelTable._on_hangup,
}


def flat_event(server: str, message: Mapping[str, str], timestamp: int) -> dict[str, Any]:
    """An AMI event as the first API reference shows it: flat, every documented field always there.

    A dial without a calling channel (click-to-dial) is told of the channel that is called.
    """
    side = "" if message.get("channel") or "destchannel" not in message else "dest"
    event: dict[str, Any] = {"event": message["event"], "server": server}
    for name, header in _ALWAYS:
        value = message.get(side + header, "")
        event[name] = "" if value in _NOBODY else value
    event["timestamp"] = timestamp
    for name, header in _TIME_HEADERS:
        if header in message:
            event[name] = known(message[header])
    if "cause" in message:
        event["cause"] = _number(message["cause"])
    return event


def known(value: str) -> str:
    """What Asterisk spells `<unknown>` is nothing."""
    return "" if value in _NOBODY else value


def _event_time(message: AmiMessage, at: float) -> float:
    """When it happened: Asterisk says so where `timestampevents` is on."""
    told = message.get("timestamp")
    if told:
        with suppress(ValueError):
            return float(told)
    return at


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None


def _seconds(duration: str) -> int:
    """`HH:MM:SS` in seconds; 0 when it is none."""
    parts = duration.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return 0
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds


def _utc(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
