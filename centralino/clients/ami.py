"""The default AMI client: an asyncio protocol in a thread of its own, behind `types.Ami`.

The thread always reads, because Asterisk cuts off who is slow. It only splits the stream and picks
out the answers to actions; whoever takes the events has them parsed in his own thread.
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

from centralino.clients.event_queue import ROOM_BYTES, EventQueue
from centralino.clients.messages import END, action_bytes, parse_message
from centralino.clients.session import GREETING, Timeouts, accepted, is_last, login_key
from centralino.types import AmiAddress, AmiError, AmiMessage, Overflow

MAX_GREETING: Final = 1024  # bytes
MAX_MESSAGE: Final = 1024 * 1024  # bytes
MAX_LIST: Final = 100_000  # items
CLOSE_HANDSHAKE_S: Final = 0.4
CLOSING_MESSAGES: Final = (b"Event: Shutdown\r\n", b"Response: Goodbye\r\n")
T = TypeVar("T")


class AsyncioAmi:
    """A manager session as `centralino.types.Ami`. Threads may share it; one takes the events."""

    def __init__(
        self, address: AmiAddress, *, timeouts: Timeouts | None = None, room: int = ROOM_BYTES
    ) -> None:
        """Connect and log in; `room` bytes of events may wait to be taken. Raises AmiError."""
        self._name = f"ami {address.host}:{address.port}"
        self._timeouts = timeouts or Timeouts()
        self._queue: EventQueue[bytes] = EventQueue(room)
        self._line = _Line(self._queue, self._name, self._timeouts)
        opened: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._live(address, opened)), name=self._name, daemon=True
        )
        self._thread.start()
        opened.result()  # in time: every step of it is bounded

    def __repr__(self) -> str:
        return f"<AsyncioAmi {self._name}>"

    def action(self, name: str, **headers: str) -> AmiMessage:
        """The response to an action, matched by ActionID.

        Raises AmiError on `Response: Error`, on a drop and when there is none in time; ValueError
        when a header holds a line break.
        """
        return self._in_loop(self._line.ask(name, headers)).response

    def listed(self, name: str, **headers: str) -> list[AmiMessage]:
        """The items of a list action (`CoreShowChannels`), without start and end. As `action`."""
        return self._in_loop(self._line.ask(name, headers, listed=True)).items

    def events(self, *, idle_s: float) -> Iterator[list[AmiMessage | Overflow] | None]:
        """Batches of events in the order they came; None when `idle_s` passed without one.

        Raises AmiError on any drop, a clean close included, and on a peer that stays silent
        although it was pinged.
        """
        while True:
            taken = self._queue.take(idle_s)
            if taken is None:
                yield None
            elif isinstance(taken, Overflow):
                yield [taken]
            else:
                yield _read(taken) or None

    def close(self) -> None:
        """Log off and close, within a second; never raises."""
        with suppress(AmiError):
            self._in_loop(self._line.leave())
        self._thread.join(CLOSE_HANDSHAKE_S)

    async def _live(self, address: AmiAddress, opened: Future[None]) -> None:
        """The thread: log in, tell how that went, and keep watch until the connection is gone."""
        try:
            await self._line.open(address)
        except Exception as exc:  # of many kinds, where the address is none
            error = (
                exc
                if isinstance(exc, AmiError)
                else AmiError(f"{self._name}: {type(exc).__name__}")
            )
            self._line.drop(error)
            opened.set_exception(error)
            return
        opened.set_result(None)
        await self._line.watch()

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` in the thread, which ends with the connection."""
        if self._queue.ended:
            work.close()
            raise self._queue.ended
        try:
            done = asyncio.run_coroutine_threadsafe(work, self._line.loop)
        except RuntimeError:  # it ended just now
            work.close()
            raise AmiError(f"{self._name}: closed") from None
        try:
            return done.result(self._timeouts.answer_s + 1)
        except (TimeoutError, CancelledError):  # as above, a moment later
            raise self._queue.ended or AmiError(f"{self._name}: no answer") from None


class _Answer:
    """What comes back for one action; `done` when it is whole."""

    def __init__(self, action: str, *, listed: bool = False) -> None:
        self.action = action
        self.response = AmiMessage()
        self.items: list[AmiMessage] = []
        self.done: asyncio.Future[None] = asyncio.Future()
        self._listed = listed

    def takes(self, message: AmiMessage) -> bool:
        """Whether `message` belongs to the answer; then it is part of it."""
        if self.done.done():
            return False
        if "event" not in message:
            self._respond(message)
        elif not self._listed:
            return False
        elif is_last(message) or len(self.items) >= MAX_LIST:
            self.done.set_result(None)
        else:
            self.items.append(message)
        return True

    def _respond(self, message: AmiMessage) -> None:
        try:
            self.response = accepted(self.action, message)
        except AmiError as exc:
            self.done.set_exception(exc)
        else:
            if not self._listed:
                self.done.set_result(None)


class _Line(asyncio.Protocol):
    """One connection, inside its event loop. Every coroutine raises AmiError, in time."""

    loop: asyncio.AbstractEventLoop
    _greeted: asyncio.Future[None]
    _lost: asyncio.Future[None]

    def __init__(self, queue: EventQueue[bytes], name: str, timeouts: Timeouts) -> None:
        self._queue, self._name, self._timeouts = queue, name, timeouts
        self._transport: asyncio.Transport | None = None
        self._rest = b""  # of a message that is not whole yet
        self._heard_at = time.monotonic()
        # No event of another session holds this, so answers are found without reading the others.
        self._token = secrets.token_hex(6)
        self._numbers = count(1)
        self._responses: dict[str, _Answer] = {}

    async def open(self, address: AmiAddress) -> None:
        """Connect and log in."""
        self.loop = asyncio.get_running_loop()
        self._greeted, self._lost = self.loop.create_future(), self.loop.create_future()
        try:
            async with asyncio.timeout(self._timeouts.connect_s):
                await self.loop.create_connection(lambda: self, address.host, address.port)
            async with asyncio.timeout(self._timeouts.answer_s):
                await self._greeted
        except TimeoutError:
            what = "greeting" if self._transport else "connection"
            raise AmiError(f"{self._name}: no {what} in time") from None
        except OSError as exc:
            why = os.strerror(exc.errno) if exc.errno else type(exc).__name__
            raise AmiError(f"{self._name}: {why}") from None
        challenge = await self.ask("Challenge", {"AuthType": "MD5"})
        key = login_key(challenge.response, address.secret)
        who = {"AuthType": "MD5", "Username": address.user, "Key": key, "Events": "on"}
        await self.ask("Login", who)

    async def ask(
        self, action: str, headers: Mapping[str, str], *, listed: bool = False
    ) -> _Answer:
        """Send an action and wait for its whole answer."""
        action_id = f"{self._token}-{next(self._numbers)}"
        response = self._responses[action_id] = _Answer(action, listed=listed)
        try:
            self._send(action, action_id, headers)
            async with asyncio.timeout(self._timeouts.answer_s):
                await response.done
        except TimeoutError:
            raise AmiError(f"{self._name}: no answer to {action} in time") from None
        finally:
            del self._responses[action_id]
        return response

    async def watch(self) -> None:
        """Ping until the connection is gone; a peer that says nothing to it is gone, too."""
        while not self._lost.done():
            await asyncio.wait([self._lost], timeout=self._timeouts.ping_every_s)
            silent_s = time.monotonic() - self._heard_at
            if silent_s >= self._timeouts.silent_s:
                self.drop(AmiError(f"{self._name}: silent for {silent_s:.0f} s"))
            elif not self._lost.done():
                # Nobody waits for the answer: that anything comes is enough.
                self._send("Ping", f"{self._token}-{next(self._numbers)}", {})

    async def leave(self) -> None:
        """Log off, wait a moment for the other side to hang up, and hang up."""
        if not self._lost.done():
            self._send("Logoff", f"{self._token}-{next(self._numbers)}", {})
            await asyncio.wait([self._lost], timeout=CLOSE_HANDSHAKE_S)
        self.drop(AmiError(f"{self._name}: closed"))

    def drop(self, error: AmiError) -> None:
        """End the connection, because of `error`: whoever waits for something gets it."""
        self._queue.end(error)
        waiting = [self._greeted, *(response.done for response in self._responses.values())]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # it need not interest anybody
        if not self._lost.done():
            self._lost.set_result(None)
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a stream

    def connection_lost(self, exc: Exception | None) -> None:
        why = type(exc).__name__ if exc else "the other side closed"
        self.drop(AmiError(f"{self._name}: {why}"))

    def data_received(self, data: bytes) -> None:
        if not self._greeted.done():
            data = self._after_greeting(self._rest + data)
        elif self._rest:
            data = self._rest + data
        *messages, self._rest = data.split(END)
        if len(self._rest) > MAX_MESSAGE:
            self.drop(AmiError(f"{self._name}: a message of more than {MAX_MESSAGE} bytes"))
        if not messages:
            return
        self._heard_at = time.monotonic()
        if self._token.encode() in data:
            messages = [raw for raw in messages if not self._answers_us(raw)]
        if messages:
            self._queue.put(messages, len(data) - len(self._rest))
        if any(closing_message in data for closing_message in CLOSING_MESSAGES):
            self._read_closing_message(messages)

    def _after_greeting(self, data: bytes) -> bytes:
        greeting, eol, rest = data.partition(b"\n")
        if eol and greeting.startswith(GREETING.encode()):
            self._greeted.set_result(None)
            return rest
        if eol or len(data) > MAX_GREETING:
            self.drop(AmiError(f"{self._name}: this is no {GREETING}"))
            return b""
        return data

    def _answers_us(self, raw: bytes) -> bool:
        """Whether a message belongs to an action of ours; then it goes there."""
        if self._token.encode() not in raw:
            return False
        message = parse_message(raw)
        response = self._responses.get(message.get("actionid", ""))
        # A response that nobody waits for any more is dropped; an event may tell something new.
        return response.takes(message) if response else "event" not in message

    def _read_closing_message(self, messages: list[bytes]) -> None:
        if any(raw.startswith(CLOSING_MESSAGES) for raw in messages):
            self.drop(AmiError(f"{self._name}: the switchboard says goodbye"))

    def _send(self, action: str, action_id: str, headers: Mapping[str, str]) -> None:
        if self._lost.done() or self._transport is None:
            raise self._queue.ended or AmiError(f"{self._name}: closed")
        self._transport.write(action_bytes(action, action_id, headers))


def _read(messages: list[bytes]) -> list[AmiMessage | Overflow]:
    """The events among `messages`; what cannot be read is one that is missing."""
    batch: list[AmiMessage | Overflow] = []
    for raw in messages:
        message = parse_message(raw)
        if "event" in message:
            batch.append(message)
        elif "response" not in message and raw.strip():
            batch.append(Overflow(1))
    return batch
