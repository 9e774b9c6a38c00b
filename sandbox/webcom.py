"""The sandbox's carrier: WebCom TLC by `docs/upstreams/webcom.md`, and its controls."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import re
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final

import orjson
from aiohttp import web

from sandbox import ROME
from sandbox.app import Upstream, json_body, json_response
from sandbox.faults import ERROR_CODES, Handler
from sandbox.ledger import CursorGone, Ledger
from sandbox.push import PushStream, WebhookSender
from sandbox.traffic import HOUR_S, OPERATORS

PREFIX: Final = "/webcom/v1"
LINES_PER_PAGE: Final = 40
CALLS_PER_PAGE: Final = 500
FEED_LIMIT: Final = 1_000
TICK_S: Final = 0.5  # the longest sleep; changes are pushed when they are due
MAX_CONCURRENT: Final = 1_000


class WebcomServer:
    """One carrier: a ledger, the routes that serve it, and the push of its changes."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        token: str,
        stream: PushStream,
        webhook: WebhookSender | None = None,
        clock: Callable[[], float] = time.time,
        ticking: bool = True,
    ) -> None:
        """Without `token` any is accepted; without `ticking` time passes only by `catch_up`."""
        self.ledger, self.stream = ledger, stream
        self._token, self._webhook, self._clock, self._ticking = token, webhook, clock, ticking
        self._rebates_hour = clock() // HOUR_S

    def upstream(self) -> Upstream:
        """What `sandbox.app.build_app` needs."""
        return Upstream(
            name="webcom",
            prefix=PREFIX,
            app=self._app(),
            controls=[
                web.post("/_sandbox/calls", self._place_calls),
                web.post("/_sandbox/lines", self._rename_line),
                web.post("/_sandbox/stream", self._disturb_stream),
            ],
            help={
                "POST /_sandbox/calls": 'place calls: {"line": "Sickprod90TLW", '
                '"caller": "331234567", "operator": "TIM", "ring_s": 3, "talk_s": 60, "count": 1}, '
                "all optional",
                "POST /_sandbox/lines": 'name a line: {"line": "Sickprod90TLW", '
                '"name": "Reception"}',
                "POST /_sandbox/stream": "disturb the push: "
                '{"kind": "drop" | "close" | "silence" | "speak"} '
                'or send a frame as it is: {"kind": "frame", "frame": "..."}',
            },
        )

    def catch_up(self) -> None:
        """Apply every change that is due by the clock, and push it."""
        now = self._clock()
        for call in self.ledger.advance(now):
            self._push("call", call)
        if now // HOUR_S > self._rebates_hour:
            self._rebates_hour = now // HOUR_S
            self._push("rebates", self.ledger.rebates(_month(now), now))

    def _push(self, kind: str, body: Any) -> None:
        message = {"type": kind, kind: body}
        self.stream.broadcast(orjson.dumps(message).decode())
        if self._webhook:
            self._webhook.enqueue(message)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._errors, self._authenticated])
        app.add_routes(
            [
                web.get("/lines", self._lines, name="webcom.lines"),
                web.get("/calls/active", self._active, name="webcom.active"),
                web.get("/calls/{id}", self._call, name="webcom.call"),
                web.get("/calls", self._feed, name="webcom.calls"),
                web.get("/rebates", self._rebates, name="webcom.rebates"),
                web.get("/stream", self.stream.serve, name="webcom.stream"),
            ]
        )
        app.on_shutdown.append(lambda _: self.stream.close())
        app.cleanup_ctx.append(self._background)
        return app

    async def _background(self, _: web.Application) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._tick())] if self._ticking else []
        if self._webhook:
            tasks.append(asyncio.create_task(self._webhook.run()))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            self.catch_up()
            due_s = self.ledger.next_change_at - self._clock()
            await asyncio.sleep(min(max(due_s, 0.005), TICK_S))

    @web.middleware
    async def _errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as exc:
            return _error(exc.status, exc.text or exc.reason)

    @web.middleware
    async def _authenticated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        presented = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._token and not hmac.compare_digest(presented.encode(), self._token.encode()):
            raise web.HTTPUnauthorized(text="The token is missing or wrong")
        return await handler(request)

    async def _lines(self, request: web.Request) -> web.Response:
        return _paged("lines", self.ledger.lines(), request, LINES_PER_PAGE)

    async def _active(self, request: web.Request) -> web.Response:
        return _paged("calls", self.ledger.active(), request, CALLS_PER_PAGE)

    async def _call(self, request: web.Request) -> web.Response:
        call = self.ledger.call(request.match_info["id"])
        if call is None:
            raise web.HTTPNotFound(text="No such call")
        return json_response(call)

    async def _feed(self, request: web.Request) -> web.Response:
        try:
            page = self.ledger.page(
                cursor=request.query.get("cursor", ""),
                since=_number(request, "since", 0),
                limit=min(max(_number(request, "limit", CALLS_PER_PAGE), 1), FEED_LIMIT),
            )
        except CursorGone:
            raise web.HTTPGone(
                text="The cursor is too old or unknown; start again with `since`"
            ) from None
        return json_response(page._asdict())

    async def _rebates(self, request: web.Request) -> web.Response:
        now = self._clock()
        month = request.query.get("month", _month(now))
        if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", month):
            raise web.HTTPBadRequest(text="`month` must be YYYY-MM")
        found = self.ledger.rebates(month, now)
        if found is None:
            raise web.HTTPNotFound(text="This month has not begun")
        return json_response(found)

    async def _place_calls(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        try:
            plans = [
                self._place_call(body)
                for _ in range(min(max(int(body.get("count", 1)), 1), MAX_CONCURRENT))
            ]
        except KeyError:
            raise web.HTTPBadRequest(text="No such line") from None
        except (TypeError, ValueError) as exc:
            raise web.HTTPBadRequest(text=str(exc)) from None
        self.catch_up()
        return json_response({"placed": [plan.call_id for plan in plans]}, status=201)

    def _place_call(self, body: dict[str, Any]) -> Any:
        return self.ledger.place_call(
            now=self._clock(),
            line_id=str(body.get("line") or self.ledger.lines()[0]["lineId"]),
            caller=str(body.get("caller", "")),
            operator=str(body.get("operator", next(iter(OPERATORS)))),
            ring_s=max(float(body.get("ring_s", 3)), 0.1),
            talk_s=min(max(int(body.get("talk_s", 60)), 1), 86_400),
        )

    async def _rename_line(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        try:
            line = self.ledger.rename_line(str(body.get("line")), body.get("name"))
        except KeyError:
            raise web.HTTPBadRequest(text="No such line") from None
        self._push("line", line)
        return json_response(line)

    async def _disturb_stream(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        match body.get("kind"):
            case "drop":
                self.stream.drop()
            case "close":
                await self.stream.close()
            case "silence" | "speak" as kind:
                self.stream.silent = kind == "silence"
            case "frame":
                self.stream.broadcast(str(body.get("frame", "")))
            case _:
                raise web.HTTPBadRequest(text="`kind` must be drop, close, silence, speak or frame")
        return json_response({"clients": self.stream.clients})


def _paged(name: str, items: list[Any], request: web.Request, size: int) -> web.Response:
    start = 0
    if token := request.query.get("page"):
        with contextlib.suppress(binascii.Error, ValueError):
            start = int(base64.urlsafe_b64decode(token))
        if not 0 < start <= len(items):
            raise web.HTTPBadRequest(text="`page` is not one of our tokens")
    end = start + size
    token = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None
    return json_response({name: items[start:end], "next": token})


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not re.fullmatch(r"\d{1,12}", text):
        raise web.HTTPBadRequest(text=f"`{name}` must be a whole number")
    return int(text)


def _error(status: int, message: str) -> web.Response:
    return json_response(
        {"error": {"code": ERROR_CODES.get(status, "error"), "message": message}}, status=status
    )


def _month(now: float) -> str:
    return f"{datetime.fromtimestamp(now, ROME):%Y-%m}"
