"""So many hits a minute for each address: one answer, one round trip.

The window of an address opens with its first hit and lasts 60 s.
`docs/decisions/0002-rate-limit.md` says why this is our own code and why the window is fixed.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, Protocol

import redis

from core.lib.outage import Outage

WINDOW_S: Final = 60
MAX_ADDRESSES: Final = 100_000  # about 20 MB; a flood from more forgets the oldest windows
REDIS_TIMEOUT_S: Final = 0.25
REDIS_PAUSE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class RateLimitVerdict:
    """What counting one hit said; `name` is the policy, `reset_s` until the window closes."""

    name: str
    limit: int
    hits: int
    reset_s: float

    @property
    def allowed(self) -> bool:
        return self.hits <= self.limit

    @property
    def retry_after_s(self) -> int:
        """Whole seconds after which the next hit is allowed, at least 1."""
        return max(1, math.ceil(self.reset_s))

    def headers(self) -> dict[str, str]:
        """The usual `X-RateLimit-*` (reset in epoch s) and IETF draft 11's `RateLimit` (in s)."""
        remaining, reset_s = max(0, self.limit - self.hits), self.retry_after_s
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(int(time.time()) + reset_s),
            "RateLimit-Policy": f'"{self.name}";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"{self.name}";r={remaining};t={reset_s}',
        }


class Counter(Protocol):
    """Counts hits in windows of 60 s."""

    def hit(self, key: str) -> tuple[int, float]:
        """Count one hit; returns the window's hits with it, and the seconds it still lasts."""
        ...


class MemoryCounter:
    """Windows of this process. Thread-safe; bounded by forgetting the windows that opened first."""

    def __init__(self, maximum: int = MAX_ADDRESSES) -> None:
        self._maximum = maximum
        self._lock = threading.Lock()
        # key -> [hits, end]; every window is equally long, so they close in the order they opened
        self._windows: OrderedDict[str, list[float]] = OrderedDict()

    def hit(self, key: str) -> tuple[int, float]:
        now = time.monotonic()
        with self._lock:
            window = self._windows.get(key)
            if window is None or window[1] <= now:
                self._windows.pop(key, None)
                self._drop(now)
                window = self._windows[key] = [0, now + WINDOW_S]
            window[0] += 1
            return int(window[0]), window[1] - now

    def _drop(self, now: float) -> None:
        while self._windows:
            oldest = next(iter(self._windows))
            if len(self._windows) < self._maximum and self._windows[oldest][1] > now:
                return
            del self._windows[oldest]

    def __len__(self) -> int:
        return len(self._windows)


class RedisCounter:
    """Windows shared by all processes: one script, one round trip. Raises redis.RedisError.

    Every thread keeps a connection of its own: borrowing one from redis-py's pool and its retries
    cost three times the processor time of the question itself.
    """

    SCRIPT: Final = """
    local hits = redis.call('INCR', KEYS[1])
    local left = redis.call('PTTL', KEYS[1])
    if left < 0 then
        left = tonumber(ARGV[1])
        redis.call('PEXPIRE', KEYS[1], left)
    end
    return {hits, left}
    """

    def __init__(self, url: str, prefix: str = "rate:") -> None:
        self._pool = redis.ConnectionPool.from_url(
            url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
        )
        self._mine = threading.local()
        self._prefix = prefix
        self._digest = hashlib.sha1(self.SCRIPT.encode(), usedforsecurity=False).hexdigest()

    def hit(self, key: str) -> tuple[int, float]:
        try:
            hits, left_ms = self._counted(self._prefix + key)
        except redis.ConnectionError:  # perhaps closed while idle: once more, with a new one
            hits, left_ms = self._counted(self._prefix + key)
        return int(hits), int(left_ms) / 1000

    def _counted(self, key: str) -> Any:
        connection = self._connection()
        try:
            return self._ask(connection, "EVALSHA", self._digest, key)
        except redis.exceptions.NoScriptError:
            return self._ask(connection, "EVAL", self.SCRIPT, key)

    def _ask(self, connection: Any, command: str, script: str, key: str) -> Any:
        try:
            connection.send_command(command, script, 1, key, WINDOW_S * 1000, check_health=False)
            return connection.read_response()
        except (redis.ConnectionError, redis.TimeoutError):
            connection.disconnect()  # a late answer must not be taken for the next one
            raise

    def _connection(self) -> Any:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = self._pool.make_connection()
        return self._mine.connection


class FailSafeCounter:
    """Counts in `shared`; while that is away, in memory, trying again every 2 seconds."""

    def __init__(self, shared: Counter) -> None:
        self._shared = shared
        self._own = MemoryCounter()
        self._outage = Outage("rate_limit.redis", separator="_")
        self._retry_at = 0.0  # monotonic

    def hit(self, key: str) -> tuple[int, float]:
        if time.monotonic() < self._retry_at:
            return self._own.hit(key)
        try:
            counted = self._shared.hit(key)
        except (redis.RedisError, OSError) as exc:
            self._outage.began(exc)
            self._retry_at = time.monotonic() + REDIS_PAUSE_S
            return self._own.hit(key)
        self._outage.over()
        return counted


def build_counter(redis_url: str) -> Counter:
    """This process' counter: shared through Redis when there is a URL, in memory otherwise."""
    return FailSafeCounter(RedisCounter(redis_url)) if redis_url else MemoryCounter()
