"""Injectable faults: upstream failures on demand, per route, as aiohttp middleware.

A test or a person arms a fault (`POST /_sandbox/faults`); the next requests of that route meet it.
"""

from __future__ import annotations

import asyncio
import gzip
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson
from aiohttp import web

ANY_ROUTE: Final = "*"
HANG_S: Final = 3600.0
BOMB_BYTES: Final = 64 * 1024 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Fault:
    """One armed fault. `times` requests meet it (0: all, until cleared); the rest is the kind's.

    `delay_s` waits or is the pause between bytes, `status` and `body` replace the response's,
    `retry_after` becomes the header.
    """

    kind: str
    route: str = ANY_ROUTE
    times: int = 1
    delay_s: float = 0.0
    status: int = 200
    body: str = ""
    retry_after: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")


class Faults:
    """The armed faults, oldest first."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def arm(self, kind: str, route: str = ANY_ROUTE, **options: Any) -> Fault:
        """Arm a fault; options as in `Fault`.

        ValueError: no such kind; TypeError: no such option.
        """
        fault = Fault(kind, route, **options)
        self._armed.append(fault)
        return fault

    def clear(self) -> None:
        self._armed.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._armed]

    def consume(self, route: str | None) -> Fault | None:
        """The fault that the next request of `route` meets, counted down."""
        for fault in self._armed:
            if fault.route in (ANY_ROUTE, route):
                if fault.times == 1:
                    self._armed.remove(fault)
                fault.times -= fault.times > 1
                return fault
        return None


def middleware(faults: Faults, *, spared: str) -> Any:
    """aiohttp middleware: requests meet `faults`; paths that start with `spared` never do."""

    @web.middleware
    async def faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(spared):
            return await handler(request)
        fault = faults.consume(request.match_info.route.name)
        return await (KINDS[fault.kind](request, handler, fault) if fault else handler(request))

    return faulty


async def _down(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """The connection is cut without a response."""
    _cut(request)
    return web.Response()


async def _slow(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """The right response, `delay_s` late."""
    await asyncio.sleep(fault.delay_s)
    return await handler(request)


async def _hang(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """Half of the right response, then silence."""
    response, body = await _begun(request, handler)
    await response.write(body[: len(body) // 2])
    await asyncio.sleep(fault.delay_s or HANG_S)
    return response


async def _half(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """Half of the right response, then the connection is cut."""
    response, body = await _begun(request, handler)
    await response.write(body[: len(body) // 2])
    _cut(request, abruptly=False)
    return response


async def _truncated(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """A complete HTTP response whose JSON ends in the middle."""
    body = _body(await handler(request))
    return web.Response(body=body[: len(body) // 2], content_type="application/json")


async def _drip(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """The right response, byte by byte with `delay_s` in between."""
    response, body = await _begun(request, handler)
    for position in range(len(body)):
        await response.write(body[position : position + 1])
        await asyncio.sleep(fault.delay_s)
    return response


async def _drip_head(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """Headers that never end, byte by byte with `delay_s` in between."""
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while not request.transport.is_closing():
        request.transport.write(b"x")
        await asyncio.sleep(fault.delay_s)
    return web.Response()


async def _response(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """`body` with `status`, as JSON; without a body the contract's error of that status."""
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    code = ERROR_CODES.get(fault.status, "error")
    body = fault.body.encode() or orjson.dumps(
        {"error": {"code": code, "message": "Injected fault"}}
    )
    return web.Response(
        body=body, status=fault.status, headers=headers, content_type="application/json"
    )


async def _html(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """A proxy's page instead of the API's response."""
    page = "<!doctype html><title>Gateway</title><h1>Scheduled maintenance</h1>"
    return web.Response(text=page, status=fault.status, content_type="text/html")


async def _rubbish(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """Random bytes."""
    return web.Response(
        body=b"\x00\xff{]" + secrets.token_bytes(200), content_type="application/json"
    )


async def _redirect(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """A redirect to `body`."""
    return web.Response(
        status=fault.status if fault.status >= 300 else 302, headers={"Location": fault.body}
    )


async def _endless(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """The right response, but always with one more page (a new token, or the requested cursor)."""
    body = orjson.loads(_body(await handler(request)))
    if "more" in body:
        body.update(more=True, cursor=request.query.get("cursor", body["cursor"]))
    else:
        body["next"] = secrets.token_hex(4)
    return web.Response(body=orjson.dumps(body), content_type="application/json")


async def _huge(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """64 MiB of blanks."""
    response = web.StreamResponse()
    response.content_type = "application/json"
    await response.prepare(request)
    for _ in range(BOMB_BYTES // 65536):
        await response.write(b" " * 65536)
    return response


async def _bomb(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """64 MiB of blanks, compressed to 64 KiB."""
    body = gzip.compress(b" " * BOMB_BYTES, 1)
    return web.Response(
        body=body, headers={"Content-Encoding": "gzip"}, content_type="application/json"
    )


KINDS: Final[dict[str, Callable[[web.Request, Handler, Fault], Awaitable[web.StreamResponse]]]] = {
    "answer": _response,
    "bomb": _bomb,
    "down": _down,
    "drip": _drip,
    "drip_head": _drip_head,
    "endless": _endless,
    "half": _half,
    "hang": _hang,
    "html": _html,
    "huge": _huge,
    "redirect": _redirect,
    "rubbish": _rubbish,
    "slow": _slow,
    "truncated": _truncated,
}
ERROR_CODES: Final = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    410: "cursor_expired",
    429: "too_many_requests",
    500: "internal",
    503: "unavailable",
}


def _body(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else b""
    return body if isinstance(body, bytes) else b""


async def _begun(request: web.Request, handler: Handler) -> tuple[web.StreamResponse, bytes]:
    """The head of the right response, sent, and the body still to send."""
    body = _body(await handler(request))
    response = web.StreamResponse()
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    return response, body


def _cut(request: web.Request, *, abruptly: bool = True) -> None:
    if request.transport is not None:
        (request.transport.abort if abruptly else request.transport.close)()
