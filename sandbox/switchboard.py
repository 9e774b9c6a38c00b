"""An invented switchboard: its calls as AMI events, and the channels that they make."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

Headers = dict[str, str]
TimedEvent = tuple[float, Headers]  # seconds after the step before, and what happens then

TRUNK: Final = "PJSIP/clouditalia-endpoint"
PHONES: Final = ("100", "101", "102", "103", "104", "105")
CALLED: Final = ("899748963", "899748964", "800129461")
STATES: Final = {"0": "Down", "4": "Ring", "5": "Ringing", "6": "Up"}
OUTCOMES: Final = {"ANSWER": 0.7, "NOANSWER": 0.1, "CANCEL": 0.1, "BUSY": 0.1}
CAUSES: Final = {
    "ANSWER": ("16", "Normal Clearing"),
    "NOANSWER": ("19", "User alerting, no answer"),
    "CANCEL": ("16", "Normal Clearing"),
    "BUSY": ("17", "User busy"),
}


@dataclass(frozen=True)
class PlannedCall:
    """A call from outside that rings one phone."""

    number: int  # of the call since the switchboard began; names its channels
    started_at: int  # epoch s, the first half of a uniqueid
    caller: str
    called: str
    phone: str
    outcome: str  # of OUTCOMES
    ring_s: float
    talk_s: float  # when answered

    def steps(self) -> Iterator[TimedEvent]:
        """The call's AMI events, in order, each with its delay."""
        trunk = self._channel(0, f"{TRUNK}-{2 * self.number:08x}", self.caller, "from-trunk")
        trunk["Exten"] = self.called
        phone = self._channel(1, f"PJSIP/{self.phone}-{2 * self.number + 1:08x}", self.phone, "")
        yield 0, event("Newchannel", in_state(trunk, "4"))
        trunk.update(Context="post-dial", Exten="s", ConnectedLineNum=self.phone)
        phone.update(Context="internal", Exten="s", ConnectedLineNum=self.caller)
        yield 0.02, event("Newchannel", in_state(phone, "0"))
        both = in_state(trunk, "4") | as_destination(in_state(phone, "0"))
        yield 0.01, event("DialBegin", both, DialString=self.phone)
        if self.outcome != "BUSY":
            yield 0.2, event("Newstate", in_state(phone, "5"))
        up = "6" if self.outcome == "ANSWER" else "4"
        if self.outcome == "ANSWER":
            yield self.ring_s, event("Newstate", in_state(phone, "6"))
            yield 0.01, event("Newstate", in_state(trunk, "6"))
        both = in_state(trunk, up) | as_destination(in_state(phone, "6" if up == "6" else "5"))
        yield 0.01 if up == "6" else self.ring_s, event("DialEnd", both, DialStatus=self.outcome)
        cause, text = CAUSES[self.outcome]
        ended = {"Cause": cause, "Cause-txt": text}
        yield self.talk_s if up == "6" else 0.05, event("Hangup", in_state(phone, "6"), **ended)
        yield 0.01, event("Hangup", in_state(trunk, up), **ended)

    def _channel(self, leg: int, name: str, number: str, context: str) -> Headers:
        return {
            "Channel": name,
            "CallerIDNum": number or "<unknown>",
            "CallerIDName": "<unknown>",
            "ConnectedLineNum": "<unknown>",
            "ConnectedLineName": "<unknown>",
            "Language": "it",
            "AccountCode": "",
            "Context": context,
            "Exten": "s",
            "Priority": "1",
            "Uniqueid": f"{self.started_at}.{2 * self.number + leg}",
            "Linkedid": f"{self.started_at}.{2 * self.number}",
        }


def event(name: str, headers: Mapping[str, str], **more: str) -> Headers:
    """An AMI event."""
    return {"Event": name, "Privilege": "call,all", **headers, **more}


def in_state(channel: Headers, state: str) -> Headers:
    """A channel's headers as Asterisk orders them."""
    name, *others = channel.items()
    return dict([name, ("ChannelState", state), ("ChannelStateDesc", STATES[state]), *others])


def as_destination(channel: Headers) -> Headers:
    """The headers of the channel that is dialled."""
    return {f"Dest{name}": value for name, value in channel.items()}


ScreenCall = Callable[[Headers], Awaitable[str]]  # a channel's headers; why refused, or ""


class Switchboard:
    """The channels as they are, and the listeners to their events."""

    screen_call: ScreenCall | None = None  # called for every caller before anything rings

    def __init__(self) -> None:
        self.channels: dict[str, tuple[float, Headers]] = {}  # by uniqueid: since when, and how
        self.listeners: set[Callable[[Headers], None]] = set()

    def happens(self, what: Headers, *, now: float) -> None:
        """Apply an event to the channels, and pass it to every listener."""
        uniqueid = what.get("Uniqueid", "")
        if what["Event"] == "Hangup":
            self.channels.pop(uniqueid, None)
        elif what["Event"] in {"Newchannel", "Newstate"}:
            since = self.channels[uniqueid][0] if uniqueid in self.channels else now
            self.channels[uniqueid] = (since, what)
        for listener in list(self.listeners):
            listener(what)

    def listed(self, *, now: float) -> list[Headers]:
        """The items of the response to `CoreShowChannels`."""
        return [
            {
                **{name: value for name, value in headers.items() if name != "Privilege"},
                "Event": "CoreShowChannel",
                "Application": "Dial" if headers["Channel"].startswith(TRUNK) else "AppDial",
                "ApplicationData": "",
                "Duration": clock_time(now - since),
                "BridgeId": "",
            }
            for since, headers in self.channels.values()
        ]


def clock_time(seconds: float) -> str:
    """`HH:MM:SS`, as Asterisk says how long a channel has been there."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}"


def invented_call(number: int, *, now: float, dice: Random) -> PlannedCall:
    """A call that begins now; one of eight callers withholds the number."""
    caller = f"3{dice.choice((20, 28, 33, 38, 47, 49))}{dice.randrange(10**6):06d}"
    (outcome,) = dice.choices(list(OUTCOMES), list(OUTCOMES.values()))
    return PlannedCall(
        number=number,
        started_at=int(now),
        caller=caller if dice.random() > 1 / 8 else "anonymous",
        called=dice.choice(CALLED),
        phone=dice.choice(PHONES),
        outcome=outcome,
        ring_s=dice.uniform(1, 8),
        talk_s=dice.expovariate(1 / 40) + 2,
    )


async def live_traffic(
    switchboard: Switchboard, *, per_minute: float, clock: Callable[[], float], seed: int = 1
) -> None:
    """Invented calls, many of them in parallel, until cancelled."""
    dice, number = Random(seed), 0
    async with asyncio.TaskGroup() as calls:
        while True:
            call = invented_call(number, now=clock(), dice=dice)
            calls.create_task(live_call(call, switchboard, clock))
            number += 1
            await asyncio.sleep(dice.expovariate(per_minute / 60))


async def live_call(
    call: PlannedCall, switchboard: Switchboard, clock: Callable[[], float]
) -> None:
    """A call from its first ring to its end."""
    steps = call.steps()
    _, arrival = next(steps)
    switchboard.happens(arrival, now=clock())
    if switchboard.screen_call and await switchboard.screen_call(arrival):
        refused = {"Cause": "21", "Cause-txt": "Call Rejected"}
        switchboard.happens({**arrival, "Event": "Hangup", **refused}, now=clock())
        return
    for delay_s, what in steps:
        await asyncio.sleep(delay_s)
        switchboard.happens(what, now=clock())
