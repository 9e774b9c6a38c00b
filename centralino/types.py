"""What crosses this app's borders: the PBX's facts as records, its clients, their errors.

Names are Asterisk's own (`docs/upstreams/asterisk.md`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Protocol

from msgspec import Meta

from core.lib.upstream import UpstreamError


class ChannelGone(UpstreamError):
    """The channel does not exist any more (404), or has left Stasis (409)."""


class Superseded(UpstreamError):
    """Another program has taken over our ARI application."""


# --- AMI ------------------------------------------------------------------------------------------
class AmiMessage(dict[str, str]):
    """One event or response: headers by lower-case name, the first of repeated ones.

    `all(name)` has every value of a repeated header, in order.
    """

    repeated: Mapping[str, Sequence[str]] = MappingProxyType({})

    def all(self, name: str) -> Sequence[str]:
        """Every value of the header `name` (lower case), oldest first."""
        return self.repeated.get(name) or ([self[name]] if name in self else [])


@dataclass(frozen=True)
class Overflow:
    """`lost` messages are missing here: the buffer was full, or they were unreadable.

    Read the state again.
    """

    lost: int


@dataclass(frozen=True)
class AmiAddress:
    """Where a manager listens, and our login there; `secret` is never shown."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)


class Ami(Protocol):
    """A logged-in manager session. One thread uses it; every call is bounded in time."""

    @property
    def dropped(self) -> int:
        """Messages so far that Asterisk cannot have meant to send: a caller wrote them."""
        ...

    def action(self, name: str, **headers: str) -> AmiMessage:
        """The response to an action, matched by ActionID.

        Raises UpstreamError on `Response: Error`, on a drop and when there is none in time.
        """
        ...

    def listed(self, name: str, **headers: str) -> list[AmiMessage]:
        """The items of a list action (`CoreShowChannels`), without start and end. UpstreamError."""
        ...

    def events(self, *, idle_s: float) -> Iterator[list[AmiMessage | Overflow] | None]:
        """Batches of events in the order they came; None when `idle_s` passed without one.

        Raises UpstreamError on any drop, a clean close included, and without a response to a ping.
        """
        ...

    def close(self) -> None:
        """Log off and close, within a second; never raises."""
        ...


ConnectAmi = Callable[[AmiAddress], Ami]  # logs in; raises UpstreamError, in time


# --- ARI ------------------------------------------------------------------------------------------
class Ari(Protocol):
    """An ARI application, for one event loop. Every call raises UpstreamError, in time."""

    async def channels(self) -> list[dict[str, Any]]: ...

    async def endpoints(self) -> list[dict[str, Any]]: ...

    async def proceed(self, channel_id: str, *, context: str, exten: str, priority: int) -> None:
        """Let the channel leave Stasis and go on in the dialplan."""
        ...

    async def hang_up(self, channel_id: str, *, reason: str) -> None: ...

    async def play(self, channel_id: str, media: str, *, playback_id: str) -> None:
        """Begin to play `media` (`sound:...`); `PlaybackFinished` follows at its end."""
        ...

    async def variable(self, channel_id: str, name: str) -> str:
        """A variable of the channel, or what a function of the dialplan gives for it."""
        ...

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """The application's events from now on; UpstreamError when they stop, for any cause."""
        ...


# --- Screening ------------------------------------------------------------------------------------
MAX_HOURS: Final = 87_600  # ten years
DEFAULT_HOURS: Final = 24
MAX_REPEATED_S: Final = 3_600  # how long a caller who was let through is remembered
Hours = Annotated[int, Meta(ge=1, le=MAX_HOURS)]  # how long a number is listed


class Reason(StrEnum):
    """Why a number is on the list, in the API's spelling."""

    ANSWERED = "answered-24h"
    MANUAL = "manual"
    MANUAL_PERMANENT = "manual-permanent"
    IMPORTED = "import"


class Verdict(StrEnum):
    PASSED = "passed"
    BLOCKED = "blocked"


class Why(StrEnum):
    """The reason of a decision about a call."""

    CLEAN = "clean"
    ALLOWED = "allow-list"
    ANONYMOUS = "anonymous"
    LISTED = "blacklist"
    FORGED = "forged"
    FOREIGN = "foreign"
    IMPOSSIBLE = "impossible"
    SHORT = "short-code"
    REPEATED = "repeated"
    OFF = "screening-off"


@dataclass(frozen=True)
class ListedNumber:
    """An entry of the blacklist or allow list; `number` is E.164, or with `*` a prefix of it."""

    number: str
    reason: str
    created_at: datetime
    expires_at: datetime | None  # None: permanent
    note: str = ""
    allowed: bool = False


@dataclass(frozen=True)
class Decision:
    """What to do with a caller. `number` is E.164, empty when withheld."""

    verdict: Verdict
    why: Why
    number: str
    entry: str = ""  # the listed number or prefix that decided


@dataclass(frozen=True)
class CallInProgress:
    """All channels of a `linkedid`. Times are epoch seconds; `answered_at` None: it is ringing."""

    server: str
    linkedid: str
    caller: str
    exten: str  # what was dialled
    started_at: float
    answered_at: float | None
    parties: list[str]  # who talks in it beside the caller: extensions, trunks
    ended: bool


@dataclass(frozen=True)
class PbxCallRecord:
    """A finished call: all channels of one `linkedid`."""

    server: str
    linkedid: str
    caller: str
    caller_name: str
    exten: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    cause: int | None
    cause_text: str
