"""What crosses this app's borders: sources of viewers, samples of them, and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

TOTAL: Final = "total"  # the name of the sum of all streams
MAX_VIEWERS: Final = 100_000_000  # a number above this is no audience


class CdnError(Exception):
    """A server did not tell its viewers; the message is safe to show (no address, no secret)."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to ask for; sources on the same server share it. It may hold secrets."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Where one stream's viewers are told: `presets` knows how to ask and to read."""

    name: str
    preset: str
    url: str  # the server's base address; for the preset `generic` the page itself
    stream_key: str = ""  # the stream as the server calls it; '': all of them
    path: str = ""  # generic: the JMESPath expression of the number
    body_format: str = "json"  # generic: json or xml
    subtract_publisher: bool = False  # generic: the number counts the publisher too
    headers: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


class Pages(Protocol):
    """The servers' pages. Threads share it."""

    def fetch(self, request: PageRequest, *, timeout_s: float) -> bytes:
        """The whole body of a 2xx answer. Raises CdnError."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """`viewers` of one stream at one tick; what is unknown is no sample."""

    stream_id: int
    at: datetime
    viewers: int
