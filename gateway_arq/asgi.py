"""The web application for uvicorn and daphne: sockets in the event loop, HTTP on threads.

Django's HTTP side runs as WSGI even here: under its ASGI handler every request would get a thread,
and so a database connection, of its own (`docs/performance.md`). A request comes to a thread when
all of it is here, and what waits for another system has threads of its own (decision 24).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, NamedTuple

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings

from gateway_arq.http import application as django_application  # first of ours: it sets Django up

# isort: split

import orjson
from django.urls import Resolver404, resolve

from core.lib.clientip import client_address
from core.lib.logs import hide_secrets
from core.sockets.hub import get_hub
from gateway_arq.middleware import body_limit, body_over
from gateway_arq.routing import websocket_urlpatterns
from gateway_arq.web import ALIVE
from gateway_arq.web.bodies import BodyRefused, BodyRoom, Disconnected, collected
from gateway_arq.web.threads import Stopping, ThreadedWsgi

_BAD_URL: Final = "The path and the query string must be percent-encoded ASCII."
_STOPPING: Final = "The gateway is stopping. Try again shortly."
LARGE_BODIES: Final = 4  # of the largest size, in memory together

_threads = ThreadedWsgi(django_application, threads=settings.HTTP_THREADS, name="http")
# For the images that may wait, the one that is read, and one more that gets a 503.
_waiting = ThreadedWsgi(django_application, threads=settings.OCR_QUEUE + 2, name="http-waiting")
_sockets = URLRouter(websocket_urlpatterns)
_room = BodyRoom(LARGE_BODIES * settings.MAX_IMAGE_BODY_BYTES)


class _Route(NamedTuple):
    view: Any
    threads: ThreadedWsgi


async def http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Django, for requests that a WSGI environment can represent, once their body is here.

    `/livez` is answered here: it asks whether the process responds, not whether a thread is free.
    """
    if scope["path"] == "/livez" and scope["method"] in ("GET", "HEAD"):
        await _send_json(send, 200, ALIVE)
    elif not _is_ascii(scope["query_string"]) or not _is_unicode(scope["path"]):
        await _send_json(send, 400, _problem(_BAD_URL))
    else:
        with suppress(asyncio.CancelledError):  # the server stops, and would log a traceback
            try:
                await _respond(scope, receive, send)
            except Stopping:
                await _send_json(send, 503, _problem(_STOPPING), (b"retry-after", b"5"))


async def websocket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The sockets. The server logs the scope that it passes, so the key in its query is hidden."""
    query_string = scope.get("query_string", b"")
    scope["query_string"] = hide_secrets(query_string.decode("latin-1")).encode("latin-1")
    await _sockets({**scope, "query_string": query_string}, receive, send)


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Start and stop with the server; without lifespan (daphne) the first socket starts the hub."""
    await receive()
    hub = get_hub()
    hub.start()
    for pool in (_threads, _waiting):
        pool.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    stop_threads()
    await hub.stop()
    await send({"type": "lifespan.shutdown.complete"})


def stop_threads() -> bool:
    """Begin no request any more, and do not wait: whether no thread is at one."""
    return all([_threads.stop(), _waiting.stop()])


@lru_cache(maxsize=1024)
def _route(path: str) -> _Route:
    try:
        view = resolve(path).func
    except Resolver404:
        return _Route(None, _threads)
    waits = getattr(getattr(view, "cls", view), "waits_for_others", False)
    return _Route(view, _waiting if waits else _threads)


async def _respond(scope: dict[str, Any], receive: Any, send: Any) -> None:
    route = _route(scope["path"])
    if length := _length(scope["headers"]):
        await _respond_to_body(scope, route, length, receive, send)
    else:
        await route.threads.respond(scope, b"", receive, send)


async def _respond_to_body(
    scope: dict[str, Any], route: _Route, length: int, receive: Any, send: Any
) -> None:
    with _room.share(_address(scope)) as take:
        try:
            limit = body_limit(route.view)
            if length > limit:
                raise BodyRefused(413, body_over(limit))
            body = await collected(receive, length, take)
        except BodyRefused as exc:
            await _send_refusal(send, exc)
        except Disconnected:
            return
        else:
            await route.threads.respond(scope, body, receive, send)


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    """What Content-Length says; 0 where it is missing or no number: Django refuses such a body."""
    text = next((value for name, value in headers if name == b"content-length"), b"")
    return int(text) if text.isdigit() and len(text) < 19 else 0


def _address(scope: dict[str, Any]) -> str:
    remote = (scope.get("client") or ("",))[0]
    if not settings.TRUSTED_PROXIES:
        return remote
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return client_address(remote, forwarded.decode("latin-1"), settings.TRUSTED_PROXIES)


async def _send_refusal(send: Any, refused: BodyRefused) -> None:
    """413 and 503 keep the connection: the rest of the body is read away, and the answer seen."""
    more = [(b"connection", b"close")] if refused.status == 408 else []
    if refused.retry_after_s is not None:
        more.append((b"retry-after", b"%d" % refused.retry_after_s))
    await _send_json(send, refused.status, _problem(refused.detail), *more)


async def _send_json(send: Any, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _problem(detail: str) -> bytes:
    return orjson.dumps({"detail": detail})


def _is_ascii(value: bytes) -> bool:
    return value.isascii()


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


application = ProtocolTypeRouter({"http": http, "websocket": websocket, "lifespan": lifespan})
