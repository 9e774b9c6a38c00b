"""The fields of AMI's events, as they are published and as they are meant. Pure.

Events: docs/upstreams/asterisk.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DOCUMENTED: Final = frozenset({"Newchannel", "Newstate", "Hangup", "DialBegin", "DialEnd"})
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
        event["cause"] = number(message["cause"])
    return event


def known(value: str) -> str:
    """The value, empty where Asterisk writes `<unknown>` or `<none>`."""
    return "" if value in _NONE else value


def number(text: str) -> int | None:
    """A cause or another small number; None when it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
