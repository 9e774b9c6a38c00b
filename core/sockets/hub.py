"""One hub per process: follows the log and moves its events to the sockets.

The hub keeps the last EVENT_LOG_LENGTH entries once, for everybody; a client is a position in them,
and one task that writes what comes after it. So a backlog costs no memory however slow its client
is, replay after a reconnect and live events are the same thing (nothing can be lost or doubled
between them), and a slow client delays nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings

from core.auth.keyring import keyring
from core.auth.types import Caller, SocketRefused
from core.realtime import control, transport
from core.realtime.event_buffer import EventBuffer
from core.realtime.events import Notice
from core.realtime.log import EventLog
from core.realtime.publish import get_log, publish_leftovers
from core.sockets import socket_count
from core.sockets.authentication import ended_sessions
from core.sockets.client import Client

logger = logging.getLogger(__name__)

SWEEP_S: Final = 1.0
STUCK_SWEEPS: Final = 15  # a write that takes longer ends the socket,
STUCK_AND_BEHIND_SWEEPS: Final = 2  # or this long when more than SOCKET_QUEUE_LENGTH events wait
REACH_WAIT_S: Final = 2.0
RESTART_S: Final = 1.0

TOO_SLOW: Final = 4008, "Too slow: reconnect with ?since= to resume"
KEY_ENDED: Final = 4401, "API key expired or revoked"
SESSION_ENDED: Final = 4401, "Session ended"
TOO_MANY: Final = 4429, "Too many sockets"
RESTARTING: Final = 1012, "Service restart"


class Hub:
    """The sockets of one event loop. All runs in that loop; nothing here waits for a client."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._buffer = EventBuffer(settings.EVENT_LOG_LENGTH)
        self._clients: set[Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Follow the log, if not yet doing so."""
        if not self._tasks:
            publish_leftovers()
            for work in (self._follow, self._sweep, self._beat, self._listen, socket_count.report):
                self._spawn(_restarting(work))

    async def stop(self) -> None:
        """Close every socket (1012: service restart) and stop following."""
        await asyncio.gather(*(self._end(client, *RESTARTING) for client in [*self._clients]))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def join(
        self,
        send: transport.Send,
        caller: Caller,
        wants: frozenset[str],
        since: int | None,
        epoch: str | None,
    ) -> Client:
        """A new client: it gets where it starts, then what it `wants` after `since`.

        Without `since` that is from now on. Raises Refused when too many are open.
        """
        self.start()
        await self._reached(since or 0)
        self._check_room(caller)
        buffer = self._buffer
        client = Client(send, caller, wants | {Notice.type}, buffer)
        client.start(epoch or buffer.epoch, buffer.last if since is None else since)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Forget a client whose socket is gone."""
        self._clients.discard(client)
        client.stop()

    def _check_room(self, caller: Caller) -> None:
        """Raise Refused when the process, the caller or its address has all sockets that it may."""
        others = [client.caller for client in self._clients]
        if len(others) >= settings.MAX_SOCKETS:
            raise SocketRefused(*TOO_MANY)
        _check(caller.quota, (one.quota for one in others), settings.MAX_SOCKETS_PER_KEY, "key")
        of_addresses = (one.address for one in others)
        _check(caller.address, of_addresses, settings.MAX_SOCKETS_PER_ADDRESS, "address")

    async def _reached(self, seq: int) -> None:
        """Wait a moment for a log just opened, or an event that another process read first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REACH_WAIT_S):
                while not self._buffer.epoch or self._buffer.last < seq:
                    await asyncio.sleep(0.02)

    async def _follow(self) -> None:
        async for batch in self._log.follow():
            self._buffer.add(batch)
            for client in self._clients:
                client.wake()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.HEARTBEAT_S)
            for client in self._clients:
                client.owe("heartbeat")

    async def _sweep(self) -> None:
        """End the sockets of keys and sessions that ended, and those that do not read.

        Every second, so a control message that was lost is noticed soon.
        """
        while True:
            await asyncio.sleep(SWEEP_S)
            await database_sync_to_async(keyring.refresh)()
            self._end_keyless(await self._ended_sessions())
            for client in [*self._clients]:
                stuck = client.stuck_sweeps()
                behind = client.backlog > settings.SOCKET_QUEUE_LENGTH
                if stuck >= STUCK_SWEEPS or (behind and stuck >= STUCK_AND_BEHIND_SWEEPS):
                    logger.warning(
                        "socket.too_slow caller=%s backlog=%d", client.caller.name, client.backlog
                    )
                    self._spawn(self._end(client, *TOO_SLOW))

    async def _listen(self) -> None:
        async for message in control.messages():
            if message == control.KEYS_CHANGED:
                await database_sync_to_async(keyring.reload)()
                self._end_keyless()

    async def _ended_sessions(self) -> frozenset[str]:
        callers = [client.caller for client in self._clients if client.caller.session_key]
        return await database_sync_to_async(ended_sessions)(callers) if callers else frozenset()

    def _end_keyless(self, ended: frozenset[str] = frozenset()) -> None:
        """End the sockets of those who lost what let them in; `ended` are keys of sessions."""
        for client in [*self._clients]:
            caller = client.caller
            if caller.session_key in ended or not keyring.is_active(caller):
                reason = KEY_ENDED if caller.user_id is None else SESSION_ENDED
                self._spawn(self._end(client, *reason))

    async def _end(self, client: Client, code: int, detail: str) -> None:
        self._clients.discard(client)
        await client.end(code, detail)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check(mine: str, others: Iterable[str], limit: int, whose: str) -> None:
    if mine and limit and sum(other == mine for other in others) >= limit:
        code, detail = TOO_MANY
        raise SocketRefused(code, f"{detail} of this {whose}")


async def _restarting(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work`, and run it again should an error end it."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("hub.failed work=%s", getattr(work, "__name__", work))
            await asyncio.sleep(RESTART_S)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def get_hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(get_log())
    return _hubs[loop]
