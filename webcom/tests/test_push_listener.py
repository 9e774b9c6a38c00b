from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import F

from core.lib import outage
from core.lib.upstream import UpstreamError
from core.workers import database as database_module
from core.workers import leader, leases
from core.workers import services as workers
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership
from core.workers.leases import LeaseLost
from core.workers.models import Health, Lease, WorkerStatus
from webcom import ingest
from webcom.models import Call, Line, Unreadable
from webcom.tests.factories import call_payload, line_payload, rebates_payload
from webcom.tests.fakes import FakeWebcomTlc
from webcom.types import PushMessage
from webcom.workers import push_listener

pytestmark = pytest.mark.django_db


class LiveCarrier(FakeWebcomTlc):
    """Sends `pushed`, then idles until `dropped` is set, as an open connection does."""

    def __init__(self, pushed: list[Any], on_idle: Callable[[], object] = lambda: None) -> None:
        super().__init__(pushed=pushed)
        self.on_idle = on_idle
        self.dropped = threading.Event()

    def pushes(self, *, idle_s: float) -> Iterator[PushMessage | None]:
        self.requests.append("pushes")
        yield from self.pushed  # type: ignore[misc]
        yield None
        self.on_idle()
        while not self.dropped.wait(0.02):
            yield None
        raise UpstreamError("webcom push: closed")


@pytest.fixture
def leadership() -> Leadership:
    """Of a listener that leads."""
    leadership = Leadership(push_listener.NAME, DatabaseGuard(push_listener.NAME))
    assert leadership.take()
    return leadership


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "backoff_s", lambda *args, **kwargs: 0.0)


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set as soon as the listener has said that it is well."""
    stopping = threading.Event()
    real = workers.ran_ok
    monkeypatch.setattr(workers, "ran_ok", lambda name: (real(name), stopping.set()))
    return stopping


@pytest.fixture
def run(
    stopping: threading.Event, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Callable[..., None]:
    """`run_push_listener` with a carrier of the test, and the turns of several replicas."""
    settings.WEBCOM_PUSH_URL = "ws://127.0.0.1:1/stream"
    monkeypatch.setattr(leader, "STAND_BY_S", 0.01)
    # The test's own is in a transaction.
    monkeypatch.setattr(connection, "close", lambda: None)

    def run(carrier: FakeWebcomTlc, turns: Sequence[bool] = (True,)) -> None:
        mine, take = iter(turns), leases.take
        monkeypatch.setattr(push_listener, "build_webcom_tlc", lambda: carrier)
        monkeypatch.setattr(leases, "take", lambda name: take(name) if next(mine) else None)
        push_listener.run_push_listener(stopping)

    return run


def call(**fields: Any) -> PushMessage:
    return PushMessage("call", call_payload(**fields))


def test_every_kind_of_push_is_stored(leadership: Leadership):
    push_listener.store(
        [
            call(id="a"),
            PushMessage("line", line_payload()),
            PushMessage("rebates", rebates_payload()),
        ],
        leadership,
    )
    assert (Call.objects.count(), Line.objects.count()) == (1, 1)


def test_an_unreadable_push_does_not_take_the_others_with_it(leadership: Leadership):
    push_listener.store(
        [call(id="a"), call(id="b", state=None), PushMessage("line", {}), call(id="c")],
        leadership,
    )
    assert set(Call.objects.values_list("id", flat=True)) == {"a", "c"}
    assert set(Unreadable.objects.values_list("source", flat=True)) == {"push call", "push line"}


def test_what_came_meanwhile_is_stored_in_one_batch(
    leadership: Leadership, monkeypatch: pytest.MonkeyPatch
):
    batches: list[int] = []
    real = ingest.store_pushes
    monkeypatch.setattr(
        ingest, "store_pushes", lambda messages: batches.append(len(messages)) or real(messages)
    )
    carrier = FakeWebcomTlc(pushed=[call() for _ in range(450)])
    stopping = threading.Event()
    with pytest.raises(UpstreamError):
        push_listener._listen_once(carrier, leadership, stopping)
    assert Call.objects.count() == sum(batches) == 450
    assert max(batches) <= 200
    assert len(batches) < 45


def test_what_was_read_before_a_drop_is_stored(leadership: Leadership):
    carrier = FakeWebcomTlc(pushed=[call(id="a"), UpstreamError("webcom push: closed")])
    with pytest.raises(UpstreamError):
        push_listener._listen_once(carrier, leadership, threading.Event())
    assert Call.objects.count() == 1


def test_the_listener_connects_again_after_a_drop(
    leadership: Leadership, no_backoff: None, caplog: pytest.LogCaptureFixture
):
    stopping = threading.Event()
    carrier = LiveCarrier([call(id="a")])

    def drop_twice() -> None:
        if len(carrier.requests) < 3:
            carrier.dropped.set()
        else:
            carrier.dropped.clear()
            stopping.set()

    carrier.on_idle = drop_twice
    push_listener.listen(carrier, leadership, stopping)
    assert carrier.requests == ["pushes"] * 3
    assert Call.objects.count() == 1


def test_a_listener_that_cannot_connect_never_looks_healthy(
    leadership: Leadership, no_backoff: None, monkeypatch: pytest.MonkeyPatch
):
    """Even when a try takes longer than the wait for the first message."""
    monkeypatch.setattr(push_listener, "IDLE_S", 0.01)
    stopping = threading.Event()
    health: list[str] = []

    class Unreachable(FakeWebcomTlc):
        def pushes(self, *, idle_s: float) -> Iterator[PushMessage | None]:
            self.requests.append("pushes")
            if len(self.requests) == 4:
                stopping.set()
            threading.Event().wait(0.05)
            raise UpstreamError("webcom push: no connection")

    real = workers.failed
    monkeypatch.setattr(
        workers,
        "failed",
        lambda *a: (real(*a), health.append(WorkerStatus.objects.get().health))[0],
    )
    push_listener.listen(Unreachable(), leadership, stopping)
    assert health[:3] == [Health.DEGRADED, Health.DEGRADED, Health.DOWN]


def test_an_open_connection_without_messages_is_healthy(
    leadership: Leadership, stopping: threading.Event
):
    push_listener.listen(LiveCarrier([]), leadership, stopping)
    assert WorkerStatus.objects.get(name="webcom.push").health == Health.HEALTHY


def test_the_listener_stops_within_a_second(leadership: Leadership):
    stopping = threading.Event()
    stopped_at: list[float] = []

    def stop() -> None:
        stopped_at.append(time.monotonic())
        stopping.set()

    push_listener.listen(LiveCarrier([], on_idle=stop), leadership, stopping)
    assert time.monotonic() - stopped_at[0] < 1


def test_a_database_that_is_away_ends_listening_so_that_the_lease_is_taken_anew(
    leadership: Leadership,
    monkeypatch: pytest.MonkeyPatch,
):
    def unavailable(messages: Any) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(ingest, "store_pushes", unavailable)
    with pytest.raises(OperationalError):
        push_listener.listen(LiveCarrier([call()]), leadership, threading.Event())


def test_the_listener_goes_on_when_the_database_is_back(
    stopping: threading.Event,
    run: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO, outage.__name__)
    real, tries = ingest.store_pushes, []

    def unavailable_once(messages: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("the connection is lost")
        return real(messages)

    monkeypatch.setattr(ingest, "store_pushes", unavailable_once)
    monkeypatch.setattr(database_module, "SETTLED_S", 0.0)
    run(LiveCarrier([call(id="a")]))
    assert len(tries) == 2
    assert Call.objects.count() == 1
    assert [record.getMessage().split(" outage")[0] for record in caplog.records] == [
        "webcom.push.database.lost error=the connection is lost",
        "webcom.push.database.recovered",
    ]


def test_our_own_fault_does_not_end_the_listener(
    leadership: Leadership,
    stopping: threading.Event,
    no_backoff: None,
    monkeypatch: pytest.MonkeyPatch,
):
    real, tries = ingest.store_pushes, []

    def broken_once(messages: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise ZeroDivisionError
        return real(messages)

    monkeypatch.setattr(ingest, "store_pushes", broken_once)
    push_listener.listen(LiveCarrier([call(id="a")]), leadership, stopping)
    assert Call.objects.count() == 1


def test_a_flood_waits_at_the_carrier_and_not_in_our_memory(
    leadership: Leadership, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(push_listener, "MAX_WAITING", 1)
    monkeypatch.setattr(push_listener, "IDLE_S", 0.001)
    with pytest.raises(UpstreamError):
        push_listener._listen_once(
            FakeWebcomTlc(pushed=[call() for _ in range(50)]), leadership, threading.Event()
        )
    assert Call.objects.count() == 50


def test_without_a_push_url_the_listener_is_disabled():
    assert not settings.WEBCOM_PUSH_URL
    push_listener.run_push_listener(threading.Event())
    assert WorkerStatus.objects.get(name="webcom.push").health == Health.DISABLED


def test_a_listener_waits_for_its_turn_and_takes_over(
    stopping: threading.Event, run: Callable[..., None]
):
    run(LiveCarrier([call(id="a")]), turns=[False, False, True])
    assert Call.objects.count() == 1


def test_what_comes_after_another_one_leads_is_not_stored(leadership: Leadership):
    Lease.objects.update(token=F("token") + 1)
    with pytest.raises(LeaseLost):
        push_listener.listen(LiveCarrier([call()]), leadership, threading.Event())
    assert not Call.objects.exists()
