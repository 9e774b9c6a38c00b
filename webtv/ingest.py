"""Store samples once, and the rollups they change in the same transaction.

Samples are never corrected, so new ones are added to the stored rollups: nothing is recounted, and
reading never touches the samples (docs/decisions/0009-rollups-as-they-come.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from core.lib.locks import lock_for_transaction
from core.lib.upsert import insert, sql_time, upsert
from core.realtime.publish import publish_on_commit
from webtv.events import ViewersCounted
from webtv.models import Stream, ViewerRollup, ViewerSample
from webtv.rollups import Bucket, added_up
from webtv.types import TOTAL, Sample, ViewerFigures

LATE: Final = timedelta(seconds=30)  # an older sample is history: stored, not published
_COLUMNS: Final = (
    "stream_id",
    "span_s",
    "start_at",
    "samples",
    "viewers_sum",
    "min_viewers",
    "peak_viewers",
)


@transaction.atomic(savepoint=False)  # all or nothing, with whatever is around it
def store_samples(samples: Sequence[Sample]) -> int:
    """Store the new samples, add them to the rollups, publish them after commit.

    Returns how many were new: a stream has one sample per second, whoever reports it. Samples of
    deleted streams are left out.
    """
    lock_for_transaction("webtv.samples")
    streams = Stream.objects.in_bulk({sample.stream_id for sample in samples})
    fresh = [sample for sample in _new(samples) if sample.stream_id in streams]
    rows = [(s.stream_id, sql_time(int(s.at.timestamp())), s.viewers) for s in fresh]
    insert(ViewerSample, ("stream_id", "at", "viewers"), rows)
    _add_to_rollups(added_up(fresh))
    _update_peaks(fresh, streams)
    publish_on_commit(*_events(fresh, streams))
    return len(fresh)


def total_stream() -> Stream:
    """The row of the sum of all streams."""
    return Stream.objects.get_or_create(name=TOTAL)[0]


def _new(samples: Sequence[Sample]) -> list[Sample]:
    """One sample per stream and second, without those already stored."""
    wanted = {(s.stream_id, s.at.astimezone(UTC).replace(microsecond=0)): s for s in samples}
    stored = ViewerSample.objects.filter(
        stream_id__in={stream_id for stream_id, _ in wanted}, at__in={at for _, at in wanted}
    ).values_list("stream_id", "at")
    for known in stored:
        wanted.pop(known, None)
    return [Sample(stream_id, at, s.viewers) for (stream_id, at), s in wanted.items()]


def _add_to_rollups(added: dict[Bucket, ViewerFigures]) -> None:
    stored = ViewerRollup.objects.filter(
        stream_id__in={bucket.stream_id for bucket in added},
        span_s__in={bucket.span_s for bucket in added},
        start_at__in={bucket.start_at for bucket in added},
    ).values_list(*_COLUMNS)
    for stream_id, span_s, start_at, *figures in stored:
        bucket = Bucket(stream_id, span_s, start_at)
        if bucket in added:
            added[bucket] += ViewerFigures(*figures)
    rows = [
        (
            bucket.stream_id,
            bucket.span_s,
            sql_time(int(bucket.start_at.timestamp())),
            figures.samples,
            figures.viewers_sum,
            figures.min_viewers,
            figures.peak_viewers,
        )
        for bucket, figures in added.items()
    ]
    upsert(ViewerRollup, _COLUMNS, rows, key=("stream_id", "span_s", "start_at"))


def _update_peaks(fresh: Sequence[Sample], streams: dict[int, Stream]) -> None:
    beaten: dict[int, Stream] = {}
    for sample in fresh:
        stream = streams[sample.stream_id]
        if stream.peak_viewers is None or sample.viewers > stream.peak_viewers:
            stream.peak_viewers, stream.peak_at = sample.viewers, sample.at
            beaten[stream.pk] = stream
    Stream.objects.bulk_update(beaten.values(), ["peak_viewers", "peak_at"])


def _events(fresh: Sequence[Sample], streams: dict[int, Stream]) -> list[ViewersCounted]:
    """The sum comes last; of a single stream it would repeat the sample."""
    recent = timezone.now() - LATE
    several = Stream.objects.sources().filter(enabled=True).count() > 1
    shown = [
        (streams[sample.stream_id].name, sample)
        for sample in fresh
        if sample.at > recent and (several or streams[sample.stream_id].name != TOTAL)
    ]
    shown.sort(key=lambda named: named[0] == TOTAL)
    return [ViewersCounted(name, sample.viewers, sample.at) for name, sample in shown]
