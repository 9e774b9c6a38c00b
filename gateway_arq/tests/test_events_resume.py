"""A client that resumes with `since` misses nothing, whichever process is restarted or killed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.realtime.models import PendingEvents
from core.tests.tcp import Proxy
from gateway_arq.tests.deployment import (
    Client,
    Deployment,
    Service,
    Traffic,
    in_conversation,
    pull_calls,
    running,
    wait_until,
)
from gateway_arq.tests.gateway import Processes
from sandbox.testing import RunningSandbox, running_sandbox
from webcom.models import Call, Cursor
from webcom.pull import LIVE

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("postgres_url", "processes"),
]
ROUNDS = int(os.environ.get("EVENT_ROUNDS", "20"))


@pytest.fixture
def carrier() -> Iterator[RunningSandbox]:
    with running_sandbox(now=time.time(), per_day=1) as carrier:
        yield carrier


@pytest.fixture
def deployment(tmp_path: Path, carrier: RunningSandbox, redis_url: str) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path, carrier, redis_url)
    try:
        yield deployment
    finally:
        deployment.end()


def started(deployment: Deployment) -> None:
    """All of it is up, and what the carrier has listed before is history."""
    for service in deployment.services:
        service.start()
    deployment.http.wait_until_ready()
    deployment.sockets.wait_until_ready()
    pull_calls(deployment)
    wait_until(Cursor.objects.filter(feed=LIVE).exists)


def restart(service: Service) -> None:
    service.end(signal.SIGTERM)
    service.start()


def add_replica(service: Service) -> None:
    """A second one, for a while; of two web servers only one has the port."""
    service.start()
    time.sleep(2)
    service.end(signal.SIGTERM)


def kill(service: Service) -> None:
    time.sleep(random.uniform(0.2, 1))
    service.end(signal.SIGKILL)
    service.start()


def assert_complete(client: Client, traffic: Traffic, before: set[tuple[str, int]]) -> None:
    stored = stored_calls() - before
    with suppress(AssertionError):
        wait_until(lambda: stored <= client.received.keys(), within_s=10)
    lost = stored - client.received.keys()
    doubled = {call for call, times in client.received.items() if times > 1}
    assert (lost, doubled, client.resyncs) == (set(), set(), 0)
    assert set(client.seqs.values()) == {1}
    assert traffic.accepted <= {call_id for call_id, _ in stored}
    wait_until(lambda: not PendingEvents.objects.exists())


def stored_calls() -> set[tuple[str, int]]:
    return set(Call.objects.values_list("id", "revision"))


def survives(deployment: Deployment, carrier: RunningSandbox, rounds: int) -> None:
    """Restart and kill everything `rounds` times under traffic, with a client that counts."""
    before = stored_calls()
    client, traffic = Client(deployment.sockets.port), Traffic(deployment, carrier)
    writers = [deployment.http, deployment.listener, deployment.worker]
    with running(client.follow):
        wait_until(lambda: client.connections)
        with running(traffic.post, traffic.place, traffic.pull):
            time.sleep(1)
            for _ in range(rounds):
                for writer in writers:
                    restart(writer)
                add_replica(deployment.listener)
                for service in (*writers, deployment.sockets):
                    kill(service)
                for service in (deployment.http, deployment.sockets):
                    service.wait_until_ready()
            time.sleep(1)
        assert_complete(client, traffic, before)
    assert len(client.received) > 20 * rounds
    assert client.connections > rounds


def test_restarts_replicas_and_kills_lose_and_double_nothing(
    deployment: Deployment, carrier: RunningSandbox
) -> None:
    started(deployment)
    survives(deployment, carrier, 1)


@pytest.mark.exhaustive
@pytest.mark.both_profiles  # or it would not be chosen for the full one
@pytest.mark.timeout(1_800)
def test_many_restarts_replicas_and_kills_lose_and_double_nothing(
    deployment: Deployment, carrier: RunningSandbox
) -> None:
    started(deployment)
    survives(deployment, carrier, ROUNDS)


def test_what_a_killed_server_stored_and_could_not_publish_is_published(
    deployment: Deployment, carrier: RunningSandbox, redis_url: str, processes: Processes
) -> None:
    """Redis is out of its reach between the commit and its end."""
    with Proxy.before(redis_url) as proxy:
        deployment.http.env["REDIS_URL"] = proxy.url
        deployment.http.start()
        deployment.sockets.start()
        deployment.http.wait_until_ready()
        deployment.sockets.wait_until_ready()
        client, url = Client(deployment.sockets.port), f"http://127.0.0.1:{deployment.http.port}"
        with running(client.follow):
            wait_until(lambda: client.connections)
            assert in_conversation(url, "before", "before").ok
            wait_until(lambda: client.received["before", 2])
            proxy.cut()
            assert in_conversation(url, "left", "left").ok
            assert PendingEvents.objects.exists()
            deployment.http.end(signal.SIGKILL)
            wait_until(lambda: client.received["left", 2])
            wait_until(lambda: not PendingEvents.objects.exists())
    assert client.received == {("before", 2): 1, ("left", 2): 1}
    assert client.resyncs == 0
