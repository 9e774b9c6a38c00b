"""`/api/webtv/*`, to the letter of the references."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.lib.days import day_bounds
from webtv import ingest
from webtv.models import Stream
from webtv.types import Sample

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

NOW = datetime(2025, 11, 15, 18, 57, 8, tzinfo=UTC)  # 19:57:08 in Rome


def store(stream: Stream, *samples: tuple[datetime, int]) -> None:
    """Samples of the stream and, as the poller does, of the sum."""
    total = ingest.total_stream()
    ingest.store_samples([Sample(s.pk, at, v) for at, v in samples for s in (stream, total)])


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def test_viewers_are_the_newest_sample(api: Any, stream: Stream) -> None:
    store(stream, (NOW - timedelta(seconds=8), 21), (NOW - timedelta(seconds=3), 23))
    assert api.get("/api/webtv/viewers").json() == {
        "viewers": 23,
        "timestamp": "2025-11-15T18:57:05.000000+00:00",
        "known": True,
    }


def test_an_old_sample_is_shown_with_its_age(api: Any, stream: Stream) -> None:
    store(stream, (NOW - timedelta(minutes=5), 21))
    response = api.get("/api/webtv/viewers").json()
    assert (response["viewers"], response["known"]) == (21, False)
    assert response["timestamp"].startswith("2025-11-15T18:52:08")


def test_without_any_sample_the_types_are_the_same(api: Any) -> None:
    viewers = api.get("/api/webtv/viewers").json()
    assert (viewers["viewers"], viewers["known"]) == (0, False)
    stats = api.get("/api/webtv/stats").json()
    assert stats["today"]["hourly"] == [0] * 24
    assert stats["comparison"] == {
        "min_change_pct": 0.0,
        "max_change_pct": 0.0,
        "avg_change_pct": 0.0,
    }
    assert api.get("/api/webtv/hourly").json()["count"] == 36


def test_stats_compare_today_with_yesterday(api: Any, stream: Stream) -> None:
    store(
        stream,
        (NOW - timedelta(days=1), 10),
        (NOW - timedelta(days=1, hours=1), 30),
        (NOW - timedelta(hours=9), 5),
        (NOW - timedelta(hours=1), 12),
        (NOW - timedelta(seconds=3), 23),
    )
    response = api.get("/api/webtv/stats").json()
    today, yesterday = response["today"], response["yesterday"]
    assert list(today)[:5] == ["date", "min", "max", "avg", "hourly"]
    assert (today["date"], today["min"], today["max"], today["avg"]) == ("2025-11-15", 5, 23, 13)
    assert (today["current"], today["current_known"]) == (23, True)
    assert [(h, v) for h, v in enumerate(today["hourly"]) if v] == [(10, 5), (18, 12), (19, 23)]
    assert [h for h, known in enumerate(today["hourly_known"]) if known] == [10, 18, 19]
    assert (yesterday["date"], yesterday["min"], yesterday["max"]) == ("2025-11-14", 10, 30)
    assert yesterday["avg"] == 20
    assert response["comparison"] == {
        "min_change_pct": -50.0,
        "max_change_pct": -23.3,
        "avg_change_pct": -35.0,
    }
    assert response["timestamp"] == "2025-11-15T18:57:08.000000+00:00"


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)])
def test_every_hour_of_a_clock_change_day_is_counted(
    api: Any, stream: Stream, day: date, hours: int
) -> None:
    start, end = day_bounds(day)
    store(stream, *((start + timedelta(hours=n), n + 1) for n in range(hours)))
    assert end - start == timedelta(hours=hours)
    today = api.get(f"/api/webtv/stats?date={day}").json()["today"]
    assert (today["max"], today["min"], today["current"]) == (hours, 1, hours)
    expected = (
        [1, 2, 0, *range(3, 24)] if hours == 23 else [1, 2, 4, *range(5, 26)]
    )  # 02:00 does not exist, or exists twice: the higher peak counts
    assert today["hourly"] == expected


def test_hourly_is_36_samples_of_five_minutes_with_local_times(api: Any, stream: Stream) -> None:
    store(stream, (NOW, 10), (NOW - timedelta(seconds=5), 13), (NOW - timedelta(hours=2), 4))
    response = api.get("/api/webtv/hourly").json()
    samples = response["samples"]
    assert (response["count"], len(samples), response["timestamp"]) == (
        36,
        36,
        "2025-11-15T18:57:08Z",
    )
    assert (samples[0]["time"], samples[-1]["time"]) == ("17:00", "19:55")
    assert samples[-1] == {"time": "19:55", "viewers": 12, "peak": 13, "known": True}
    assert [s["time"] for s in samples if s["known"]] == ["17:55", "19:55"]
    assert samples[1] == {"time": "17:05", "viewers": 0, "peak": 0, "known": False}


def test_one_stream_may_be_requested(api: Any, stream: Stream) -> None:
    other = Stream.objects.create(name="other", url="http://127.0.0.1:1")
    ingest.store_samples([Sample(stream.pk, NOW, 5), Sample(other.pk, NOW, 7)])
    ingest.store_samples([Sample(ingest.total_stream().pk, NOW, 12)])
    for name, viewers in (("main", 5), ("other", 7), ("total", 12), ("", 12)):
        assert api.get(f"/api/webtv/viewers?stream={name}").json()["viewers"] == viewers
        assert api.get(f"/api/webtv/stats?stream={name}").json()["today"]["max"] == viewers


@pytest.mark.parametrize("path", ["viewers", "stats", "hourly", "history"])
def test_an_unknown_stream_is_a_404(api: Any, path: str) -> None:
    response = api.get(f"/api/webtv/{path}?stream=nope")
    assert (response.status_code, response.json()["detail"]) == (404, "There is no stream 'nope'.")


@pytest.mark.parametrize("path", ["viewers", "stats", "hourly"])
@pytest.mark.parametrize("day", ["2025-13-40", "yesterday", "", "2025-02-29", "1999-01-01"])
def test_an_invalid_day_is_a_400(api: Any, path: str, day: str) -> None:
    response = api.get(f"/api/webtv/{path}?date={day}")
    assert response.status_code == 400
    assert response.json()["detail"].startswith("date: ")


@pytest.mark.parametrize(
    "query",
    [
        "from=x",
        "to=2025-13-40",
        "span=week",
        "limit=0",
        "limit=99999",
        "from=2025-11-16&to=2025-11-15",
    ],
)
def test_a_bad_range_of_history_is_a_400(api: Any, query: str) -> None:
    response = api.get(f"/api/webtv/history?{query}")
    assert response.status_code == 400
    assert response.json()["detail"]


def test_history_is_read_page_by_page(api: Any, stream: Stream) -> None:
    store(stream, *((NOW - timedelta(minutes=5 * n), n) for n in range(1, 8)))
    seen: list[Any] = []
    start = "2025-11-15"
    while start:
        page = api.get(f"/api/webtv/history?from={start}&limit=3").json()
        seen += page["points"]
        start = page["next"]
    assert [point["viewers"] for point in seen] == [7, 6, 5, 4, 3, 2, 1]
    assert seen[0] == {
        "start": "2025-11-15T18:20:00Z",
        "viewers": 7,
        "min": 7,
        "max": 7,
        "samples": 1,
    }
    raw = api.get("/api/webtv/history?span=sample&from=2025-11-15").json()
    assert [point["viewers"] for point in raw["points"]] == [7, 6, 5, 4, 3, 2, 1]
    days = api.get("/api/webtv/history?span=day&from=2025-11-14").json()["points"]
    assert [(day["viewers"], day["min"], day["max"], day["samples"]) for day in days] == [
        (4, 1, 7, 7)
    ]


@pytest.mark.parametrize(
    ("path", "rows", "header"),
    [
        ("viewers", 1, "timestamp,viewers,known"),
        ("stats", 24, "hour,today,yesterday"),
        ("hourly", 36, "time,viewers,peak,known"),
        ("history", 1, "start,viewers,min,max,samples"),
    ],
)
def test_everything_is_also_csv(
    api: Any, stream: Stream, path: str, rows: int, header: str
) -> None:
    store(stream, (NOW - timedelta(seconds=3), 23))
    response = api.get(f"/api/webtv/{path}?format=csv")
    lines = list(csv.reader(b"".join(response.streaming_content).decode().splitlines()))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert ",".join(lines[0]) == header
    assert len(lines) == rows + 1


def test_a_gap_is_an_empty_cell(api: Any, stream: Stream) -> None:
    store(stream, (NOW, 0))
    response = api.get("/api/webtv/stats?format=csv")
    text = b"".join(response.streaming_content).decode()
    assert "18,,\r\n19,0,\r\n" in text


def test_every_endpoint_requires_a_key(client: Any) -> None:
    for path in ("viewers", "stats", "hourly", "history"):
        assert client.get(f"/api/webtv/{path}").status_code == 401


def test_queries_do_not_grow(api: Any, stream: Stream, django_assert_max_num_queries: Any) -> None:
    store(stream, *((NOW - timedelta(hours=n), n) for n in range(48)))
    with django_assert_max_num_queries(6):
        assert api.get("/api/webtv/stats").status_code == 200
