"""Channels and calls that exist now, and the clocks by which they are timed. Pure."""

from __future__ import annotations

from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from centralino.types import AmiMessage

SAME_S: Final = 60.0  # starts further apart are two channels', clocks further apart were set
MIN_TIME: Final = 946_684_800.0  # 2000-01-01 in epoch seconds: no clock that was ever set says less
DAY_S: Final = 86_400.0


class Instant(NamedTuple):
    """A moment in epoch seconds: by our clock, and by Asterisk's where it says so."""

    ours: float
    asterisk: float | None = None


class Channel(msgspec.Struct):
    """A channel that exists now; `started_at` is by our clock, in epoch seconds."""

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
    """A call in progress: the facts of its first channel, and the channels it has now.

    All its times are by one clock: ours, or Asterisk's, which is `ahead_s` of ours.
    """

    linkedid: str
    caller: str
    caller_name: str
    exten: str
    started_at: float
    answered_at: float | None = None
    cause: int | None = None
    cause_text: str = ""
    channels: set[str] = msgspec.field(default_factory=set)
    ahead_s: float | None = None
    joined: int = 0  # channels so far
    is_first_known: bool = True  # its first channel was seen
    rung: str | None = None  # click-to-dial: the extension that rang first; None for other calls


def begun(linkedid: str, channel: Channel, at: Instant) -> LiveCall:
    """A call that began with the channel; at `at` it joins, which may be later."""
    started_at, ahead_s = channel.started_at, None
    if at.asterisk is not None:
        started_at, ahead_s = at.asterisk - (at.ours - started_at), at.asterisk - at.ours
    return LiveCall(
        linkedid,
        channel.caller,
        channel.caller_name,
        channel.exten,
        started_at,
        ahead_s=ahead_s,
        is_first_known=False,
    )


def time_in(call: LiveCall, at: Instant) -> float:
    """The moment by the call's clock, also when Asterisk's was set meanwhile."""
    if call.ahead_s is None:
        return at.ours
    by_ours = at.ours + call.ahead_s
    is_set = at.asterisk is None or abs(at.asterisk - by_ours) > SAME_S
    return by_ours if is_set else at.asterisk  # type: ignore[return-value]


def asterisk_time(message: AmiMessage, now: float) -> float | None:
    """When it happened by Asterisk's clock, where `timestampevents` is on.

    None as well where that can be no time of what happens `now`, by our clock.
    """
    with suppress(KeyError, ValueError):
        at = float(message["timestamp"])
        return at if MIN_TIME <= at <= now + DAY_S else None
    return None
