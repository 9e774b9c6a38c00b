from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.tests.published import Commit, PublishedEvents
from webtv import alerts, ingest, selectors
from webtv.models import Alert, AlertRule, Stream
from webtv.types import Sample

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 11, 15, 18, 0, tzinfo=UTC)


@pytest.fixture
def clock(stream: Stream) -> Any:
    Stream.objects.update(created_at=NOW - timedelta(days=30))
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def add_rule(stream: Stream, kind: str, **fields: Any) -> AlertRule:
    return AlertRule.objects.create(stream=stream, kind=kind, **fields)


def seen(stream: Stream, *viewers: int, until: datetime = NOW) -> None:
    """A sample every 5 s, the last one at `until`."""
    first = until - timedelta(seconds=5 * (len(viewers) - 1))
    ingest.store_samples(
        [Sample(stream.pk, first + timedelta(seconds=5 * n), v) for n, v in enumerate(viewers)]
    )


def test_a_fall_is_raised_once_and_cleared(
    stream: Stream, clock: Any, published_events: PublishedEvents, commit: Commit
) -> None:
    add_rule(stream, "fall", percent=50, minutes=5)
    seen(stream, 100, 90, 40)
    with commit():
        alerts.judge(now=NOW)
    with commit():
        alerts.judge(now=NOW + timedelta(seconds=5))
    seen(stream, 80, until=NOW + timedelta(seconds=10))
    with commit():
        alerts.judge(now=NOW + timedelta(seconds=10))
    events = [event for event in published_events if event["type"] == "webtv_alert"]
    assert events == [
        {
            "type": "webtv_alert",
            "stream": "main",
            "kind": "fall",
            "state": state,
            "detail": "100 -> 40 viewers (-60 %) in 5 min",
            "viewers": 40,
            "percent": 50,
            "minutes": 5,
            "timestamp": int(NOW.timestamp()) + later,
        }
        for state, later in (("raised", 0), ("cleared", 10))
    ]


@pytest.mark.parametrize(
    ("viewers", "minimum"), [((100, 51), 10), ((9, 0), 10), ((0, 0), 0), ((10, 100), 10)]
)
def test_smaller_changes_raise_no_fall(
    stream: Stream, clock: Any, viewers: tuple[int, ...], minimum: int
) -> None:
    add_rule(stream, "fall", percent=50, minutes=5, least_viewers=minimum)
    seen(stream, *viewers)
    assert alerts.judge(now=NOW) == []


def test_a_slower_fall_raises_none(stream: Stream, clock: Any) -> None:
    add_rule(stream, "fall", percent=50, minutes=5)
    seen(stream, 100, until=NOW - timedelta(minutes=6))
    seen(stream, 40)
    assert alerts.judge(now=NOW) == []


def test_unknown_is_no_fall(stream: Stream, clock: Any) -> None:
    add_rule(stream, "fall", percent=50, minutes=5)
    seen(stream, 100, 40)
    assert alerts.judge(now=NOW + timedelta(minutes=1)) == []


def test_silence_is_raised_and_ends_with_the_next_sample(stream: Stream, clock: Any) -> None:
    add_rule(stream, "silence", minutes=2)
    seen(stream, 5)
    assert alerts.judge(now=NOW + timedelta(minutes=1)) == []
    (alert,) = alerts.judge(now=NOW + timedelta(minutes=2))
    assert (alert.detail, alert.ended_at) == ("No samples for 2 min", None)
    seen(stream, 5, until=NOW + timedelta(minutes=3))
    (alert,) = alerts.judge(now=NOW + timedelta(minutes=3))
    assert alert.ended_at == NOW + timedelta(minutes=3)


def test_a_sample_in_the_future_hides_no_silence(stream: Stream, clock: Any) -> None:
    """It was stored while a clock was an hour ahead."""
    add_rule(stream, "silence", minutes=2)
    seen(stream, 5, until=NOW - timedelta(minutes=3))
    seen(stream, 5, until=NOW + timedelta(hours=1))
    assert len(alerts.judge(now=NOW)) == 1
    shown = selectors.current(stream.pk)
    assert shown is not None
    assert shown.at == NOW - timedelta(minutes=3)


def test_a_stream_without_any_sample_is_silent_too(stream: Stream, clock: Any) -> None:
    add_rule(stream, "silence", minutes=2)
    assert len(alerts.judge(now=NOW)) == 1


def test_a_record_is_raised_once_per_quiet_time(stream: Stream, clock: Any) -> None:
    add_rule(stream, "record", minutes=10)
    seen(stream, 50, until=NOW - timedelta(days=2))
    assert alerts.judge(now=NOW) == []
    seen(stream, 51, 52)
    assert [a.detail for a in alerts.judge(now=NOW)] == ["New all-time peak: 52 viewers"]
    seen(stream, 60, until=NOW + timedelta(minutes=5))
    assert alerts.judge(now=NOW + timedelta(minutes=5)) == []
    (ended,) = alerts.judge(now=NOW + timedelta(minutes=15))
    assert ended.ended_at is not None


def test_records_of_the_first_day_are_not_raised(stream: Stream, clock: Any) -> None:
    Stream.objects.update(created_at=NOW - timedelta(hours=20))
    add_rule(stream, "record", minutes=10)
    seen(stream, 50)
    assert alerts.judge(now=NOW) == []


def test_disabled_rules_and_streams_are_cleared(stream: Stream, clock: Any) -> None:
    rule = add_rule(stream, "silence", minutes=1)
    other = add_rule(stream, "silence", minutes=2)
    assert len(alerts.judge(now=NOW)) == 2
    AlertRule.objects.filter(pk=rule.pk).update(enabled=False)
    assert [alert.rule_id for alert in alerts.judge(now=NOW)] == [rule.pk]
    Stream.objects.update(enabled=False)
    assert [alert.rule_id for alert in alerts.judge(now=NOW)] == [other.pk]
    assert not Alert.objects.filter(ended_at=None).exists()


def test_the_sum_may_have_rules_as_well(clock: Any) -> None:
    total = ingest.total_stream()
    add_rule(total, "fall", percent=50, minutes=5)
    seen(total, 100, 40)
    assert len(alerts.judge(now=NOW)) == 1
