"""The sockets' front door: who asks and for what is checked here, then the hub has the socket."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import orjson
from channels.consumer import AsyncConsumer

from core.auth.types import SocketRefused
from core.realtime import transport
from core.realtime.events import types_on
from core.sockets import socket_count
from core.sockets.authentication import authenticate
from core.sockets.client import Client, close_with_reason
from core.sockets.hub import get_hub

BAD_PARAMETERS: Final = 4400
NO_SUCH_SOCKET: Final = 4404
SERVICE_TYPES: Final = types_on("")
MAX_SEQ: Final = 2**53
MAX_MESSAGE: Final = 1_024  # characters of a client's message that we read at all


class EventConsumer(AsyncConsumer):
    """The socket at `address`, which gets the events that name it.

    Channels' own message loop is not used: it holds a queue of the channel layer for every socket
    and closes old database connections around every message, and all that a client may say to us is
    "ping".
    """

    def __init__(self, address: str) -> None:
        self.address = address

    async def __call__(self, scope: dict[str, Any], receive: Any, send: transport.Send) -> None:
        """Accept, let in or refuse with a reason (browsers show no refused handshake), serve."""
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        send = transport.cut_when_stuck(send)
        hub = get_hub()
        try:
            request = wanted(scope.get("query_string", b""), types_on(self.address))
            caller = await authenticate(scope)
            with socket_count.counted(self.address):  # before the greeting: who has that is counted
                client = await hub.join(send, caller, *request)
                try:
                    await _listen(receive, client)
                finally:
                    hub.leave(client)
        except SocketRefused as refusal:
            await close_with_reason(send, refusal.code, refusal.detail)


class UnknownSocket(AsyncConsumer):
    """Any path that is no socket of ours."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: transport.Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await close_with_reason(send, NO_SUCH_SOCKET, "No such socket: connect to /ws")


class SocketRequest(NamedTuple):
    """What a client asks for in its query string."""

    types: frozenset[str]
    since: int | None
    epoch: str | None


def wanted(query_string: bytes, offered: frozenset[str]) -> SocketRequest:
    """?types= (comma separated), ?since= (seq), ?epoch=; all optional. Raises Refused 4400."""
    query = parse_qs(query_string.decode("latin-1"))
    types = {name for value in query.get("types", []) for name in value.split(",") if name}
    if unknown := types - offered - SERVICE_TYPES:
        raise SocketRefused(BAD_PARAMETERS, f"Unknown types: {', '.join(sorted(unknown))[:80]}")
    return SocketRequest(
        frozenset(types & offered) if types else offered, _since(query), _one(query, "epoch")
    )


def _since(query: dict[str, list[str]]) -> int | None:
    since = _one(query, "since")
    if since is None:
        return None
    if not (since.isascii() and since.isdigit() and len(since) <= 16 and int(since) <= MAX_SEQ):
        raise SocketRefused(BAD_PARAMETERS, "since must be the seq of an event")
    return int(since)


def _one(query: dict[str, list[str]], name: str) -> str | None:
    return query[name][-1] if name in query else None


async def _listen(receive: Any, client: Client) -> None:
    """Answer pings and ignore the rest, until the client is gone."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if _is_ping(message.get("text")):
            client.owe("pong")


def _is_ping(text: str | None) -> bool:
    if not text or len(text) > MAX_MESSAGE:
        return False
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(said, dict) and said.get("type") == "ping"
