"""How many sockets are open, here and elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
import time_machine

from core.sockets import socket_count


def test_open_sockets_are_counted_by_address() -> None:
    with socket_count.counted("/a"), socket_count.counted("/a"), socket_count.counted("/b"):
        assert socket_count.open_sockets("/a") == 2
    assert socket_count.open_sockets("/a") == 0


@pytest.fixture
def elsewhere(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Another process tells that it has so many sockets."""

    def report(name: str, address: str, count: int) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(socket_count, "_name", name)
            patch.setattr(socket_count, "_open", {address: count})
            asyncio.run(socket_count._report_once())

    return report


def test_other_processes_count_too(elsewhere: Any) -> None:
    elsewhere("p2", "/a", 2)
    elsewhere("p3", "/a", 3)
    elsewhere("p2", "/a", 1)
    with socket_count.counted("/a"):
        asyncio.run(socket_count._report_once())
        assert socket_count.open_sockets("/a") == 5, "its own are counted once"
    assert socket_count.open_sockets("/b") == 0


def test_a_process_that_died_counts_none(elsewhere: Any, redis_url: str) -> None:
    with time_machine.travel("2025-12-09T12:00:00Z", tick=False) as clock:
        elsewhere("dead", "/a", 2)
        clock.shift(socket_count.SILENT_S + 1)
        elsewhere("alive", "/a", 1)
        assert socket_count.open_sockets("/a") == 1
    with redis.Redis.from_url(redis_url) as client:
        assert len(client.hkeys(socket_count.HASH)) == 1


def test_while_redis_is_away_this_process_is_counted(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with socket_count.counted("/a"):
        assert socket_count.open_sockets("/a") == 1
