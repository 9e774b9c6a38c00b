"""One socket: a position in the log, and a task that writes what comes after it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Literal

from core.auth.types import Caller
from core.realtime import transport
from core.realtime.event_buffer import EventBuffer
from core.realtime.events import Error, Event, Frame, Heartbeat, Pong, Resync, System

CLOSE_WAIT_S: Final = 1.0
LINGER_S: Final = 12.0  # longer than the servers wait for the client's half of the close handshake
GONE: Final = (OSError, RuntimeError)  # raised by `send` on a socket closed or being closed

Owed = Literal["heartbeat", "pong"]


class Client:
    """A socket that gets the entries of `tail` whose type it `wants`, in order, each once."""

    __slots__ = (
        "_at_last_sweep",
        "_buffer",
        "_epoch",
        "_owed",
        "_send",
        "_sent",
        "_seq",
        "_stuck",
        "_task",
        "_waiter",
        "_wants",
        "caller",
    )  # fmt: skip

    def __init__(
        self, send: transport.Send, caller: Caller, wants: frozenset[str], buffer: EventBuffer
    ) -> None:
        self.caller = caller
        self._send = send
        self._wants = wants
        self._buffer = buffer
        self._owed: set[Owed] = set()  # a flood of pings is owed one pong
        self._waiter: asyncio.Future[None] | None = None  # set while there is nothing to write
        self._sent = self._at_last_sweep = self._stuck = 0

    def start(self, epoch: str, seq: int) -> None:
        """Greet, and write what comes after `seq` of `epoch`."""
        self._epoch, self._seq = epoch, seq
        self._task = asyncio.get_running_loop().create_task(self._write())

    def stop(self) -> None:
        """Write no more: the socket is gone. A connection that still has a write waiting is cut."""
        if self._waiter is None and not self._task.done():
            transport.cut(self._send)
        self._task.cancel()

    async def end(self, code: int, detail: str) -> None:
        """Say why and close; a connection that does not take this within a second is cut."""
        self._task.cancel()
        await asyncio.wait([self._task])
        await close_with_reason(self._send, code, detail)

    def wake(self) -> None:
        """There may be something to write."""
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None

    def owe(self, what: Owed) -> None:
        """Send a heartbeat or a pong when its turn comes."""
        self._owed.add(what)
        self.wake()

    @property
    def backlog(self) -> int:
        """How many events it is behind."""
        return self._buffer.last - self._seq

    def stuck_sweeps(self) -> int:
        """For how many calls of this in a row one and the same write has been waiting."""
        stuck = self._waiter is None and self._sent == self._at_last_sweep
        self._stuck = self._stuck + 1 if stuck else 0
        self._at_last_sweep = self._sent
        return self._stuck

    async def _write(self) -> None:
        with suppress(*GONE):
            await self._greet()
            while True:
                await self._catch_up()
                await self._pay()
                if not self.backlog and not self._owed:
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter

    async def _greet(self) -> None:
        buffer = self._buffer
        seq = self._seq if buffer.reaches(self._epoch, self._seq) else buffer.last
        await self._put(System(buffer.epoch, seq).frame())

    async def _catch_up(self) -> None:
        """Write the next entries, after a resync if some that should come before them are gone."""
        if not self._buffer.reaches(self._epoch, self._seq):
            self._epoch, self._seq = self._buffer.epoch, self._buffer.last
            await self._put(Resync(self._epoch, self._seq).frame())
        wants = self._wants
        for entry in self._buffer.after(self._seq):
            if entry.type in wants:
                await self._put(entry.frame)
            self._seq = entry.seq

    async def _pay(self) -> None:
        while self._owed:
            event: Event = (
                Pong() if self._owed.pop() == "pong" else Heartbeat(self._epoch, self._seq)
            )
            await self._put(event.frame())

    async def _put(self, frame: Frame) -> None:
        await self._send(frame)
        self._sent += 1


async def close_with_reason(send: transport.Send, code: int, detail: str) -> None:
    """Send why, close with `code`, cut a connection that does not take it or stays half closed."""
    try:
        async with asyncio.timeout(CLOSE_WAIT_S):
            await send(Error(code, detail).frame())
            await send({"type": "websocket.close", "code": code, "reason": detail})
    except TimeoutError:
        transport.cut(send)
    except GONE:
        return
    asyncio.get_running_loop().call_later(LINGER_S, transport.cut, send)
