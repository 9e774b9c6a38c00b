"""What Redis knows of leaders: a second witness for one that is cut off from the database.

It cannot ask there whether another one leads by now. Whoever takes a lease says so here, too. Redis
away or emptied is no answer: then the database alone counts.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Final

import redis
from django.conf import settings

TIMEOUT_S: Final = 0.5
REMEMBERED_S: Final = 86_400
_NO_ANSWER: Final = (redis.RedisError, OSError, ValueError)


def announce(name: str, token: int) -> None:
    """Say that the holder with this token leads `name` from now on."""
    if settings.REDIS_URL:
        with suppress(*_NO_ANSWER):
            _redis(settings.REDIS_URL).set(_key(name), token, ex=REMEMBERED_S)


def is_superseded(name: str, token: int) -> bool:
    """Whether a later holder than this one has announced itself."""
    if settings.REDIS_URL:
        with suppress(*_NO_ANSWER):
            return int(_redis(settings.REDIS_URL).get(_key(name)) or 0) > token
    return False


def _key(name: str) -> str:
    return f"gateway-arq:lease:{name}"


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, decode_responses=True
    )
