"""The other AMI client: pyst2 behind `types.Ami`, supervised (`AMI_CLIENT=pyst2`).

pyst2 waits without a limit, and its threads may end or hang silently. So each of its calls runs
in a thread with a deadline, and a watchdog pings; when one fails, the session is over
(UpstreamError) and its user reconnects. Its reader is replaced: it believes every message, and dies
of some. `docs/upstreams/asterisk.md` lists what it cannot do.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from typing import Final, TypeVar

from asterisk.manager import Manager, ManagerSocketException

from centralino.clients.event_queue import MAX_BYTES, EventQueue
from centralino.clients.genuine import Genuine, cut_off
from centralino.clients.messages import (
    END,
    MAX_GREETING,
    MAX_MESSAGE,
    action_bytes,
    parse_message,
)
from centralino.clients.session import GREETING, Timeouts, accepted, is_last, login_key
from centralino.types import AmiAddress, AmiMessage, Overflow
from core.lib.upstream import UpstreamError

CLOSE_HANDSHAKE_S: Final = 0.4
CHECK_EVERY_S: Final = 0.2  # whether its threads are alive
CHUNK_SIZE: Final = 64 * 1024  # bytes
T = TypeVar("T")


class Pyst2Ami:
    """A manager session as `centralino.types.Ami`. Threads may share it; one reads the events."""

    def __init__(
        self, address: AmiAddress, *, timeouts: Timeouts | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        """Connect and log in; up to `max_bytes` of events are buffered. Raises UpstreamError."""
        self._name = f"ami {address.host}:{address.port}"
        self._timeouts = timeouts or Timeouts()
        self._queue: EventQueue[AmiMessage | Overflow] = EventQueue(max_bytes)
        self._genuine = Genuine(self._name)
        self._one_at_a_time = threading.Lock()  # it returns responses in order, to any caller
        self._token = secrets.token_hex(6)
        self._numbers = count(1)
        self._lists: dict[str, _ItemList] = {}
        self._over = threading.Event()
        self._manager = _Manager(self._receive)
        try:
            self._log_in(address)
        except UpstreamError as exc:
            self._drop(exc)
            raise
        threading.Thread(target=self._watch, name=f"{self._name} watch", daemon=True).start()

    def __repr__(self) -> str:
        return f"<Pyst2Ami {self._name}>"

    @property
    def dropped(self) -> int:
        """Messages that Asterisk cannot have meant to send, so far: see `Genuine`."""
        return self._genuine.dropped

    def action(self, name: str, **headers: str) -> AmiMessage:
        """The response; UpstreamError on `Response: Error`, ValueError on a line break.

        pyst2 returns whatever response of ours comes next: one to an earlier action, or none in
        time, ends the session with UpstreamError.
        """
        return self._request(name, self._next_id(), headers)

    def listed(self, name: str, **headers: str) -> list[AmiMessage]:
        """The items of a list action (`CoreShowChannels`), without start and end. As `action`."""
        action_id = self._next_id()
        found = self._lists[action_id] = _ItemList()
        try:
            self._request(name, action_id, headers)
            if not found.complete.wait(self._timeouts.response_s):
                raise UpstreamError(f"{self._name}: no response to {name} in time")
            if self._queue.ended:
                raise self._queue.ended
            return found.items
        finally:
            del self._lists[action_id]

    def events(self, *, idle_s: float) -> Iterator[list[AmiMessage | Overflow] | None]:
        """Batches of events in the order they came; None when `idle_s` passed without one.

        Raises UpstreamError on any drop, and when a ping is not answered.
        """
        while True:
            chunk = self._queue.get(idle_s)
            if chunk is None:
                yield None
            elif isinstance(chunk, Overflow):
                yield [chunk]
            else:
                yield [*chunk]

    def close(self) -> None:
        """Log off and close, within a second; never raises."""
        closed = UpstreamError(f"{self._name}: closed")
        if not self._over.is_set():
            self._queue.end(closed)  # first: logging off may fail where others still use it
            action = {"Action": "Logoff", "ActionID": self._next_id()}
            with suppress(UpstreamError):
                self._within(CLOSE_HANDSHAKE_S, lambda: self._manager.send_action(action))
        self._drop(closed)

    def _log_in(self, address: AmiAddress) -> None:
        timeouts = self._timeouts
        self._within(
            timeouts.connect_s + timeouts.response_s,
            lambda: self._manager.connect(address.host, address.port),
        )
        if self._manager.title != GREETING:
            raise UpstreamError(f"{self._name}: this is no {GREETING}")
        challenge = self.action("Challenge", AuthType="MD5")
        key = login_key(challenge, address.secret)
        self.action("Login", AuthType="MD5", Username=address.user, Key=key, Events="on")

    def _request(
        self, name: str, action_id: str, headers: dict[str, str], *, within_s: float | None = None
    ) -> AmiMessage:
        action_bytes(name, action_id, headers)  # raises on a line break
        action = {"Action": name, "ActionID": action_id, **headers}
        with self._one_at_a_time:
            # Its default argument is one dict for all calls: never leave it out.
            response: AmiMessage = self._within(
                within_s or self._timeouts.response_s, lambda: self._manager.send_action(action)
            )
        if response.get("actionid") != action_id:
            error = UpstreamError(f"{self._name}: the response to {name} is another action's")
            self._drop(error)
            raise error
        return accepted(name, response)

    def _within(self, seconds: float, work: Callable[[], T]) -> T:
        """Run what may hang in a thread; after `seconds` abandon it and drop the session."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except Exception as exc:
                done.set_exception(exc)

        threading.Thread(target=run, name=f"{self._name} call", daemon=True).start()
        try:
            return done.result(seconds)
        except TimeoutError:
            error = UpstreamError(f"{self._name}: no response in time")
        except Exception as exc:  # of many kinds, where its socket is closed under it
            error = UpstreamError(f"{self._name}: {_reason(exc)}")
        self._drop(error)
        raise self._queue.ended or error

    def _receive(self, raw: bytes) -> None:
        """Handle a message; an exception here would silently end pyst2's thread."""
        try:
            if self._token.encode() in raw and self._is_reply(parse_message(raw)):
                return
            event = self._genuine.read(raw)
            if event is not None:
                self._queue.put([event], len(raw))
        except Exception as exc:
            self._drop(UpstreamError(f"{self._name}: {type(exc).__name__} in an event"))

    def _is_reply(self, message: AmiMessage) -> bool:
        """Whether a message belongs to an action of ours; if so it is added to its reply."""
        action_id = message.get("actionid", "")
        if not action_id.startswith(self._token):
            return False
        if "event" not in message:
            self._manager.respond(message)
            return True
        found = self._lists.get(action_id)
        return found.add(message) if found else "privilege" not in message

    def _watch(self) -> None:
        """End the session when pyst2 has lost it, or when a ping is not answered."""
        while not self._over.is_set():
            ping_at = time.monotonic() + self._timeouts.ping_every_s
            while time.monotonic() < ping_at and not self._over.wait(CHECK_EVERY_S):
                if not self._manager.is_well():
                    self._drop(UpstreamError(f"{self._name}: the other side closed"))
            if not self._over.is_set():
                with suppress(UpstreamError):  # the session is over then, and events() says why
                    self._request("Ping", self._next_id(), {}, within_s=self._timeouts.silent_s)

    def _drop(self, error: UpstreamError) -> None:
        self._queue.end(error)
        self._over.set()
        for found in list(self._lists.values()):
            found.complete.set()
        self._manager.abandon()

    def _next_id(self) -> str:
        return f"{self._token}-{next(self._numbers)}"


class _ItemList:
    """The items of a list action, as they arrive."""

    def __init__(self) -> None:
        self.items: list[AmiMessage] = []
        self.complete = threading.Event()

    def add(self, message: AmiMessage) -> bool:
        """Add an item; False when it was cut off."""
        if cut_off(message):
            return False
        if is_last(message):
            self.complete.set()
        else:
            self.items.append(message)
        return True


class _Manager(Manager):
    """pyst2's manager, which can also be dropped without waiting for it.

    `receive` gets every message; what answers its actions comes back through `respond`.
    """

    title: str | None  # what the first line says, once it has come

    def __init__(self, receive: Callable[[bytes], None]) -> None:
        super().__init__()
        self._receive = receive

    def __del__(self) -> None:
        """pyst2's own logs off, and waits for that, whenever Python collects garbage."""

    def is_well(self) -> bool:
        """False when the connection, or a thread of its own, is gone."""
        return bool(
            self.connected()
            and self.message_thread.is_alive()
            and self.event_dispatch_thread.is_alive()
        )

    def respond(self, message: AmiMessage) -> None:
        """Give it the response that `send_action` waits for."""
        self._response_queue.put(message)

    def _receive_data(self) -> None:
        """Read until the connection ends, in a thread of pyst2's: replaces its own."""
        rest = b""
        with suppress(OSError, ValueError, AttributeError):  # closed under it
            while len(rest) <= MAX_MESSAGE and (data := self._sock.read(CHUNK_SIZE)):
                rest = self._after_greeting(rest + data)
                if self.title is not None:
                    *messages, rest = rest.split(END)
                    for raw in messages:
                        self._receive(raw)
        self._connected.clear()
        for waiting in (self._message_queue, self._response_queue):
            waiting.put(None)

    def _after_greeting(self, data: bytes) -> bytes:
        """The stream behind the first line, which `connect` waits for."""
        if self.title is not None or not (b"\n" in data or len(data) > MAX_GREETING):
            return data
        greeting, _, rest = data.partition(b"\n")
        self.title = greeting.decode("latin-1").partition("/")[0].strip()
        self._response_queue.put(greeting)
        return rest

    def abandon(self) -> None:
        """Release the socket and every thread that waits inside; never raises."""
        self._running.clear()
        self._connected.clear()
        if self._sock is not None:
            with suppress(OSError, AttributeError, ValueError):
                # Its reader blocks in a system call that only this ends.
                self._sock._sock.shutdown(socket.SHUT_RDWR)
        for waiting in (self._message_queue, self._response_queue, self._event_queue):
            waiting.put(None)


def _reason(exc: Exception) -> str:
    if isinstance(exc, ManagerSocketException) and exc.args:
        return str(exc.args[-1] or "the other side closed")
    return type(exc).__name__
