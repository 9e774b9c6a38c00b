from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import JSONField, Value

from core.lib.upstream import UpstreamError
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership
from core.workers.models import Health, WorkerStatus
from webtv import ingest
from webtv.models import Stream, ViewerSample
from webtv.tests.fakes import FakePages
from webtv.types import TOTAL
from webtv.workers.poller import NAME, Poller

pytestmark = pytest.mark.django_db

TICK = 1_763_233_025


def audience(viewers: Any) -> bytes:
    return b'{"viewerCount": %s, "online": true}' % str(viewers).encode()


@pytest.fixture
def pages() -> FakePages:
    pages = FakePages()
    pages.says["//a/"] = audience(5)
    return pages


@pytest.fixture
def polling(pages: FakePages, settings: Any) -> Iterator[Poller]:
    settings.WEBTV_TIMEOUT_S = 1
    settings.WEBTV_STREAMS = {}
    stopping, leadership = threading.Event(), Leadership(NAME, DatabaseGuard("webtv"))
    assert leadership.take()
    yield Poller(pages, leadership, stopping)
    stopping.set()


def add(name: str, **fields: Any) -> Stream:
    return Stream.objects.create(
        name=name, **{"preset": "owncast", "url": f"http://{name}", **fields}
    )


def take_tick(polling: Poller, tick: int = TICK) -> None:
    polling.database.run(polling._reload)
    polling.tick(tick)


def stored() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    rows = ViewerSample.objects.order_by("at").values_list("stream__name", "viewers")
    for name, viewers in rows:
        found.setdefault(name, []).append(viewers)
    return found


def health(name: str) -> str:
    return WorkerStatus.objects.get(name=f"{NAME}.{name}").health


def test_a_tick_stores_one_sample_of_each_stream_and_their_sum(
    polling: Poller, pages: FakePages
) -> None:
    add("a"), add("b")
    pages.says["//b/"] = audience(3)
    take_tick(polling)
    assert stored() == {"a": [5], "b": [3], TOTAL: [8]}
    at = set(ViewerSample.objects.values_list("at", flat=True))
    assert at == {datetime.fromtimestamp(TICK, UTC)}
    assert health("a") == Health.HEALTHY


def test_a_page_of_several_streams_is_requested_once(polling: Poller, pages: FakePages) -> None:
    add("a"), add("again", url="http://a")
    take_tick(polling)
    assert len(pages.requests) == 1
    assert stored() == {"a": [5], "again": [5], TOTAL: [10]}


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (UpstreamError("refused"), Health.DEGRADED),
        (b"<html>", Health.DEGRADED),
        (audience('"x"'), Health.DEGRADED),
        (audience(10**12), Health.DEGRADED),
        (audience(-1), Health.HEALTHY),
        (audience("null"), Health.HEALTHY),
    ],
    ids=["refused", "html", "text", "incredible", "unknown", "hidden"],
)
def test_what_is_unknown_is_not_stored_as_zero_and_does_not_blank_the_sum(
    polling: Poller, pages: FakePages, said: Any, state: str
) -> None:
    add("a"), add("b")
    pages.says["//a/"], pages.says["//b/"] = said, audience(3)
    take_tick(polling)
    assert stored() == {"b": [3], TOTAL: [3]}
    assert health("a") == state


def test_a_stream_that_just_fell_silent_counts_as_it_was_last(
    polling: Poller, pages: FakePages
) -> None:
    add("a"), add("b")
    pages.says["//b/"] = audience(3)
    take_tick(polling)
    pages.says["//b/"] = UpstreamError("down")
    take_tick(polling, TICK + 5)
    take_tick(polling, TICK + 35)
    assert stored() == {"a": [5, 5, 5], "b": [3], TOTAL: [8, 8, 5]}


def test_a_server_that_owes_an_answer_is_left_out(
    polling: Poller, pages: FakePages, settings: Any
) -> None:
    settings.WEBTV_TIMEOUT_S = 0.2
    add("a"), add("b")
    hanging = threading.Event()
    pages.says["//b/"] = hanging
    take_tick(polling)
    take_tick(polling, TICK + 5)
    hanging.set()
    assert pages.requests.count("http://b/api/status") == 1
    assert stored() == {"a": [5, 5], TOTAL: [5, 5]}
    assert health("b") == Health.DEGRADED
    assert "no answer in time" in WorkerStatus.objects.get(name=f"{NAME}.b").last_error


def test_samples_wait_while_the_database_is_away(
    polling: Poller, pages: FakePages, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("a")
    polling.database.run(polling._reload)

    def unavailable(_: Any) -> int:
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "close", lambda: None)
        broken.setattr(ingest, "store_samples", unavailable)
        polling.tick(TICK)
    assert stored() == {}
    take_tick(polling, TICK + 5)
    assert stored() == {"a": [5, 5], TOTAL: [5, 5]}


def test_staff_may_change_the_streams_meanwhile(polling: Poller, pages: FakePages) -> None:
    add("a")
    take_tick(polling)
    Stream.objects.filter(name="a").update(enabled=False)
    take_tick(polling, TICK + 5)
    assert stored() == {"a": [5], TOTAL: [5]}
    assert not WorkerStatus.objects.filter(name=f"{NAME}.a").exists()
    assert WorkerStatus.objects.get(name=NAME).health == Health.DISABLED


def test_an_address_that_is_none_is_reported(polling: Poller) -> None:
    add("a", url="ftp://nowhere")
    take_tick(polling)
    assert health("a") == Health.DEGRADED


def test_a_stream_recovers_by_itself_and_the_log_says_so_once(
    polling: Poller, pages: FakePages, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    add("a")
    pages.says["//a/"] = UpstreamError("down")
    for n in range(4):
        take_tick(polling, TICK + 5 * n)
    pages.says["//a/"] = audience(7)
    take_tick(polling, TICK + 20)
    lines = [r.message for r in caplog.records if "webtv.viewers.a" in r.message]
    assert [line.partition(" ")[0] for line in lines] == ["worker.failed", "worker.recovered"]
    assert stored() == {"a": [7], TOTAL: [7]}


@pytest.mark.parametrize("headers", [[1], "text", 5, None], ids=repr)
def test_odd_headers_of_a_stream_stop_no_other(
    polling: Poller, pages: FakePages, headers: Any
) -> None:
    add("a"), add("odd")
    Stream.objects.filter(name="odd").update(headers=Value(headers, JSONField()))
    take_tick(polling)
    assert stored() == {"a": [5], TOTAL: [5]}
    assert health("odd") == Health.DEGRADED


def test_an_odd_stream_of_a_page_is_left_out_and_reported(
    polling: Poller, pages: FakePages
) -> None:
    add("a")
    add("all", url="http://b", preset="mediamtx")
    pages.says["//b/"] = b'{"items": [{"name": "x", "readers": [1]}, {"name": "y", "readers": 7}]}'
    take_tick(polling)
    assert stored() == {"a": [5], "all": [1], TOTAL: [6]}
    row = WorkerStatus.objects.get(name=f"{NAME}.all")
    assert (row.health, row.last_error[:29]) == (Health.DEGRADED, "1 of 2 streams are left out: ")
