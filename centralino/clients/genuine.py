"""Which messages of a manager session Asterisk meant to send.

Asterisk writes a caller's number as it is: one that holds line breaks ends its message early and
writes others behind it. Their shape tells them apart. Pure, but for the log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from centralino.clients.messages import parse_message
from centralino.types import AmiMessage, Overflow

logger = logging.getLogger(__name__)

# How Asterisk describes a channel: always all of it, in this order, a caller's words in the middle.
CHANNEL: Final = (
    "channel", "channelstate", "channelstatedesc", "calleridnum", "calleridname",
    "connectedlinenum", "connectedlinename", "language", "accountcode", "context", "exten",
    "priority", "uniqueid", "linkedid",
)  # fmt: skip
# Events that describe a second channel, by how their names begin, and its prefix.
OTHER_CHANNEL: Final = {"Dial": "dest", "Agent": "dest", "Pickup": "target"}
OF_A_CHANNEL: Final = frozenset(
    {"Newchannel", "Newstate", "Newexten", "NewCallerid", "NewConnectedLine", "Hangup",
     "HangupRequest", "SoftHangupRequest", "DialBegin", "DialState", "DialEnd", "BridgeEnter",
     "BridgeLeave", "Hold", "Unhold", "Pickup"}
)  # fmt: skip
_NEEDED: Final = ("channel", "uniqueid", "linkedid")
_HEADERS: Final = {
    prefix: frozenset(prefix + name for name in CHANNEL) for prefix in ("", "dest", "target")
}
_ONCE: Final = frozenset({"event", "privilege", "timestamp", "cause"}).union(*_HEADERS.values())
MAX_CUT_OFF: Final = 50  # messages that may be between the two parts of one
MAX_SHAPES: Final = 1_000
_shapes: Final[set[tuple[str | None, ...]]] = set()  # of events that Asterisk does send
MAX_LOGGED: Final = 1_000  # channels; then each may be logged once more


class Genuine:
    """The filter of one session: messages in, in the order they came; what is genuine out."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.dropped = 0  # messages so far
        self._missing: frozenset[str] = frozenset()  # headers of a message that was cut off
        self._later: tuple[str, ...] = ()  # prefixes of the channels that it describes after that
        self._skipped = 0  # messages since it was
        self._logged: set[str] = set()

    def read(self, raw: bytes) -> AmiMessage | Overflow | None:
        """The event in `raw`; an Overflow of one where it is unreadable, None for all others."""
        message = parse_message(raw)
        if self._missing:
            self._skip(message, raw)
        elif reason := fault(message):
            if "event" not in message and "response" not in message and not _is_rest(message, raw):
                return Overflow(1) if raw.strip() else None
            self._drop(message, reason)
            self._wait_for_rest(message, _prefixes(message.get("event", "")))
        else:
            return message
        return None

    def read_all(self, messages: Iterable[bytes]) -> list[AmiMessage | Overflow]:
        """The events of a batch, as `read`."""
        return [found for raw in messages if (found := self.read(raw)) is not None]

    def forget(self) -> None:
        """Messages are missing here: the rest of one that was cut off may be among them."""
        self._missing = frozenset()

    def _skip(self, message: AmiMessage, raw: bytes) -> None:
        """Drop what stands between the two parts of a message, and the second part with it."""
        if not raw.strip():
            return
        self.dropped += 1
        self._skipped += 1
        if self._missing <= message.keys() or self._skipped >= MAX_CUT_OFF:
            self._wait_for_rest(message, self._later)

    def _wait_for_rest(self, message: AmiMessage, prefixes: tuple[str, ...]) -> None:
        """Note which headers are still to come, if the message was cut off."""
        self._missing, self._skipped = frozenset(), 0
        for place, prefix in enumerate(prefixes, 1):
            if missing := _missing(message, prefix):
                self._missing, self._later = missing, prefixes[place:]
                return

    def _drop(self, message: AmiMessage, reason: str) -> None:
        self.dropped += 1
        channel = "".join(filter(str.isprintable, message.get("channel", "")))[:80] or "unknown"
        if channel not in self._logged:
            if len(self._logged) >= MAX_LOGGED:
                self._logged.clear()
            self._logged.add(channel)
            logger.warning(
                "ami.forged session=%s channel=%s reason=%s", self._name, channel, reason
            )


def fault(message: AmiMessage) -> str:
    """Why Asterisk cannot have meant to send this as an event; "" when it can.

    Events begin with `Event`, `Privilege` and, where it is on, `Timestamp`; those of a channel
    say all of it, once.
    """
    if message.repeated and not _ONCE.isdisjoint(message.repeated):
        return "a repeated header"
    shape = (message.get("event"), *message)
    if shape in _shapes:  # a set of names that was seen before: 1 us instead of 6
        return ""
    reason = _fault_of_shape(message)
    if not reason and len(_shapes) < MAX_SHAPES:
        _shapes.add(shape)
    return reason


def _fault_of_shape(message: AmiMessage) -> str:
    """As `fault`, from the names of the headers and the kind of event alone."""
    event, names = message.get("event"), list(message)
    if event is None:
        return "a response to nobody" if "response" in message else "a part of a message"
    if names[:2] != ["event", "privilege"]:
        return "no privilege"
    if "timestamp" in message and names.index("timestamp") != 2:
        return "a time in the wrong place"
    if cut_off(message):
        return "an incomplete channel"
    if event in OF_A_CHANNEL and not _has_channel(event, message):
        return "no channel"
    if event == "Rename" and not ("channel" in message and "uniqueid" in message):
        return "no channel"
    return ""


def cut_off(message: AmiMessage) -> bool:
    """Whether a channel's description ends early in an event or an item of a list."""
    return any(_missing(message, prefix) for prefix in _prefixes(message.get("event", "")))


def _missing(message: AmiMessage, prefix: str) -> frozenset[str]:
    """The headers that the description of a channel lacks; empty: it is whole, or there is none."""
    if f"{prefix}channelstate" not in message:
        return frozenset()
    return _HEADERS[prefix] - message.keys()


def _prefixes(event: str) -> tuple[str, ...]:
    """Of the channels that such an event describes: not of what a caller writes into it."""
    return ("", *(prefix for begin, prefix in OTHER_CHANNEL.items() if event.startswith(begin)))


def _has_channel(event: str, message: AmiMessage) -> bool:
    """Whether it names a channel and its call; a dial may have the called one alone."""
    return any(all(prefix + name in message for name in _NEEDED) for prefix in _prefixes(event))


def _is_rest(message: AmiMessage, raw: bytes) -> bool:
    """Whether it is the second part of a message that was cut off."""
    begins_with = raw.lstrip().partition(b":")[0].decode("latin-1").lower()
    return "linkedid" in message and begins_with in message
