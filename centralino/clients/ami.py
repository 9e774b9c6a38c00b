"""The default AMI client: an asyncio protocol in a thread of its own, behind `types.Ami`.

The thread always reads, because Asterisk disconnects slow readers. It only splits the stream and
picks out the responses to actions; events are parsed in the thread that reads them.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from itertools import count
from typing import Any, Final, TypeVar

from centralino.clients.event_queue import MAX_BYTES, EventQueue
from centralino.clients.genuine import Genuine, cut_off
from centralino.clients.messages import END, MAX_GREETING, MAX_MESSAGE, action_bytes, parse_message
from centralino.clients.session import GREETING, Timeouts, accepted, is_last, login_key
from centralino.types import AmiAddress, AmiMessage, Overflow
from core.lib.upstream import UpstreamError

MAX_LIST: Final = 100_000  # items
CLOSE_HANDSHAKE_S: Final = 0.4
T = TypeVar("T")


class AsyncioAmi:
    """A manager session as `centralino.types.Ami`. Threads may share it; one reads the events."""

    def __init__(
        self, address: AmiAddress, *, timeouts: Timeouts | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        """Connect and log in; up to `max_bytes` of events are buffered. Raises UpstreamError."""
        self._name = f"ami {address.host}:{address.port}"
        self._timeouts = timeouts or Timeouts()
        self._queue: EventQueue[bytes] = EventQueue(max_bytes)
        self._genuine = Genuine(self._name)
        self._connection = _Connection(self._queue, self._name, self._timeouts)
        opened: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(address, opened)), name=self._name, daemon=True
        )
        self._thread.start()
        opened.result()  # in time: every step of it is bounded

    def __repr__(self) -> str:
        return f"<AsyncioAmi {self._name}>"

    @property
    def dropped(self) -> int:
        """Messages that Asterisk cannot have meant to send, so far: see `Genuine`."""
        return self._genuine.dropped

    def action(self, name: str, **headers: str) -> AmiMessage:
        """The response to an action, matched by ActionID.

        Raises UpstreamError on `Response: Error`, on a drop and when there is none in time;
        ValueError when a header holds a line break.
        """
        return self._in_loop(self._connection.request(name, headers)).response

    def listed(self, name: str, **headers: str) -> list[AmiMessage]:
        """The items of a list action (`CoreShowChannels`), without start and end. As `action`."""
        return self._in_loop(self._connection.request(name, headers, listed=True)).items

    def events(self, *, idle_s: float) -> Iterator[list[AmiMessage | Overflow] | None]:
        """Batches of events in the order they came; None when `idle_s` passed without one.

        Raises UpstreamError on any drop, a clean close included, and without a response to a ping.
        """
        while True:
            chunk = self._queue.get(idle_s)
            if chunk is None:
                yield None
            elif isinstance(chunk, Overflow):
                self._genuine.forget()
                yield [chunk]
            else:
                yield self._genuine.read_all(chunk)

    def close(self) -> None:
        """Log off and close, within a second; never raises."""
        with suppress(UpstreamError):
            self._in_loop(self._connection.log_off())
        self._thread.join(CLOSE_HANDSHAKE_S)

    async def _run(self, address: AmiAddress, opened: Future[None]) -> None:
        """Log in, report the result in `opened`, and ping until the connection is gone."""
        try:
            await self._connection.open(address)
        except Exception as exc:  # of many kinds, where the address is invalid
            error = (
                exc
                if isinstance(exc, UpstreamError)
                else UpstreamError(f"{self._name}: {type(exc).__name__}")
            )
            self._connection.drop(error)
            opened.set_exception(error)
            return
        opened.set_result(None)
        await self._connection.watch()

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the thread, which ends with the connection."""
        if self._queue.ended:
            work.close()
            raise self._queue.ended
        try:
            done = asyncio.run_coroutine_threadsafe(work, self._connection.loop)
        except RuntimeError:  # it ended just now
            work.close()
            raise UpstreamError(f"{self._name}: closed") from None
        try:
            return done.result(self._timeouts.response_s + 1)
        except (TimeoutError, CancelledError):  # as above, a moment later
            raise self._queue.ended or UpstreamError(f"{self._name}: no response") from None


class _Reply:
    """The response to one action, with the items of a list; `done` when complete."""

    def __init__(self, action: str, *, listed: bool = False) -> None:
        self.action = action
        self.response = AmiMessage()
        self.items: list[AmiMessage] = []
        self.done: asyncio.Future[None] = asyncio.Future()
        self._listed = listed

    def add(self, message: AmiMessage) -> bool:
        """Add `message` if it belongs to the reply; whether it did."""
        if self.done.done():
            return False
        if "event" not in message:
            self._respond(message)
        elif not self._listed or cut_off(message):
            return False
        elif is_last(message) or len(self.items) >= MAX_LIST:
            self.done.set_result(None)
        else:
            self.items.append(message)
        return True

    def _respond(self, message: AmiMessage) -> None:
        try:
            self.response = accepted(self.action, message)
        except UpstreamError as exc:
            self.done.set_exception(exc)
        else:
            if not self._listed:
                self.done.set_result(None)


class _Connection(asyncio.Protocol):
    """One connection, inside its event loop. Every coroutine raises UpstreamError, in time."""

    loop: asyncio.AbstractEventLoop
    _greeted: asyncio.Future[None]
    _lost: asyncio.Future[None]

    def __init__(self, queue: EventQueue[bytes], name: str, timeouts: Timeouts) -> None:
        self._queue, self._name, self._timeouts = queue, name, timeouts
        self._transport: asyncio.Transport | None = None
        self._rest = b""  # of an incomplete message
        self._received_at = time.monotonic()
        # Events of other sessions lack it, so responses are found without parsing every message.
        self._token = secrets.token_hex(6)
        self._numbers = count(1)
        self._replies: dict[str, _Reply] = {}

    async def open(self, address: AmiAddress) -> None:
        """Connect and log in."""
        self.loop = asyncio.get_running_loop()
        self._greeted, self._lost = self.loop.create_future(), self.loop.create_future()
        try:
            async with asyncio.timeout(self._timeouts.connect_s):
                await self.loop.create_connection(lambda: self, address.host, address.port)
            async with asyncio.timeout(self._timeouts.response_s):
                await self._greeted
        except TimeoutError:
            what = "greeting" if self._transport else "connection"
            raise UpstreamError(f"{self._name}: no {what} in time") from None
        except OSError as exc:
            why = os.strerror(exc.errno) if exc.errno else type(exc).__name__
            raise UpstreamError(f"{self._name}: {why}") from None
        challenge = await self.request("Challenge", {"AuthType": "MD5"})
        key = login_key(challenge.response, address.secret)
        who = {"AuthType": "MD5", "Username": address.user, "Key": key, "Events": "on"}
        await self.request("Login", who)

    async def request(
        self, action: str, headers: Mapping[str, str], *, listed: bool = False
    ) -> _Reply:
        """Send an action and wait for its complete reply."""
        action_id = f"{self._token}-{next(self._numbers)}"
        reply = self._replies[action_id] = _Reply(action, listed=listed)
        try:
            self._send(action, action_id, headers)
            async with asyncio.timeout(self._timeouts.response_s):
                await reply.done
        except TimeoutError:
            raise UpstreamError(f"{self._name}: no response to {action} in time") from None
        finally:
            del self._replies[action_id]
        return reply

    async def watch(self) -> None:
        """Ping until the connection is gone; a peer that stays silent is dropped."""
        while not self._lost.done():
            await asyncio.wait([self._lost], timeout=self._timeouts.ping_every_s)
            silent_s = time.monotonic() - self._received_at
            if silent_s >= self._timeouts.silent_s:
                self.drop(UpstreamError(f"{self._name}: silent for {silent_s:.0f} s"))
            elif not self._lost.done():
                # Nothing waits for the response: any message shows that the peer is alive.
                self._send("Ping", f"{self._token}-{next(self._numbers)}", {})

    async def log_off(self) -> None:
        """Log off, give the other side a moment to close, and close."""
        if not self._lost.done():
            self._send("Logoff", f"{self._token}-{next(self._numbers)}", {})
            await asyncio.wait([self._lost], timeout=CLOSE_HANDSHAKE_S)
        self.drop(UpstreamError(f"{self._name}: closed"))

    def drop(self, error: UpstreamError) -> None:
        """End the connection; everything that waits on it gets `error`."""
        self._queue.end(error)
        waiting = [self._greeted, *(reply.done for reply in self._replies.values())]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # retrieved, so that asyncio does not log it
        if not self._lost.done():
            self._lost.set_result(None)
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a stream

    def connection_lost(self, exc: Exception | None) -> None:
        why = type(exc).__name__ if exc else "the other side closed"
        self.drop(UpstreamError(f"{self._name}: {why}"))

    def data_received(self, data: bytes) -> None:
        if not self._greeted.done():
            data = self._after_greeting(self._rest + data)
        elif self._rest:
            data = self._rest + data
        *messages, self._rest = data.split(END)
        if len(self._rest) > MAX_MESSAGE:
            self.drop(UpstreamError(f"{self._name}: a message of more than {MAX_MESSAGE} bytes"))
        if not messages:
            return
        self._received_at = time.monotonic()
        if self._token.encode() in data:
            messages = [raw for raw in messages if not self._is_reply(raw)]
        if messages:
            self._queue.put(messages, len(data) - len(self._rest))

    def _after_greeting(self, data: bytes) -> bytes:
        greeting, eol, rest = data.partition(b"\n")
        if eol and greeting.startswith(GREETING.encode()):
            self._greeted.set_result(None)
            return rest
        if eol or len(data) > MAX_GREETING:
            self.drop(UpstreamError(f"{self._name}: this is no {GREETING}"))
            return b""
        return data

    def _is_reply(self, raw: bytes) -> bool:
        """Whether a message belongs to an action of ours; if so it is added to its reply."""
        if self._token.encode() not in raw:
            return False
        message = parse_message(raw)
        reply = self._replies.get(message.get("actionid", ""))
        # What nothing waits for is dropped; an event that is no item of a list may carry news.
        return reply.add(message) if reply else "privilege" not in message

    def _send(self, action: str, action_id: str, headers: Mapping[str, str]) -> None:
        if self._lost.done() or self._transport is None:
            raise self._queue.ended or UpstreamError(f"{self._name}: closed")
        self._transport.write(action_bytes(action, action_id, headers))
