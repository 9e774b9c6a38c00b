"""Samples added up by five minutes, hour and local day: pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from core.lib.days import bucket_start, day_bounds, local_day
from webtv.models import ViewerRollup
from webtv.types import Sample, ViewerFigures

FIVE_MINUTES = ViewerRollup.FIVE_MINUTES
HOUR = ViewerRollup.HOUR
DAY = ViewerRollup.DAY


class Bucket(NamedTuple):
    """The samples of one stream in a span (seconds; DAY is a local day) from a start (UTC)."""

    stream_id: int
    span_s: int
    start_at: datetime


def buckets_of(sample: Sample) -> Iterator[Bucket]:
    """The three buckets that the sample belongs to."""
    for span_s in (FIVE_MINUTES, HOUR):
        yield Bucket(sample.stream_id, span_s, bucket_start(sample.at, span_s))
    yield Bucket(sample.stream_id, DAY, day_bounds(local_day(sample.at))[0])


def added_up(samples: Iterable[Sample]) -> dict[Bucket, ViewerFigures]:
    """The samples by bucket."""
    found: dict[Bucket, ViewerFigures] = {}
    for sample in samples:
        for bucket in buckets_of(sample):
            one = ViewerFigures.of(sample.viewers)
            found[bucket] = found[bucket] + one if bucket in found else one
    return found
