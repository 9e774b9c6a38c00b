"""ARI in front of the invented switchboard: an application decides about every caller.

Protocol: `docs/upstreams/asterisk.md`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import encode_basic_auth, web

from sandbox.app import Upstream, json_response
from sandbox.faults import Handler
from sandbox.switchboard import PHONES, TRUNK, Headers, Switchboard

PREFIX: Final = "/ari"
GIVE_UP_S: Final = 10.0  # then an undecided caller goes on, as the dialplan says
ONLINE: Final = frozenset({"103", "104", "105"})


class AriServer:
    """Serves one user and one application; everything happens in one event loop."""

    def __init__(
        self,
        switchboard: Switchboard,
        *,
        user: str,
        password: str,
        clock: Callable[[], float] = time.time,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        self.switchboard, self.clock, self._give_up_s = switchboard, clock, give_up_s
        self._auth = encode_basic_auth(user, password)
        self.queue: asyncio.Queue[str] | None = None  # of the connected application
        self._transports: set[asyncio.Transport] = set()
        self.application = ""
        self.presentation = "allowed_not_screened"  # of every caller's number
        self.waiting: dict[str, asyncio.Future[str]] = {}  # callers in Stasis: why refused, or ""
        switchboard.listeners.add(self._on_event)
        switchboard.screen_call = self._ask_application

    def upstream(self) -> Upstream:
        """ARI, for `sandbox.app.build_app`."""
        app = web.Application(middlewares=[self._authenticated])
        app.add_routes(
            [
                web.get("/events", self._events, name="ari.events"),
                web.get("/channels", self._channels, name="ari.channels"),
                web.get("/endpoints", self._endpoints, name="ari.endpoints"),
                web.post("/channels/{id}/continue", self._continue, name="ari.proceed"),
                web.post("/channels/{id}/play/{playback}", self._play, name="ari.play"),
                web.get("/channels/{id}/variable", self._variable, name="ari.variable"),
                web.delete("/channels/{id}", self._hang_up, name="ari.hang_up"),
            ]
        )
        return Upstream("ari", PREFIX, app)

    def send_event(self, kind: str, **fields: Any) -> None:
        """Send an event to the application, if one listens."""
        at = _time(self.clock())
        event = {"type": kind, "timestamp": at, **fields, "application": self.application}
        if self.queue is not None:
            self.queue.put_nowait(orjson.dumps(event).decode())

    def cut(self) -> None:
        """Drop the application's connection without a close handshake."""
        for transport in self._transports:
            transport.abort()

    async def _ask_application(self, arrival: Headers) -> str:
        """Let the application decide about a caller; without one the caller goes on."""
        if self.queue is None:
            return ""
        uniqueid = arrival["Uniqueid"]
        decision = self.waiting[uniqueid] = asyncio.get_running_loop().create_future()
        channel = self._channel(arrival)
        self.send_event("StasisStart", args=[arrival["Exten"]], channel=channel)
        try:
            async with asyncio.timeout(self._give_up_s):
                return await decision
        except TimeoutError:
            return ""
        finally:
            self.waiting.pop(uniqueid, None)
            self.send_event("StasisEnd", channel=channel)

    def _on_event(self, what: Headers) -> None:
        kinds = {
            "Newchannel": "ChannelCreated",
            "Newstate": "ChannelStateChange",
            "Hangup": "ChannelDestroyed",
        }
        if what["Event"] in kinds:
            self.send_event(kinds[what["Event"]], channel=self._channel(what))
        elif what["Event"] == "DialEnd":
            caller = self._channel(what)
            self.send_event("Dial", dialstatus=what["DialStatus"], caller=caller)

    def _channel(self, headers: Headers) -> dict[str, Any]:
        uniqueid = headers["Uniqueid"]
        since = self.switchboard.channels.get(uniqueid, (self.clock(), headers))[0]
        in_stasis = uniqueid in self.waiting
        is_caller = headers["Channel"].startswith(TRUNK)
        application = "Stasis" if in_stasis else "Dial" if is_caller else "AppDial"
        number = headers["CallerIDNum"]
        return {
            "id": uniqueid,
            "name": headers["Channel"],
            "state": headers["ChannelStateDesc"],
            "caller": {"name": "", "number": "" if number == "<unknown>" else number},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {
                "context": headers["Context"],
                "exten": headers["Exten"],
                "priority": 1,
                "app_name": application,
                "app_data": f"{self.application},{headers['Exten']}" if in_stasis else "",
            },
            "creationtime": _time(since),
            "language": "it",
        }

    @web.middleware
    async def _authenticated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != self._auth:
            return json_response({"error": "Unauthorized"}, status=401)
        return await handler(request)

    async def _events(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        self.send_event("ApplicationReplaced")
        queue = self.queue = asyncio.Queue()
        self.application = request.query.get("app", "")
        sending = asyncio.create_task(_send(socket, queue))
        if (transport := request.transport) is not None:
            self._transports.add(transport)
        try:
            async for _ in socket:  # applications send nothing here
                continue
        finally:
            sending.cancel()
            self._transports.discard(transport)
            if self.queue is queue:
                self.queue = None
        return socket

    async def _channels(self, request: web.Request) -> web.Response:
        return json_response(
            [self._channel(what) for _, what in self.switchboard.channels.values()]
        )

    async def _endpoints(self, request: web.Request) -> web.Response:
        trunk = {"technology": "PJSIP", "resource": TRUNK.partition("/")[2], "state": "online"}
        phones = [
            {
                "technology": "PJSIP",
                "resource": phone,
                "state": "online" if phone in ONLINE else "offline",
            }
            for phone in reversed(PHONES)
        ]
        return json_response([{**endpoint, "channel_ids": []} for endpoint in (*phones, trunk)])

    async def _variable(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in self.switchboard.channels:
            return json_response({"message": "Channel not found"}, status=404)
        is_known = request.query.get("variable") == "CALLERID(num-pres)"
        return json_response({"value": self.presentation if is_known else ""})

    async def _continue(self, request: web.Request) -> web.Response:
        return self._decide(request, "")

    async def _hang_up(self, request: web.Request) -> web.Response:
        return self._decide(request, request.query.get("reason", "normal"))

    async def _play(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in self.waiting:
            return json_response({"message": "Channel not in Stasis application"}, status=409)
        playback = {
            "id": request.match_info["playback"],
            "media_uri": request.query.get("media", ""),
            "target_uri": f"channel:{request.match_info['id']}",
        }
        asyncio.get_running_loop().call_later(
            0.05,
            lambda: self.send_event("PlaybackFinished", playback={**playback, "state": "done"}),
        )
        return json_response({**playback, "state": "queued"}, status=201)

    def _decide(self, request: web.Request, why: str) -> web.Response:
        decision = self.waiting.get(request.match_info["id"])
        if decision is None or decision.done():
            return json_response({"message": "Channel not found"}, status=404)
        decision.set_result(why)
        return web.Response(status=204)


async def _send(socket: web.WebSocketResponse, queue: asyncio.Queue[str]) -> None:
    while not socket.closed:
        await socket.send_str(await queue.get())


def _time(epoch: float) -> str:
    at = datetime.fromtimestamp(epoch, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
