"""How many sockets are open at an address, in all processes.

A process counts its own in memory. With REDIS_URL it also tells the others every few seconds, so
the total is that old at most; a process that says nothing any more counts none.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import orjson
import redis
from django.conf import settings
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

HASH: Final = "{arq:sockets}"  # process: JSON [when, {address: open sockets}]
REPORT_EVERY_S: Final = 2.0
SILENT_S: Final = 15.0  # also what the clocks of two machines may differ by
ANSWER_TIMEOUT_S: Final = 2.0
_RETRYABLE_ERRORS: Final = (redis.RedisError, OSError, TimeoutError)

_open: Counter[str] = Counter()
_name = secrets.token_hex(8)


@contextmanager
def counted(address: str) -> Iterator[None]:
    """Count a socket at `address` while the block runs."""
    _open[address] += 1
    try:
        yield
    finally:
        _open[address] -= 1


def open_sockets(address: str) -> int:
    """Open sockets at `address`; only this process's while Redis does not answer."""
    here = _open[address]
    if not settings.REDIS_URL:
        return here
    with suppress(*_RETRYABLE_ERRORS):
        return here + sum(counts.get(address, 0) for counts in _elsewhere())
    return here


async def report() -> None:
    """Report to the other processes how many are open here, until cancelled."""
    while True:
        if settings.REDIS_URL:
            with suppress(*_RETRYABLE_ERRORS):  # the event log says that Redis is away
                await _report_once()
        await asyncio.sleep(REPORT_EVERY_S)


async def _report_once() -> None:
    client = AsyncRedis.from_url(
        settings.REDIS_URL,
        socket_timeout=None,  # redis-py's own limits can swallow a cancellation
        socket_connect_timeout=None,
        retry=AsyncRetry(NoBackoff(), 0),
    )
    async with asyncio.timeout(ANSWER_TIMEOUT_S), client:
        said = orjson.dumps([time.time(), {name: n for name, n in _open.items() if n}])
        await client.hset(HASH, _process(), said)
        await client.expire(HASH, int(SILENT_S) * 2)


def _elsewhere() -> list[dict[str, int]]:
    """What the other processes said last; those that are silent are struck off."""
    with redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=ANSWER_TIMEOUT_S,
        socket_connect_timeout=ANSWER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        reports = {name.decode(): orjson.loads(said) for name, said in client.hgetall(HASH).items()}
        silent = [name for name, (at, _) in reports.items() if abs(time.time() - at) > SILENT_S]
        if silent:
            client.hdel(HASH, *silent)
    return [counts for name, (_, counts) in reports.items() if name not in (*silent, _process())]


def _process() -> str:
    return f"{_name}:{os.getpid()}"  # a forked child counts its own
