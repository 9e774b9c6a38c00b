from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from core.lib.days import day_bounds, local_day
from core.tests.published import Commit, PublishedEvents
from webtv import ingest
from webtv.models import Stream, ViewerRollup, ViewerSample
from webtv.rollups import DAY, FIVE_MINUTES, HOUR
from webtv.types import Sample

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

NOON = datetime(2025, 11, 15, 11, 0, tzinfo=UTC)


def samples(stream: Stream, *viewers: int, start: datetime = NOON) -> list[Sample]:
    """One sample every 5 s."""
    return [Sample(stream.pk, start + timedelta(seconds=5 * n), v) for n, v in enumerate(viewers)]


def rollup(stream: Stream, span_s: int, start: datetime) -> tuple[int, int, int, int]:
    found = ViewerRollup.objects.get(stream=stream, span_s=span_s, start_at=start)
    return found.samples, found.viewers_sum, found.min_viewers, found.peak_viewers


def test_a_sample_is_stored_once_whoever_reports_it(stream: Stream) -> None:
    first = samples(stream, 5, 7)
    assert ingest.store_samples(first) == 2
    assert (
        ingest.store_samples([*first, *samples(stream, 9, start=NOON + timedelta(minutes=1))]) == 1
    )
    assert ViewerSample.objects.count() == 3
    assert rollup(stream, HOUR, NOON) == (3, 21, 5, 9)


def test_two_samples_of_one_second_are_one(stream: Stream) -> None:
    twice = [Sample(stream.pk, NOON, 5), Sample(stream.pk, NOON + timedelta(microseconds=9), 5)]
    assert ingest.store_samples(twice) == 1
    assert rollup(stream, DAY, day_bounds(local_day(NOON))[0]) == (1, 5, 5, 5)


def test_zero_viewers_are_stored(stream: Stream) -> None:
    ingest.store_samples(samples(stream, 0, 4))
    assert rollup(stream, FIVE_MINUTES, NOON) == (2, 4, 0, 4)


def test_a_day_is_local_through_the_clock_change(stream: Stream) -> None:
    first, last = day_bounds(datetime(2025, 10, 26, tzinfo=UTC).date())
    ingest.store_samples([Sample(stream.pk, first, 1), Sample(stream.pk, last, 3)])
    ingest.store_samples([Sample(stream.pk, last - timedelta(seconds=5), 2)])
    assert (last - first) == timedelta(hours=25)
    assert rollup(stream, DAY, first) == (2, 3, 1, 2)
    assert rollup(stream, DAY, last) == (1, 3, 3, 3)


def test_a_stream_that_was_deleted_meanwhile_is_left_out(stream: Stream) -> None:
    gone = Sample(stream.pk + 1_000, NOON, 5)
    assert ingest.store_samples([gone, *samples(stream, 1)]) == 1


def test_the_record_is_stored_with_its_time(stream: Stream) -> None:
    ingest.store_samples(samples(stream, 3, 8, 8, 2))
    stream.refresh_from_db()
    assert (stream.peak_viewers, stream.peak_at) == (8, NOON + timedelta(seconds=5))


@time_machine.travel(NOON, tick=False)
def test_a_single_stream_is_published_without_its_sum(
    stream: Stream, published_events: PublishedEvents, commit: Commit
) -> None:
    total = ingest.total_stream()
    with commit():
        ingest.store_samples([Sample(total.pk, NOON, 5), Sample(stream.pk, NOON, 5)])
    assert published_events == [
        {
            "type": "webtv_update",
            "viewers": 5,
            "timestamp": "2025-11-15T11:00:00.000000+00:00",
            "stream": "main",
        }
    ]


@time_machine.travel(NOON, tick=False)
def test_of_several_streams_the_sum_comes_last(
    stream: Stream, published_events: PublishedEvents, commit: Commit
) -> None:
    other = Stream.objects.create(name="zzz", url="http://127.0.0.1:1")
    total = ingest.total_stream()
    with commit():
        ingest.store_samples(
            [Sample(s.pk, NOON, v) for s, v in ((total, 9), (stream, 5), (other, 4))]
        )
    assert [(event["stream"], event["viewers"]) for event in published_events] == [
        ("main", 5),
        ("zzz", 4),
        ("total", 9),
    ]


@time_machine.travel(NOON + timedelta(minutes=1), tick=False)
def test_late_samples_are_stored_but_not_published(
    stream: Stream, published_events: PublishedEvents, commit: Commit
) -> None:
    with commit():
        assert ingest.store_samples(samples(stream, 5)) == 1
    assert published_events == []


batches = st.lists(
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 50)), min_size=1, max_size=6),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25)
@given(batches=batches)
def test_rollups_are_what_the_samples_add_up_to(
    stream: Stream, batches: list[list[tuple[int, int]]]
) -> None:
    ViewerSample.objects.all().delete()
    ViewerRollup.objects.all().delete()
    for batch in batches:
        ingest.store_samples(
            [Sample(stream.pk, NOON + timedelta(seconds=5 * tick), v) for tick, v in batch]
        )
    stored = list(ViewerSample.objects.values_list("at", "viewers"))
    for span_s in (FIVE_MINUTES, HOUR):
        by_bucket: dict[int, list[int]] = {}
        for at, viewers in stored:
            by_bucket.setdefault(int(at.timestamp()) // span_s * span_s, []).append(viewers)
        assert {
            int(r.start_at.timestamp()): (r.samples, r.viewers_sum, r.min_viewers, r.peak_viewers)
            for r in ViewerRollup.objects.filter(span_s=span_s)
        } == {start: (len(v), sum(v), min(v), max(v)) for start, v in by_bucket.items()}
