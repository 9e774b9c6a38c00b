"""Sources of viewers, samples and figures of them, and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Protocol

TOTAL: Final = "total"  # the name of the sum of all streams
MAX_VIEWERS: Final = 100_000_000  # a higher number is not credible


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What to fetch; sources on the same server share it. It may hold secrets.

    A long list comes in pages: {page} in `url` is the page's number from 0, {start} that of its
    first row.
    """

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)  # answers a Digest challenge
    more: str = ""  # JMESPath, of a page: whether another one follows; {next} is its number


@dataclass(frozen=True, slots=True)
class ViewerSource:
    """The server that reports one stream's viewers, as `presets` needs it."""

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
    """Client of the servers' pages. Threads may share it."""

    def fetch(self, request: PageRequest, *, timeout_s: float) -> bytes:
        """The whole body of a 2xx response; `request.url` is complete. Raises UpstreamError."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """`viewers` of one stream at one tick; an unknown number is not a sample."""

    stream_id: int
    at: datetime
    viewers: int


@dataclass(frozen=True, slots=True)
class ViewerFigures:
    """The sum of at least one sample."""

    samples: int
    viewers_sum: int
    min_viewers: int
    peak_viewers: int

    @classmethod
    def of(cls, viewers: int) -> ViewerFigures:
        """The figures of one sample."""
        return cls(1, viewers, viewers, viewers)

    def __add__(self, other: ViewerFigures) -> ViewerFigures:
        return ViewerFigures(
            self.samples + other.samples,
            self.viewers_sum + other.viewers_sum,
            min(self.min_viewers, other.min_viewers),
            max(self.peak_viewers, other.peak_viewers),
        )

    @property
    def avg_viewers(self) -> int:
        """The mean, rounded; a half goes up."""
        return (2 * self.viewers_sum + self.samples) // (2 * self.samples)


@dataclass(frozen=True, slots=True)
class Current:
    """The newest sample; `known` is False when it is too old to count as current."""

    viewers: int
    at: datetime
    known: bool


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: the sum of its samples, and the peak of each hour of the local clock."""

    on: date
    figures: ViewerFigures | None
    hourly_peaks: list[int | None]


@dataclass(frozen=True, slots=True)
class Point:
    """The audience in the span that begins at `start`."""

    start: datetime
    figures: ViewerFigures
