"""uvicorn's protocols with our bounds, over real connections to a small application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway_arq.tests.attacks import HANDSHAKE, detail_of, frame
from gateway_arq.web.connections import Connections, Deadlines
from gateway_arq.web.protocols import (
    MAX_FRAGMENTS,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    protocols,
)

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
HELLO = b"\r\n\r\nhello"
SHORT_S = 0.05


class Site:
    """A server in this loop; `seen` are the requests that reached the application."""

    def __init__(self, table: Connections) -> None:
        self.table = table
        self.seen: list[str] = []
        self.answer = b"hello"
        self.port = 0

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["type"])
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                await send({"type": "websocket.send", "text": "heard"})
            return
        length = str(len(self.answer)).encode()
        headers = [(b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.answer})

    async def emptied(self) -> bool:
        """Wait until no connection is left."""
        async with asyncio.timeout(5):
            while len(self.table):
                await asyncio.sleep(SHORT_S / 5)
        return True

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A WebSocket after its handshake."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1_000)
        writer.write(GET + HANDSHAKE.encode() + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
        writer.close()

    async def ask(self, *pieces: bytes) -> bytes:
        """All that comes back for these bytes, until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(5):
                return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[Site]:
    table = Connections(**({"total": 20, "per_address": 20} | limits))
    table.heads, table.writes, table.lingering = (Deadlines(SHORT_S) for _ in range(3))
    site = Site(table)
    http, socket = protocols(table)
    config = uvicorn.Config(
        site.application, interface="asgi3", http=http, ws=socket, log_config=None
    )
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: http(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )

    async def sweep() -> None:
        while True:
            await asyncio.sleep(SHORT_S / 5)
            table.sweep()

    sweeping = asyncio.create_task(sweep())
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        sweeping.cancel()
        server.close()
        for connection in [*state.connections]:
            connection.transport.abort()


async def test_an_ordinary_request_is_answered_and_the_idle_connection_closed() -> None:
    async with serving() as site:
        assert (await site.ask(GET + b"\r\n", GET + b"\r\n")).endswith(HELLO)
        assert site.seen == ["http", "http"]
        assert await site.emptied()


async def test_a_head_that_takes_too_long_is_a_408() -> None:
    async with serving() as site:
        assert detail_of(await site.ask(GET)) == (408, "The request took too long to arrive.")
        assert await site.ask() == b""
        assert site.seen == []


@pytest.mark.parametrize(
    "pieces",
    [
        (GET, b"X: " + b"a" * MAX_HEAD_BYTES),
        (GET + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",),
        (GET + b"X: y\r\n" * MAX_HEADERS + b"\r\n",),
        (b"GET /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n\r\n",),
        (GET + HANDSHAKE.encode() + b"X: " + b"a" * 9_000 + b"\r\n\r\n",),
        (GET, *[b"X: " + b"a" * 1_000 + b"\r\n"] * 50),
    ],
    ids=["endless", "in one piece", "many", "a long address", "a handshake's", "piece by piece"],
)
async def test_too_large_a_head_is_a_431(pieces: tuple[bytes, ...]) -> None:
    async with serving() as site:
        status, detail = detail_of(await site.ask(*pieces))
        assert (status, detail) == (431, "The request's headers are too large.")
        assert site.seen == []
        assert await site.emptied()


async def test_endless_trailers_are_cut() -> None:
    post = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    async with serving() as site:
        answer = await site.ask(post, *[b"X: " + b"a" * 1_000 + b"\r\n"] * 50)
        assert HELLO in answer
        assert await site.emptied()


async def test_a_body_counts_nothing_against_the_head() -> None:
    size = MAX_HEAD_BYTES * 3
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size
    async with serving() as site:
        answer = await site.ask(head + bytes(size), GET + b"\r\n")
        assert answer.count(HELLO) == 2


async def test_what_is_no_http_is_a_400_in_json() -> None:
    async with serving() as site:
        assert detail_of(await site.ask(b"\x16\x03\x01 hello\r\n\r\n"))[0] == 400


async def test_one_connection_too_many_is_a_503_in_json() -> None:
    async with serving(per_address=1) as site:
        site.table.heads = Deadlines(60)
        _, first = await asyncio.open_connection("127.0.0.1", site.port)
        await asyncio.sleep(SHORT_S)
        assert detail_of(await site.ask())[0] == 503
        first.close()
        await asyncio.sleep(SHORT_S)
        site.table.heads = Deadlines(SHORT_S)
        assert HELLO in await site.ask(GET + b"\r\n")


async def test_who_does_not_read_an_answer_is_cut() -> None:
    async with serving() as site:
        site.answer = bytes(20_000_000)
        _, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1_000)
        writer.write(GET + b"\r\n")
        while not site.seen:
            await asyncio.sleep(SHORT_S / 5)
        assert await site.emptied()
        writer.close()


async def test_a_message_of_endless_fragments_ends_the_socket() -> None:
    async with serving() as site, site.socket() as (reader, writer):
        writer.write(frame(1, fin=False) + frame(0, fin=False) * 1_000)
        async with asyncio.timeout(5):
            assert (await reader.read()).endswith(b"\x03\xf1too many fragments")  # 1009


async def test_a_message_of_a_few_fragments_is_one() -> None:
    fragments = frame(1, b"a", fin=False) + frame(0, b"b", fin=False) * (MAX_FRAGMENTS - 2)
    async with serving() as site, site.socket() as (reader, writer):
        writer.write(fragments + frame(0))
        async with asyncio.timeout(5):
            assert (await reader.read(100)).endswith(b"heard")


async def test_pings_of_who_does_not_read_are_not_answered() -> None:
    pings = frame(9, bytes(125)) * 500
    async with serving() as site, site.socket() as (_, writer):
        (transport,) = site.table._owners
        for _ in range(160):
            writer.write(pings)
            await writer.drain()
        assert 0 < transport.get_write_buffer_size() < 400_000  # type: ignore[attr-defined]
