"""The sockets' front door: who asks and for what is checked here, then the hub has the socket."""

from __future__ import annotations

from typing import Any, ClassVar, Final, NamedTuple
from urllib.parse import parse_qs

import orjson
from channels.consumer import AsyncConsumer

from core.auth.types import Refused
from core.realtime import transport
from core.sockets import socket_count
from core.sockets.authentication import authenticate
from core.sockets.client import Client, close_with_reason
from core.sockets.hub import get_hub

BAD_PARAMETERS: Final = 4400
NO_SUCH_SOCKET: Final = 4404
SERVICE_TYPES: Final = frozenset({"system", "heartbeat", "resync", "error", "pong"})  # always sent
MAX_SEQ: Final = 2**53
MAX_MESSAGE: Final = 1_024  # characters of a client's message that we read at all


class EventConsumer(AsyncConsumer):
    """A socket that gets the events of its `audience`.

    Channels' own message loop is not used: it holds a queue of the channel layer for every socket
    and closes old database connections around every message, and all that a client may say to us is
    "ping".
    """

    address: ClassVar[str] = ""
    audience: ClassVar[frozenset[str]] = frozenset()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: transport.Send) -> None:
        """Accept, let in or refuse with a reason (browsers show no refused handshake), serve."""
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        send = transport.cut_when_stuck(send)
        hub = get_hub()
        try:
            request = wanted(scope.get("query_string", b""), self.audience)
            caller = await authenticate(scope)
            with socket_count.counted(self.address):  # before the greeting: who has that is counted
                client = await hub.join(send, caller, *request)
                try:
                    await _listen(receive, client)
                finally:
                    hub.leave(client)
        except Refused as refusal:
            await close_with_reason(send, refusal.code, refusal.detail)


class GatewaySocket(EventConsumer):
    """/ws: calls, rebates, viewers and PBX events."""

    address = "/ws"
    audience = frozenset(
        {
            "call_event_realtime",
            "rebates_updated",
            "webtv_update",
            "webtv_alert",
            "asterisk_event",
            "autobot_status",
            "lotto_draw_saved",
            "lotto_corrected",
        }
    )


class SwitchboardSocket(EventConsumer):
    """/jpbx-ws: what ARI says, and how callers were screened."""

    address = "/jpbx-ws"
    audience = frozenset(
        {"ari_event", "call_passed", "call_blocked", "blacklist_added", "blacklist_removed"}
    )


class UnknownSocket(AsyncConsumer):
    """Any path that is no socket of ours."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: transport.Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await close_with_reason(send, NO_SUCH_SOCKET, "No such socket: connect to /ws")


class Request(NamedTuple):
    """What a client asks for in its query string."""

    types: frozenset[str]
    since: int | None
    epoch: str | None


def wanted(query_string: bytes, audience: frozenset[str]) -> Request:
    """?types= (comma separated), ?since= (seq), ?epoch=; all optional. Raises Refused 4400."""
    query = parse_qs(query_string.decode("latin-1"))
    types = {name for value in query.get("types", []) for name in value.split(",") if name}
    if unknown := types - audience - SERVICE_TYPES:
        raise Refused(BAD_PARAMETERS, f"Unknown types: {', '.join(sorted(unknown))[:80]}")
    return Request(
        frozenset(types & audience) if types else audience, _since(query), _one(query, "epoch")
    )


def _since(query: dict[str, list[str]]) -> int | None:
    since = _one(query, "since")
    if since is None:
        return None
    if not (since.isascii() and since.isdigit() and len(since) <= 16 and int(since) <= MAX_SEQ):
        raise Refused(BAD_PARAMETERS, "since must be the seq of an event")
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
