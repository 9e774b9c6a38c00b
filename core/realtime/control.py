"""Messages from process to process that are no events: "keys.changed" is the only one.

They go through the group "control" of the Channels layer, one member per process, and may get lost:
whatever they announce must also be found out without them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

from core.lib.outage import Outage

logger = logging.getLogger(__name__)

KEYS_CHANGED: Final = "keys.changed"
GROUP: Final = "control"
REJOIN_S: Final = 60  # so long a frozen connection may stay unnoticed
SEND_WAIT_S: Final = 2.0
_RETRYABLE_ERRORS = (redis.RedisError, OSError, TimeoutError)

_listeners: set[_Listener] = set()


class _Listener:
    """The queue of one event loop, filled from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    def tell(self, message: str) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._queue.put_nowait, message)

    async def next(self) -> str:
        return await self._queue.get()


def announce(message: str) -> None:
    """Tell every process, this one first. Lost for the others, and logged, if Redis is away.

    Not for the thread of a running event loop.
    """
    for listener in [*_listeners]:
        listener.tell(message)
    if settings.REDIS_URL:
        try:
            async_to_sync(_send)(message)
        except _RETRYABLE_ERRORS as exc:
            logger.warning("control.not_sent message=%s error=%s", message, exc)


async def messages() -> AsyncIterator[str]:
    """What is announced from now on, here or in another process; endless."""
    listener = _Listener()
    _listeners.add(listener)
    receiver = asyncio.create_task(_receive(listener)) if settings.REDIS_URL else None
    try:
        while True:
            yield await listener.next()
    finally:
        _listeners.discard(listener)
        if receiver is not None:
            receiver.cancel()
            await asyncio.wait([receiver])


async def _send(message: str) -> None:
    async with asyncio.timeout(SEND_WAIT_S):
        await _layer().group_send(GROUP, {"type": "control", "message": message})


async def _receive(listener: _Listener) -> None:
    """Pass on what other processes announce, through every outage of the layer."""
    outage = Outage("control")
    layer = _layer()
    channel = await layer.new_channel(GROUP)
    while True:
        try:
            async with asyncio.timeout(REJOIN_S):
                await layer.group_add(GROUP, channel)
                outage.over()
                while True:
                    listener.tell((await layer.receive(channel))["message"])
        except TimeoutError:
            continue
        except _RETRYABLE_ERRORS as exc:
            await asyncio.sleep(outage.began(exc))


def _layer() -> Any:
    return get_channel_layer()
