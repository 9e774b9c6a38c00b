"""The live channels of a server from AMI events, its calls, and what to publish.

Pure: no database, clock or network. Events: docs/upstreams/asterisk.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from centralino.event_fields import DOCUMENTED, flat_event, known, number
from centralino.events import AsteriskEvent
from centralino.live_calls import SAME_S, Channel, Instant, LiveCall, asterisk_time, begun, time_in
from centralino.types import AmiMessage, CallInProgress, PbxCallRecord
from core.lib.numbers import masked

UP: Final = "Up"
MAX_HOUR_DIGITS: Final = 5  # of a channel's age: eleven years
SETTLE_S: Final = 2.0  # a hangup that was under way at a snapshot has arrived by then
_NO_NUMBER: Final = frozenset({"", "s", "h", "i", "t"})  # extensions that nobody dials


class Table(msgspec.Struct):
    """The live state of a server in a form that can be stored and restored."""

    channels: list[Channel] = []
    calls: list[LiveCall] = []
    picked_up: dict[str, str] = {}  # by linkedid of the channel that did it: that of the call


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
        self._picked_up = dict(restored.picked_up)
        self._unconfirmed: dict[str, float] = {}  # uniqueids missing in a snapshot, since when
        self._changed: dict[str, LiveCall] = {}  # by linkedid, until `changed_calls`
        self.changes = 0  # grows with every change

    def __len__(self) -> int:
        return len(self._channels) - len(self._unconfirmed)

    def table(self) -> Table:
        """The whole state, for `restored`."""
        channels, calls = list(self._channels.values()), list(self._calls.values())
        return Table(channels, calls, dict(self._picked_up))

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
            now = Instant(at, asterisk_time(message, at))
            if name in self._published:
                event = flat_event(self._server, message, int(now.asterisk or at))
                outcome.events.append(AsteriskEvent(event))
            if (handler := _HANDLERS.get(name)) is not None:
                self.changes += 1
                handler(self, message, now, outcome.finished)
        return outcome

    def reconcile(self, snapshot: Iterable[AmiMessage], at: float) -> list[PbxCallRecord]:
        """Add the channels of a `CoreShowChannels`; what it lacks is unconfirmed until `settle`.

        Returns the calls that ended because another channel has the uniqueid of theirs.
        """
        finished: list[PbxCallRecord] = []
        listed = {message["uniqueid"]: message for message in snapshot if "uniqueid" in message}
        # A call's first channel goes first, because it has the caller; Asterisk lists in any order.
        for uniqueid, message in sorted(
            listed.items(), key=lambda item: item[0] != item[1].get("linkedid")
        ):
            before, age_s = self._channels.get(uniqueid), _seconds(message.get("duration", ""))
            if before and age_s is not None and at - age_s - before.started_at > SAME_S:
                self._remove(uniqueid, Instant(at), finished)
            if uniqueid not in self._channels:
                self._add(message, Instant(at - (age_s or 0)), finished)
        missing = self._channels.keys() - listed.keys()
        self._unconfirmed = {uniqueid: self._unconfirmed.get(uniqueid, at) for uniqueid in missing}
        self.changes += 1
        return finished

    def settle(self, at: float) -> list[PbxCallRecord]:
        """Drop the channels whose hangup was missed; returns the calls that ended with them."""
        finished: list[PbxCallRecord] = []
        for uniqueid, since in list(self._unconfirmed.items()):
            if at - since >= SETTLE_S:
                self._remove(uniqueid, Instant(at), finished)
                self.changes += 1
        return finished

    def _on_newchannel(
        self, message: AmiMessage, at: Instant, finished: list[PbxCallRecord]
    ) -> None:
        before = self._channels.get(message.get("uniqueid", ""))
        if before and at.ours - before.started_at > SAME_S:  # its hangup was missed
            self._remove(before.uniqueid, at, finished)
        self._add(message, at, finished)

    def _on_change(self, message: AmiMessage, at: Instant, finished: list[PbxCallRecord]) -> None:
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
        self._note_dialled(channel, message)

    def _on_dial(self, message: AmiMessage, at: Instant, finished: list[PbxCallRecord]) -> None:
        """A dial without a calling channel is click-to-dial: what it rings is not who is called."""
        self._on_change(message, at, finished)
        rung = self._channels.get(message.get("destuniqueid", ""))
        if rung and "channel" not in message and rung.uniqueid == rung.linkedid:
            call = self._calls[rung.linkedid]
            call.rung = rung.exten if call.rung is None else call.rung

    def _on_pickup(self, message: AmiMessage, at: Instant, finished: list[PbxCallRecord]) -> None:
        """The channel takes the place of one that rings; its own linkedid stays for a while."""
        channel = self._channels.get(message.get("uniqueid", ""))
        target = self._calls.get(message.get("targetlinkedid", ""))
        if channel and target and channel.linkedid != target.linkedid:
            self._picked_up[channel.linkedid] = target.linkedid
            self._join(channel, channel.linkedid, at, finished)

    def _on_hangup(self, message: AmiMessage, at: Instant, finished: list[PbxCallRecord]) -> None:
        uniqueid = message.get("uniqueid", "")
        channel = self._channels.get(uniqueid)
        if channel is None:
            return
        if message.get("linkedid") in self._calls:  # it has moved, and nothing else said so
            self._join(channel, message["linkedid"], at, finished)
        call = self._calls[channel.linkedid]
        if uniqueid == call.linkedid or call.cause is None:
            call.cause = number(message.get("cause", ""))
            call.cause_text = message.get("cause-txt", "")
        self._remove(uniqueid, at, finished)

    def _add(self, message: AmiMessage, at: Instant, finished: list[PbxCallRecord]) -> None:
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
            started_at=at.ours,
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
        self, channel: Channel, linkedid: str, at: Instant, finished: list[PbxCallRecord]
    ) -> None:
        """Add the channel to the call `linkedid`; a transfer may move it from another one."""
        linkedid = self._picked_up.get(linkedid, linkedid)
        call = self._calls.get(linkedid)
        if call is None:
            call = self._calls[linkedid] = begun(linkedid, channel, at)
        if channel.uniqueid == linkedid:
            self._complete(call, channel)
        if channel.uniqueid not in call.channels:
            call.channels.add(channel.uniqueid)
            call.joined += 1
            self._changed[linkedid] = call
        if channel.linkedid != linkedid:
            self._leave(channel, at, finished, moved=True)
            channel.linkedid = linkedid

    def _complete(self, call: LiveCall, first: Channel) -> None:
        """The facts of a call are its first channel's; what that learns later completes them."""
        before = call.caller, call.exten
        if not call.is_first_known:  # another one was seen before it
            call.caller = call.caller_name = call.exten = ""
            call.is_first_known = True
        if not call.caller or first.caller == masked(call.caller):  # hidden, as is known by now
            call.caller = first.caller
        call.caller_name = call.caller_name or first.caller_name
        call.exten = call.exten or first.exten
        if (call.caller, call.exten) != before:
            self._changed[call.linkedid] = call

    def _note_answer(self, channel: Channel, at: Instant) -> None:
        """A call is answered when the channel that began it is up."""
        call = self._calls[channel.linkedid]
        if channel.state == UP and channel.uniqueid == call.linkedid and call.answered_at is None:
            call.answered_at = max(time_in(call, at), call.started_at)
            self._changed[call.linkedid] = call

    def _note_dialled(self, channel: Channel, message: AmiMessage) -> None:
        """The number of a click-to-dial: where its first channel goes when it was answered."""
        call = self._calls[channel.linkedid]
        if call.rung is None or call.answered_at is None or channel.uniqueid != call.linkedid:
            return
        for dialled in (channel.exten, known(message.get("destcalleridnum", ""))):
            if dialled not in _NO_NUMBER and dialled != call.rung:
                call.exten, call.rung = dialled, None
                self._changed[call.linkedid] = call
                return

    def _remove(self, uniqueid: str, at: Instant, finished: list[PbxCallRecord]) -> None:
        self._unconfirmed.pop(uniqueid, None)
        self._leave(self._channels.pop(uniqueid), at, finished)

    def _leave(
        self, channel: Channel, at: Instant, finished: list[PbxCallRecord], *, moved: bool = False
    ) -> None:
        """The channel is no longer part of its call; the last one ends it.

        One whose only channel `moved` to another call was no call of its own.
        """
        call = self._calls.get(channel.linkedid)
        if call is None:
            return
        call.channels.discard(channel.uniqueid)
        self._changed[call.linkedid] = call
        if not call.channels:
            del self._calls[call.linkedid]
            self._picked_up = {k: v for k, v in self._picked_up.items() if v != call.linkedid}
            if not (moved and call.joined == 1):
                finished.append(self._record(call, at))

    def _record(self, call: LiveCall, at: Instant) -> PbxCallRecord:
        ended_at = max(time_in(call, at), call.answered_at or call.started_at)
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
    "NewConnectedLine": ChannelTable._on_change,
    "Newexten": ChannelTable._on_change,
    "Rename": ChannelTable._on_change,
    "DialBegin": ChannelTable._on_dial,
    "DialEnd": ChannelTable._on_change,
    "Pickup": ChannelTable._on_pickup,
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


def _peer(channel: str) -> str:
    """`PJSIP/201-0000002a` is 201."""
    return channel.partition("/")[2].rpartition("-")[0] or channel


def _seconds(duration: str) -> int | None:
    """`HH:MM:SS` in seconds; None when it is none, or longer than any channel lives."""
    parts = duration.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    if len(parts[0]) > MAX_HOUR_DIGITS:
        return None
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds


def _utc(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
