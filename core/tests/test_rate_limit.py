"""Counting: exact, bounded, shared through Redis, and never a reason to fail."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
import redis
from django.test import Client

from core.auth import limits
from core.lib import rate_limit
from core.lib.rate_limit import FailSafeCounter, MemoryCounter, RateLimitVerdict, RedisCounter

pytestmark = pytest.mark.both_profiles


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("core.lib.rate_limit.time.monotonic", lambda: now[0])
    return now


def test_window_opens_with_the_first_hit_and_lasts_a_minute(clock: list[float]) -> None:
    counter = MemoryCounter()
    assert counter.hit("a") == (1, 60)
    clock[0] += 59
    assert counter.hit("a") == (2, 1)
    clock[0] += 1
    assert counter.hit("a") == (1, 60)


def test_keys_are_counted_apart() -> None:
    counter = MemoryCounter()
    assert [counter.hit(key)[0] for key in "aabab"] == [1, 2, 1, 3, 2]


def test_memory_is_bounded_and_forgets_the_oldest_first(clock: list[float]) -> None:
    counter = MemoryCounter(maximum=3)
    for key in "abc":
        counter.hit(key)
        clock[0] += 1
    counter.hit("a")
    counter.hit("d")  # a opened first, so it goes
    assert len(counter) == 3
    assert counter.hit("b")[0] == 2
    clock[0] += 61
    counter.hit("e")
    assert len(counter) == 1


def test_no_hit_of_parallel_threads_is_lost() -> None:
    counter = MemoryCounter()
    threads = [
        threading.Thread(target=lambda: [counter.hit("a") for _ in range(500)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.hit("a")[0] == 2001


def test_processes_share_their_windows_in_redis(redis_url: str) -> None:
    one, other = RedisCounter(redis_url), RedisCounter(redis_url)
    hits, left_s = one.hit("a")
    assert (hits, 59 < left_s <= 60) == (1, True)
    assert other.hit("a")[0] == 2
    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.pttl("rate:a") <= 60_000


def test_counter_that_lost_its_end_gets_one_again(redis_url: str) -> None:
    counter = RedisCounter(redis_url)
    counter.hit("a")
    with redis.Redis.from_url(redis_url) as client:
        client.persist("rate:a")
        assert counter.hit("a") == (2, 60)
        assert client.pttl("rate:a") > 0


def test_counting_goes_on_after_redis_forgot_the_script(redis_url: str) -> None:
    counter = RedisCounter(redis_url)
    counter.hit("a")
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()
    assert counter.hit("a")[0] == 2


def test_connection_that_redis_closed_is_replaced(redis_url: str) -> None:
    counter = RedisCounter(redis_url)
    counter.hit("a")
    host, port = counter._connection()._sock.getsockname()
    with redis.Redis.from_url(redis_url) as client:
        client.client_kill(f"{host}:{port}")
    assert counter.hit("a")[0] == 2


class _Late:
    """A connection whose answers come too late."""

    connected = True

    def send_command(self, *_command: object, **_options: object) -> None:
        self.connected = True

    def read_response(self) -> None:
        raise redis.TimeoutError("no answer in 0.25 s")

    def disconnect(self) -> None:
        self.connected = False


def test_late_answer_cannot_be_taken_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    counter, late = RedisCounter("redis://127.0.0.1:1/0"), _Late()
    monkeypatch.setattr(counter, "_connection", lambda: late)
    with pytest.raises(redis.TimeoutError):
        counter.hit("a")
    assert not late.connected


class _Flaky:
    """A counter that is away while `error` is set."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.tries = 0

    def hit(self, key: str) -> tuple[int, float]:
        self.tries += 1
        if self.error:
            raise self.error
        return 100, 30.0


def test_outage_of_redis_is_counted_in_memory_and_logged_once(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    shared = _Flaky()
    counter = FailSafeCounter(shared)
    assert counter.hit("a") == (100, 30.0)
    shared.error = redis.ConnectionError("refused")
    with caplog.at_level(logging.INFO):
        hits = []
        for _ in range(4):
            hits.append(counter.hit("a")[0])
            clock[0] += 1.5
        assert hits == [1, 2, 3, 4]
        assert shared.tries == 3  # the first good one, then every two seconds at most
        shared.error = None
        clock[0] += 2
        assert counter.hit("a") == (100, 30.0)
    assert [record.getMessage().split()[0] for record in caplog.records] == [
        "rate_limit.redis_lost",
        "rate_limit.redis_recovered",
    ]


def test_redis_that_refuses_is_no_error_to_the_caller() -> None:
    counter = rate_limit.build_counter("redis://127.0.0.1:1/0")
    assert [counter.hit("a")[0] for _ in range(3)] == [1, 2, 3]


def test_headers_tell_the_same_in_both_dialects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.lib.rate_limit.time.time", lambda: 1_700_000_000.0)
    assert RateLimitVerdict("default", 100, 51, 29.2).headers() == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "49",
        "X-RateLimit-Reset": "1700000030",
        "RateLimit-Policy": '"default";q=100;w=60',
        "RateLimit": '"default";r=49;t=30',
    }


@pytest.mark.django_db
def test_request_over_the_limit_is_refused_and_told_when_to_come_back(
    api: Any, settings: Any
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 3
    responses = [api.get("/version") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert [response["X-RateLimit-Remaining"] for response in responses] == ["2", "1", "0", "0"]
    refused = responses[-1]
    assert refused["Retry-After"] == refused["RateLimit"].partition("t=")[2]
    assert refused.json() == {
        "detail": f"Request was throttled. Expected available in {refused['Retry-After']} seconds."
    }


@pytest.mark.django_db
def test_addresses_have_limits_of_their_own(api: Any, settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert api.get("/version", REMOTE_ADDR="192.0.2.1").status_code == 200
    assert api.get("/version", REMOTE_ADDR="192.0.2.1").status_code == 429
    assert api.get("/version", REMOTE_ADDR="192.0.2.2").status_code == 200
    assert api.get("/version", REMOTE_ADDR="2001:db8::1").status_code == 200
    assert api.get("/version", REMOTE_ADDR="2001:db8::2").status_code == 429  # the same /64


@pytest.mark.django_db
def test_limit_of_zero_is_none(api: Any, settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 0
    response = api.get("/version")
    assert response.status_code == 200
    assert "RateLimit" not in response
    assert "X-RateLimit-Limit" not in response


@pytest.mark.django_db
def test_failed_tries_have_a_bucket_of_their_own(
    client: Client, settings: Any, api_key: str
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    settings.AUTH_FAILURES_PER_MINUTE = 3
    bad = [client.get("/version", headers={"X-API-Key": "wrong"}) for _ in range(5)]
    assert [response.status_code for response in bad] == [401, 401, 401, 429, 429]
    assert bad[0]["RateLimit-Policy"] == '"auth-failures";q=3;w=60'
    assert bad[0]["X-RateLimit-Remaining"] == "2"
    assert bad[3]["Retry-After"] == bad[3]["RateLimit"].partition("t=")[2]
    assert bad[3].json()["detail"].startswith("Too many requests without a valid API key.")
    good = client.get("/version", headers={"X-API-Key": api_key})
    assert (good.status_code, good["X-RateLimit-Remaining"]) == (200, "1")


@pytest.mark.django_db
def test_request_without_scope_counts_too(client: Client, settings: Any) -> None:
    from core.auth import services

    settings.RATE_LIMIT_PER_MINUTE = 100
    _, key = services.create_key(name="reader")
    response = client.post(
        "/version", "{}", content_type="application/json", headers={"X-API-Key": key}
    )
    assert (response.status_code, response["X-RateLimit-Remaining"]) == (403, "99")


@pytest.mark.django_db
def test_probes_are_not_counted(client: Client, settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert [client.get("/livez").status_code for _ in range(3)] == [200, 200, 200]
    assert "RateLimit" not in client.get("/livez")


@pytest.mark.django_db
def test_limit_is_shared_by_processes_when_there_is_redis(
    api: Any, settings: Any, redis_url: str
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    codes = []
    for _ in range(3):
        codes.append(api.get("/version").status_code)
        limits.counter.cache_clear()  # as another process would, which has only Redis in common
    assert codes == [200, 200, 429]
