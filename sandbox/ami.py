"""An Asterisk manager (AMI) in front of an invented switchboard, and every way it can fail.

Protocol: `docs/upstreams/asterisk.md`.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from sandbox.switchboard import Headers, Switchboard

BANNER: Final = "Asterisk Call Manager/5.0.4"
BOOTED: Final = {"Event": "FullyBooted", "Privilege": "system,all", "Status": "Fully Booted"}
LOGGED_OFF: Final = "Goodbye"  # Asterisk's own word
MAX_BEHIND: Final = 64 * 1024 * 1024  # bytes; a client that does not read is disconnected
# What may go wrong, by name, in `AmiServer.faults`:
FAULTS: Final = {
    "hang_up": "the connection is accepted and closed, as a tunnel does when Asterisk is down",
    "no_banner": "the connection is accepted, and nothing is sent",
    "wrong_banner": "something else listens here",
    "hang_at_login": "a login gets no response",
    "frozen": "nothing is sent any more, but the connection stays open",
    "stray_answer": "every response comes after one to an action that nobody sent",
    "out_of_order": "every second response comes before the first",
}


class AmiServer:
    """Serves sessions of one manager user; everything happens in one event loop."""

    def __init__(
        self,
        switchboard: Switchboard,
        *,
        user: str,
        secret: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.switchboard, self.user, self.secret, self.clock = switchboard, user, secret, clock
        self.faults: set[str] = set()
        self.sessions: set[_Session] = set()  # those that are logged in
        self.open: set[asyncio.StreamWriter] = set()
        switchboard.listeners.add(self._write_event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for `asyncio.start_server`."""
        self.open.add(writer)
        session = _Session(self, writer)
        try:
            # When the loop ends: Python 3.11 logs a cancelled connection as an error.
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await session.run(reader)
        finally:
            self.sessions.discard(session)
            self.open.discard(writer)
            writer.close()

    def send_raw(self, raw: bytes) -> None:
        """Send bytes as they are to every session that is logged in."""
        for session in list(self.sessions):
            session.send(raw)

    def drop(self) -> None:
        """Cut every connection without a closing message."""
        for writer in list(self.open):
            writer.transport.abort()

    def shut_down(self) -> None:
        """Announce the shutdown and close, as a clean stop of Asterisk does."""
        self.send_raw(
            encoded({"Event": "Shutdown", "Privilege": "system,all", "Shutdown": "Cleanly"})
        )
        for writer in list(self.open):
            writer.close()

    def _write_event(self, what: Headers) -> None:
        self.send_raw(encoded(what))


class _Session:
    def __init__(self, server: AmiServer, writer: asyncio.StreamWriter) -> None:
        self._server, self._writer = server, writer
        self._challenge = ""
        self._held: bytes | None = None  # a response that waits for the next one

    async def run(self, reader: asyncio.StreamReader) -> None:
        faults = self._server.faults
        if "hang_up" in faults:
            return
        if "no_banner" not in faults:
            banner = "HTTP/1.1 400 Bad Request" if "wrong_banner" in faults else BANNER
            self.send(f"{banner}\r\n".encode())
        while action := decoded(await reader.readuntil(b"\r\n\r\n")):
            if self._handle(action) == LOGGED_OFF:
                return

    def send(self, raw: bytes) -> None:
        """Queue bytes, unless frozen; a client too far behind is cut off."""
        if "frozen" in self._server.faults or self._writer.is_closing():
            return
        self._writer.write(raw)
        if self._writer.transport.get_write_buffer_size() > MAX_BEHIND:
            self._writer.transport.abort()

    def _handle(self, action: Headers) -> str:
        """Respond to an action; returns the kind of response."""
        name, action_id = action.get("action", "").lower(), action.get("actionid", "")
        if name == "login" and "hang_at_login" in self._server.faults:
            return ""
        fields, events = self._reply(name, action)
        mine = {"ActionID": action_id} if action_id else {}
        response = encoded({"Response": fields.pop("Response"), **mine, **fields})
        kind = response.split(b"\r\n", 1)[0].decode().removeprefix("Response: ")
        for item in events:
            response += encoded({"Event": item["Event"], **mine, **item})
        self._send_response(response)
        if name == "login" and kind == "Success":
            self._server.sessions.add(self)
            self.send(encoded(BOOTED))
        return kind

    def _send_response(self, response: bytes) -> None:
        faults = self._server.faults
        if "stray_answer" in faults:
            response = encoded({"Response": "Success", "ActionID": "not-yours"}) + response
        if "out_of_order" in faults:
            self._held, response = (
                (response, b"") if self._held is None else (None, response + self._held)
            )
        self.send(response)

    def _reply(self, name: str, action: Headers) -> tuple[Headers, list[Headers]]:
        """The response to an action, and the events that belong to it."""
        if name == "challenge":
            self._challenge = str(secrets.randbelow(10**9))
            return {"Response": "Success", "Challenge": self._challenge}, []
        if name == "login":
            if self._knows(action):
                return {"Response": "Success", "Message": "Authentication accepted"}, []
            return {"Response": "Error", "Message": "Authentication failed"}, []
        if name == "logoff":
            return {"Response": LOGGED_OFF, "Message": "Thanks for all the fish."}, []
        if self not in self._server.sessions:
            return {"Response": "Error", "Message": "Permission denied"}, []
        if name == "ping":
            now = f"{self._server.clock():.6f}"
            return {"Response": "Success", "Ping": "Pong", "Timestamp": now}, []
        if name == "coreshowchannels":
            return self._channels()
        return {"Response": "Error", "Message": "Invalid/unknown command"}, []

    def _channels(self) -> tuple[Headers, list[Headers]]:
        items = self._server.switchboard.listed(now=self._server.clock())
        end = {
            "Event": "CoreShowChannelsComplete",
            "EventList": "Complete",
            "ListItems": str(len(items)),
        }
        head = {
            "Response": "Success",
            "EventList": "start",
            "Message": "Channels will follow",
        }
        return head, [*items, end]

    def _knows(self, action: Headers) -> bool:
        server = self._server
        key = hashlib.md5((self._challenge + server.secret).encode()).hexdigest()
        by_key = bool(self._challenge) and action.get("key") == key
        return action.get("username") == server.user and (
            by_key or action.get("secret") == server.secret
        )


def encoded(headers: Mapping[str, str]) -> bytes:
    """A message as AMI writes it."""
    return ("".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode()


def decoded(raw: bytes) -> Headers:
    """An action's headers by lower-case name."""
    lines = (line.partition(":") for line in raw.decode("utf-8", "replace").split("\r\n"))
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}
