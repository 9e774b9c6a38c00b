"""Samples added up by five minutes, hour and local day: pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from core.lib.days import bucket_start, day_bounds, local_day
from webtv.models import ViewerRollup
from webtv.types import Sample

FIVE_MINUTES = ViewerRollup.FIVE_MINUTES
HOUR = ViewerRollup.HOUR
DAY = ViewerRollup.DAY


class Bucket(NamedTuple):
    """Whose samples, over how long (seconds; DAY is a local day), from when (UTC)."""

    stream_id: int
    span_s: int
    start_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """At least one sample, added up."""

    samples: int
    viewers_sum: int
    min_viewers: int
    peak_viewers: int

    @classmethod
    def of(cls, viewers: int) -> Figures:
        """One sample."""
        return cls(1, viewers, viewers, viewers)

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.samples + other.samples,
            self.viewers_sum + other.viewers_sum,
            min(self.min_viewers, other.min_viewers),
            max(self.peak_viewers, other.peak_viewers),
        )

    @property
    def avg_viewers(self) -> int:
        """The mean, rounded; a half goes up."""
        return (2 * self.viewers_sum + self.samples) // (2 * self.samples)


def buckets_of(sample: Sample) -> Iterator[Bucket]:
    """The three buckets that the sample belongs to."""
    for span_s in (FIVE_MINUTES, HOUR):
        yield Bucket(sample.stream_id, span_s, bucket_start(sample.at, span_s))
    yield Bucket(sample.stream_id, DAY, day_bounds(local_day(sample.at))[0])


def added_up(samples: Iterable[Sample]) -> dict[Bucket, Figures]:
    """The samples by bucket."""
    found: dict[Bucket, Figures] = {}
    for sample in samples:
        for bucket in buckets_of(sample):
            one = Figures.of(sample.viewers)
            found[bucket] = found[bucket] + one if bucket in found else one
    return found
