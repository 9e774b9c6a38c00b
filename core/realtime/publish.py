"""The way from a fact to the sockets: `publish` now, or `publish_on_commit` once it is stored."""

from __future__ import annotations

import atexit
from collections.abc import Iterable
from functools import cache

from django.conf import settings
from django.db import transaction

from core.realtime.events import Event
from core.realtime.log import EventLog, MemoryLog
from core.realtime.redis_log import RedisLog


@cache
def get_log() -> EventLog:
    """The log of this process: in Redis if REDIS_URL is set, else in memory."""
    log: EventLog
    if settings.REDIS_URL:
        log = RedisLog(settings.REDIS_URL, settings.EVENT_LOG_LENGTH)
    else:
        log = MemoryLog(settings.EVENT_LOG_LENGTH)
    atexit.register(close)
    return log


def close() -> None:
    """Write what is queued, for at most 2 s; the process ends."""
    if get_log.cache_info().currsize:
        get_log().close()


def publish(events: Iterable[Event]) -> None:
    """Add events to the log in this order, from any thread; while Redis is away they are queued."""
    bodies = [(event.type, event.body()) for event in events]
    if bodies:
        get_log().append(bodies)


def publish_on_commit(*events: Event) -> None:
    """Publish when the running transaction commits, or now if there is none.

    Dropped when it is rolled back. An error in publishing is logged, not raised: what is committed
    stays a success.
    """

    def publish_events() -> None:
        publish(events)

    transaction.on_commit(publish_events, robust=True)
