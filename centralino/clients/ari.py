"""ARI over HTTP and WebSocket, behind `types.Ari`; everything is bounded in time and size."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson

from centralino.types import ChannelGone, Superseded
from core.lib.upstream import UpstreamError

RESPONSE_S: Final = 5.0
PING_S: Final = 8.0  # no pong within half of it: the peer is frozen
MAX_EVENT: Final = 1024 * 1024  # bytes
MAX_RESPONSE: Final = 16 * 1024 * 1024
REPLACED: Final = "ApplicationReplaced"


class HttpAri:
    """An ARI application at `url` (`http://host:8088/ari`); use it as an async context manager.

    User and password go in a header: no URL, error or log shows them.
    """

    def __init__(self, url: str, *, user: str, password: str, app: str) -> None:
        self._url, self._app = url.rstrip("/"), app
        self._login = {"Authorization": aiohttp.encode_basic_auth(user, password)}

    async def __aenter__(self) -> HttpAri:
        self._session = aiohttp.ClientSession(
            headers=self._login,
            timeout=aiohttp.ClientTimeout(total=RESPONSE_S),
            connector=aiohttp.TCPConnector(limit=64),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def channels(self) -> list[dict[str, Any]]:
        """Every channel of the PBX, as ARI has it."""
        return await self._list("/channels")

    async def endpoints(self) -> list[dict[str, Any]]:
        """Every endpoint with its state."""
        return await self._list("/endpoints")

    async def proceed(self, channel_id: str, *, context: str, exten: str, priority: int) -> None:
        """Let the channel leave Stasis and go on in the dialplan."""
        where = {"context": context, "extension": exten, "priority": str(priority)}
        await self._request("POST", f"/channels/{quote(channel_id, safe='')}/continue", where)

    async def hang_up(self, channel_id: str, *, reason: str) -> None:
        """End the channel; `reason` as ARI knows it: normal, busy, congestion, no_answer."""
        await self._request("DELETE", f"/channels/{quote(channel_id, safe='')}", {"reason": reason})

    async def play(self, channel_id: str, media: str, *, playback_id: str) -> None:
        """Begin to play `media` (`sound:...`); `PlaybackFinished` follows at its end."""
        path = f"/channels/{quote(channel_id, safe='')}/play/{quote(playback_id, safe='')}"
        await self._request("POST", path, {"media": media})

    async def variable(self, channel_id: str, name: str) -> str:
        """A variable of the channel, or what a function of the dialplan gives for it."""
        path = f"/channels/{quote(channel_id, safe='')}/variable"
        response = await self._request("GET", path, {"variable": name})
        return str(response.get("value") or "") if isinstance(response, dict) else ""

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The application's events from now on; UpstreamError when they stop, for any cause."""
        try:
            async with self._session.ws_connect(
                f"{self._url}/events",
                params={"app": self._app, "subscribeAll": "true"},
                heartbeat=PING_S,
                max_msg_size=MAX_EVENT,
                timeout=aiohttp.ClientWSTimeout(ws_close=1),
            ) as socket:
                yield self._read(socket)
        except (aiohttp.ClientError, OSError) as exc:
            raise _error("events", exc) from None

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[dict[str, Any]]:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                event = orjson.loads(message.data)
            except orjson.JSONDecodeError:
                raise UpstreamError("ari events: not JSON") from None
            if not isinstance(event, dict):
                raise UpstreamError("ari events: not an object")
            yield event
            if event.get("type") == REPLACED:
                raise Superseded("ari events: another monitor has taken over")
        raise UpstreamError("ari events: the connection is lost")

    async def _list(self, path: str) -> list[dict[str, Any]]:
        response = await self._request("GET", path, {})
        if not isinstance(response, list) or not all(isinstance(item, dict) for item in response):
            raise UpstreamError(f"ari {path}: not a list of objects")
        return response

    async def _request(self, method: str, path: str, params: dict[str, str]) -> Any:
        try:
            async with self._session.request(
                method, self._url + path, params=params, allow_redirects=False
            ) as response:
                body = await response.content.read(MAX_RESPONSE)
                status = response.status
        except (aiohttp.ClientError, OSError) as exc:
            raise _error(f"{method} {path}", exc) from None
        if not 200 <= status < 300:
            error: type[UpstreamError] = ChannelGone if status in (404, 409) else UpstreamError
            raise error(f"ari {method} {path}: HTTP {status}")
        try:
            return orjson.loads(body) if body else None
        except orjson.JSONDecodeError:
            raise UpstreamError(f"ari {method} {path}: not JSON") from None


def _error(what: str, exc: Exception) -> UpstreamError:
    """The failure as UpstreamError, without the address' query or any header."""
    if isinstance(exc, aiohttp.WSServerHandshakeError):
        return UpstreamError(f"ari {what}: HTTP {exc.status}")
    if isinstance(exc, TimeoutError):
        return UpstreamError(f"ari {what}: no response in time")
    if isinstance(exc, aiohttp.ClientConnectorError):
        return UpstreamError(f"ari {what}: no connection")
    return UpstreamError(f"ari {what}: {type(exc).__name__}")
