"""Django on threads behind an event loop: no thread ever waits for a client.

The request is complete before a thread has it. A response is made in one go, or, where it is
streamed, piece by piece: each piece by any thread, when the client has taken the one before.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple

from core.lib.postgres.limits import Role, pool_role

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Headers = list[tuple[bytes, bytes]]

PIECE: Final = 65_536  # bytes: as much as a server's buffer holds before `send` waits
_OWN_NAMES: Final = {"CONTENT_LENGTH", "CONTENT_TYPE"}


class _Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes
    stream: Any = None  # Django's response, where it is streamed: `body` is empty then


class Stopping(Exception):
    """The server stops: no request begins any more."""


class ThreadedWsgi:
    """A WSGI application of Django's, and a pool of threads to run it on."""

    def __init__(self, application: Any, *, threads: int, name: str) -> None:
        self._application = application
        self._make_pool = partial(
            ThreadPoolExecutor,
            threads,
            thread_name_prefix=name,
            initializer=pool_role(Role.WEB, threads=threads),
        )
        self._pool = self._make_pool()
        self._is_stopped = False
        self._unfinished: set[Future[Any]] = set()

    async def respond(
        self, scope: dict[str, Any], body: bytes, receive: Receive, send: Send
    ) -> None:
        """Answer one request, whose body is here. Raises Stopping."""
        run = contextvars.copy_context().run
        made = _environ(scope, body)
        answer = await asyncio.wrap_future(self._submit(run, _answered, self._application, made))
        start = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": answer.headers,
        }
        if answer.stream is not None:
            await self._stream(answer.stream, run, start, receive, send)
            return
        await send(start)
        await _send_body(answer.body, send)

    async def _stream(
        self, response: Any, run: Any, start: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        """Send what the response yields while the client reads it."""
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await send(start)
            pieces: Iterator[bytes] = iter(response)
            while not gone.done():
                piece = await asyncio.wrap_future(self._submit(run, next, pieces, None))
                if piece is None:
                    await send({"type": "http.response.body", "body": b""})
                    return
                for part in _parts(piece):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            gone.cancel()
            with suppress(Stopping):
                self._submit(run, response.close)

    def start(self) -> None:
        """Begin requests again after `stop`."""
        if self._is_stopped:
            self._pool, self._is_stopped = self._make_pool(), False

    def stop(self) -> bool:
        """Begin nothing any more, and do not wait: whether no thread is at anything."""
        self._is_stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not self._unfinished

    def _submit(self, run: Any, *work: Any) -> Future[Any]:
        if self._is_stopped:
            raise Stopping
        future = self._pool.submit(run, *work)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future


def _answered(application: Any, environ: dict[str, Any]) -> _Answer:
    started: list[tuple[int, Headers]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started[:] = [
            (
                int(status[:3]),
                [
                    (name.lower().encode("latin-1"), value.encode("latin-1"))
                    for name, value in headers
                ],
            )
        ]

    response = application(environ, start_response)
    if getattr(response, "streaming", False):
        return _Answer(*started[0], b"", response)
    try:
        return _Answer(*started[0], b"".join(response))
    finally:
        response.close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _send_body(body: bytes, send: Send) -> None:
    """The body in parts, so that a large one leaves at the pace of its reader."""
    parts = _parts(body)
    part = next(parts)
    for following in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
        part = following
    await send({"type": "http.response.body", "body": part})


def _parts(piece: bytes) -> Iterator[bytes]:
    if len(piece) <= PIECE:
        yield piece
        return
    for at in range(0, len(piece), PIECE):
        yield piece[at : at + PIECE]


def _environ(scope: dict[str, Any], body: bytes) -> dict[str, Any]:
    """The request as PEP 3333 has it, without headers that only look like others.

    For WSGI X_Forwarded_For is X-Forwarded-For, but not for the proxy that clears the latter.
    """
    server, port = scope.get("server") or ("localhost", 80)
    client, client_port = scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("ascii"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": client,
        "REMOTE_PORT": str(client_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            continue
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        if name not in _OWN_NAMES:
            name = f"HTTP_{name}"
        value = raw_value.decode("latin-1")
        environ[name] = f"{environ[name]},{value}" if name in environ else value
    return environ
