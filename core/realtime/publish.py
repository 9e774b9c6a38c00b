"""The way from a fact to the sockets: `publish` now, or `publish_on_commit` once it is stored."""

from __future__ import annotations

import atexit
import logging
import secrets
from collections.abc import Iterable
from functools import cache, partial
from typing import Final

from django.conf import settings
from django.db import transaction

from core.realtime.events import Event
from core.realtime.log import EventBody, EventLog, MemoryLog, Parcel, SharedLog
from core.realtime.outbox import Outbox
from core.realtime.redis_log import RedisLog

logger = logging.getLogger(__name__)

_outboxes: Final[dict[SharedLog, Outbox]] = {}  # one, but for tests


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


def _outbox() -> Outbox | None:
    """What moves stored events to the log of this process, if that outlives it; else None."""
    log = get_log()
    if not isinstance(log, SharedLog):
        return None
    if log not in _outboxes:
        _outboxes.setdefault(log, Outbox(log, maximum=settings.EVENT_LOG_LENGTH))
    return _outboxes[log]


def publish_leftovers() -> None:
    """From now on publish, too, what other processes stored before they were killed."""
    if outbox := _outbox():
        outbox.start()


def close() -> None:
    """Write what is queued or stored, for at most 2 s; another process moves what is left."""
    close_outbox()
    if get_log.cache_info().currsize:
        get_log().close()


def close_outbox() -> None:
    """Move what is stored, and leave the database."""
    for outbox in _outboxes.values():
        outbox.close()


def start_new_epoch() -> None:
    """Let every client read again: what is stored is no longer what the events said.

    A log in memory ends with its process anyway. Raises one of the log's `retryable_errors`.
    """
    log = get_log()
    if isinstance(log, SharedLog):
        log.write([Parcel(secrets.token_hex(8), 1, (), broken=True)])


def publish(events: Iterable[Event]) -> None:
    """Add events to the log in this order, from any thread; while it is away they are queued.

    They are about what is stored nowhere: what waits when the process is killed is lost.
    """
    if bodies := _bodies(events):
        get_log().append(bodies)


def publish_on_commit(*events: Event) -> None:
    """Publish when the running transaction commits, or now if there is none.

    Dropped when it is rolled back. If the log outlives this process, they come even if it is killed
    right after the commit, once, and in the order of commits that follow each other under a lock.
    An event that cannot be written as JSON is logged, not raised: what it reports goes on.
    """
    if not (bodies := _bodies(events)):
        return
    if outbox := _outbox():
        transaction.on_commit(partial(outbox.send, outbox.store(bodies)), robust=True)
    else:
        transaction.on_commit(partial(get_log().append, bodies), robust=True)


def _bodies(events: Iterable[Event]) -> list[EventBody]:
    bodies = []
    for event in events:
        try:
            bodies.append((event.type, event.body()))
        except Exception:
            logger.exception("events.unwritable type=%s", event.type)
    return bodies
