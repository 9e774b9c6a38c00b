"""The live channels of a server from AMI events, its calls, and what to publish.

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
from centralino.types import AmiMessage, CallInProgress, PbxCallRecord
from core.lib.numbers import masked

DOCUMENTED: Final = frozenset({"Newchannel", "Newstate", "Hangup", "DialBegin", "DialEnd"})
UP: Final = "Up"
SETTLE_S: Final = 2.0  # a hangup that was under way at a snapshot has arrived by then
EPOCH_MIN: Final = 946_684_800  # 2000-01-01, UTC seconds
DAY_S: Final = 86_400
_NONE: Final = frozenset({"<unknown>", "<none>"})
# Published name, AMI header. The first are the reference's; the others are sent when present.
_DOCUMENTED_FIELDS: Final = (
    ("channel", "channel"),
    ("uniqueid", "uniqueid"),
    ("calleridnum", "calleridnum"),
    ("calleridname", "calleridname"),
    ("context", "context"),
    ("exten", "exten"),
    ("state", "channelstatedesc"),
)
_OPTIONAL_FIELDS: Final = (
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


class LiveCall(msgspec.Struct):
    """A call in progress: the facts of its first channel, and the channels it has now."""

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
    """The live state of a server in a form that can be stored and restored."""

    channels: list[Channel] = []
    calls: list[LiveCall] = []


@dataclass(slots=True)
class Outcome:
    """The result of a batch of events: what to publish, and the calls that ended."""

    events: list[AsteriskEvent] = field(default_factory=list)
    finished: list[PbxCallRecord] = field(default_factory=list)


class ChannelTable:
    """The live channels of one server and the calls that they make up."""

    def __init__(
        self, server: str, *, more_events: Iterable[str] = (), restored: Table | None = None
    ):
        """`restored` is the last state of an earlier process; a snapshot brings it up to date."""
        restored = restored or Table()
        self._server = server
        self._published = DOCUMENTED | frozenset(more_events)
        self._channels = {channel.uniqueid: channel for channel in restored.channels}
        self._calls = {call.linkedid: call for call in restored.calls}
        self._unconfirmed: dict[str, float] = {}  # uniqueids missing in a snapshot, since when
        self._changed: dict[str, LiveCall] = {}  # by linkedid, until `changed_calls`
        self.changes = 0  # grows with every change

    def __len__(self) -> int:
        return len(self._channels) - len(self._unconfirmed)

    def table(self) -> Table:
        """The whole state, for `restored`."""
        return Table(list(self._channels.values()), list(self._calls.values()))

    def channels(self) -> list[Channel]:
        """The channels that exist now, oldest first."""
        return [c for c in self._channels.values() if c.uniqueid not in self._unconfirmed]

    def changed_calls(self) -> list[CallInProgress]:
        """The calls that began, changed or ended since the last time, each once as it is now."""
        changed, self._changed = self._changed, {}
        return [assembled(self._server, call, self._channels) for call in changed.values()]

    def apply(self, batch: Sequence[AmiMessage], at: float) -> Outcome:
        """Apply a batch of events that arrived at `at` (epoch seconds)."""
        outcome = Outcome()
        for message in batch:
            name = message["event"]
            happened_at = _event_time(message, at)
            if name in self._published:
                event = flat_event(self._server, message, int(happened_at))
                outcome.events.append(AsteriskEvent(event))
            if (handler := _HANDLERS.get(name)) is not None:
                self.changes += 1
                handler(self, message, happened_at, outcome.finished)
        return outcome

    def reconcile(self, snapshot: Iterable[AmiMessage], at: float) -> None:
        """Add the channels of a `CoreShowChannels`; what it lacks is unconfirmed until `settle`."""
        listed = {message["uniqueid"]: message for message in snapshot if "uniqueid" in message}
        # A call's first channel goes first, because it has the caller; Asterisk lists in any order.
        for uniqueid, message in sorted(
            listed.items(), key=lambda item: item[0] != item[1].get("linkedid")
        ):
            if uniqueid not in self._channels:
                started_at = at - _seconds(message.get("duration", ""))
                self._add(message, started_at if _is_plausible(started_at, at) else at, [])
        missing = self._channels.keys() - listed.keys()
        self._unconfirmed = {uniqueid: self._unconfirmed.get(uniqueid, at) for uniqueid in missing}
        self.changes += 1

    def settle(self, at: float) -> list[PbxCallRecord]:
        """Drop the channels whose hangup was missed; returns the calls that ended with them."""
        finished: list[PbxCallRecord] = []
        for uniqueid, since in list(self._unconfirmed.items()):
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
        name = message.get("newname") or message.get("channel", channel.name)
        if name != channel.name:
            channel.name = name
            self._changed[channel.linkedid] = self._calls[channel.linkedid]
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
        if before is not None:  # in a snapshot already
            channel.linkedid, channel.started_at = before.linkedid, before.started_at
        self._channels[uniqueid] = channel
        self._unconfirmed.pop(uniqueid, None)
        self._join(channel, message.get("linkedid") or uniqueid, at, finished)
        self._note_answer(channel, at)

    def _join(
        self, channel: Channel, linkedid: str, at: float, finished: list[PbxCallRecord]
    ) -> None:
        """Add the channel to the call `linkedid`; a transfer may move it from another one."""
        call = self._calls.get(linkedid)
        if call is None:
            call = self._calls[linkedid] = LiveCall(
                linkedid, channel.caller, channel.caller_name, channel.exten, channel.started_at
            )
        if channel.uniqueid == linkedid:
            self._complete(call, channel)
        if channel.uniqueid not in call.channels:
            call.channels.add(channel.uniqueid)
            self._changed[linkedid] = call
        if channel.linkedid != linkedid:
            self._leave(channel, at, finished)
            channel.linkedid = linkedid

    def _complete(self, call: LiveCall, first: Channel) -> None:
        """Add to the call what its first channel did not know when it began."""
        before = call.caller, call.exten
        if not call.caller or first.caller == masked(call.caller):  # hidden, as is known by now
            call.caller = first.caller
        call.caller_name = call.caller_name or first.caller_name
        call.exten = call.exten or first.exten
        if (call.caller, call.exten) != before:
            self._changed[call.linkedid] = call

    def _note_answer(self, channel: Channel, at: float) -> None:
        """A call is answered when the channel that began it is up."""
        call = self._calls[channel.linkedid]
        if channel.state == UP and channel.uniqueid == call.linkedid and call.answered_at is None:
            call.answered_at = at
            self._changed[call.linkedid] = call

    def _remove(self, uniqueid: str, at: float, finished: list[PbxCallRecord]) -> None:
        self._unconfirmed.pop(uniqueid, None)
        self._leave(self._channels.pop(uniqueid), at, finished)

    def _leave(self, channel: Channel, at: float, finished: list[PbxCallRecord]) -> None:
        """The channel is no longer part of its call; the last one ends it."""
        call = self._calls.get(channel.linkedid)
        if call is None:
            return
        call.channels.discard(channel.uniqueid)
        self._changed[call.linkedid] = call
        if not call.channels:
            del self._calls[call.linkedid]
            finished.append(self._record(call, at))

    def _record(self, call: LiveCall, at: float) -> PbxCallRecord:
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


_HANDLERS: Final = {
    "Newchannel": ChannelTable._on_newchannel,
    "Newstate": ChannelTable._on_change,
    "NewCallerid": ChannelTable._on_change,
    "NewExten": ChannelTable._on_change,
    "Newexten": ChannelTable._on_change,  # as Asterisk 16 to 22 spell it
    "Rename": ChannelTable._on_change,
    "DialBegin": ChannelTable._on_change,
    "DialEnd": ChannelTable._on_change,
    "BridgeEnter": ChannelTable._on_change,
    "BridgeLeave": ChannelTable._on_change,
    "Hangup": ChannelTable._on_hangup,
}


def assembled(server: str, call: LiveCall, channels: Mapping[str, Channel]) -> CallInProgress:
    """The call with those who talk in it beside the caller; `channels` are the server's."""
    others = [
        channels[one].name for one in call.channels if one != call.linkedid and one in channels
    ]
    return CallInProgress(
        server=server,
        linkedid=call.linkedid,
        caller=call.caller,
        exten=call.exten,
        started_at=call.started_at,
        answered_at=call.answered_at,
        parties=sorted(set(map(_peer, others))),
        ended=not call.channels,
    )


def calls_in_progress(server: str, table: Table) -> list[CallInProgress]:
    """Every call of a table."""
    channels = {channel.uniqueid: channel for channel in table.channels}
    return [assembled(server, call, channels) for call in table.calls]


def readable_table(document: Mapping[str, Any]) -> Table:
    """The `table` of a stored state; empty when there is none, or it is of another release."""
    try:
        return msgspec.convert(document["table"], Table)
    except (KeyError, TypeError, msgspec.ValidationError):
        return Table()


def flat_event(server: str, message: Mapping[str, str], timestamp: int) -> dict[str, Any]:
    """An AMI event as the first API reference has it: flat, every documented field always present.

    A dial without a calling channel (click-to-dial) has the fields of the called channel.
    """
    side = "" if message.get("channel") or "destchannel" not in message else "dest"
    event: dict[str, Any] = {"event": message["event"], "server": server}
    for name, header in _DOCUMENTED_FIELDS:
        value = message.get(side + header, "")
        event[name] = "" if value in _NONE else value
    event["timestamp"] = timestamp
    for name, header in _OPTIONAL_FIELDS:
        if header in message:
            event[name] = known(message[header])
    if "cause" in message:
        event["cause"] = _number(message["cause"])
    return event


def _peer(channel: str) -> str:
    """`PJSIP/201-0000002a` is 201."""
    return channel.partition("/")[2].rpartition("-")[0] or channel


def known(value: str) -> str:
    """The value, empty where Asterisk writes `<unknown>` or `<none>`."""
    return "" if value in _NONE else value


def _event_time(message: AmiMessage, at: float) -> float:
    """When it happened: Asterisk's own time where `timestampevents` is on."""
    with suppress(KeyError, ValueError):
        stamped = float(message["timestamp"])
        return stamped if _is_plausible(stamped, at) else at
    return at


def _is_plausible(epoch: float, now: float) -> bool:
    """Whether it can be the time of something that is happening; not NaN, and of no unset clock."""
    return EPOCH_MIN <= epoch <= now + DAY_S


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _number(text: str) -> int | None:
    return int(text) if _is_digits(text) and len(text) < 5 else None


def _seconds(duration: str) -> int:
    """`HH:MM:SS` in seconds; 0 when it is none."""
    parts = duration.split(":")
    if len(duration) > 12 or len(parts) != 3 or not all(map(_is_digits, parts)):
        return 0
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds


def _utc(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
