"""The web application for uvicorn and daphne: sockets in the event loop, HTTP on a pool of threads.

Django's HTTP side runs as WSGI even here: under its ASGI handler every request would get a thread,
and so a database connection, of its own (`docs/performance.md`).
"""

from __future__ import annotations

from typing import Any, Final, cast

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings

from gateway_arq.wsgi import application as wsgi_application  # first of ours: it sets Django up

# isort: split

from core.lib.logs import hide_secrets
from core.sockets.hub import get_hub
from gateway_arq.routing import websocket_urlpatterns

_BAD_REQUEST: Final = b'{"detail":"The path and the query string must be percent-encoded ASCII."}'

_wsgi: Any = WSGIMiddleware(cast(Any, wsgi_application), workers=settings.HTTP_THREADS)
_sockets = URLRouter(websocket_urlpatterns)


async def http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Django, shielded from requests that a WSGI environment cannot represent."""
    if not _is_ascii(scope["query_string"]) or not _is_unicode(scope["path"]):
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(_BAD_REQUEST)),
        ]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": _BAD_REQUEST})
        return
    # For WSGI X_Forwarded_For is X-Forwarded-For, but not for the proxy that clears the latter.
    headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
    await _wsgi({**scope, "headers": headers}, receive, send)


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
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await hub.stop()
    await send({"type": "lifespan.shutdown.complete"})


def _is_ascii(value: bytes) -> bool:
    return value.isascii()


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


application = ProtocolTypeRouter({"http": http, "websocket": websocket, "lifespan": lifespan})
