"""uvicorn's protocols with bounds: how large a head is, how long it takes, how slowly one reads.

A head is bounded while it comes in, an answer while it goes out. The body lies between them:
`bodies` reads it in the event loop.
"""

from __future__ import annotations

from asyncio.transports import BaseTransport
from http import HTTPStatus
from typing import ClassVar, Final, NoReturn

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from gateway_arq.web.connections import FULL, Connections

MAX_HEAD_BYTES: Final = 32_768  # as nginx: four buffers of 8 kB
MAX_HEADERS: Final = 100
MAX_HANDSHAKE_LINE: Final = 8_000  # the library for sockets takes 8,192
MAX_FRAGMENTS: Final = 64  # of one message
TOO_LARGE: Final = "The request's headers are too large."
TOO_LATE: Final = "The request took too long to arrive."


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 for anybody. `table` is the server's, set by a subclass."""

    table: ClassVar[Connections]

    def connection_made(self, transport: BaseTransport) -> None:  # type: ignore[override]
        super().connection_made(transport)  # type: ignore[arg-type]
        self._held = 0  # bytes of this message that are no body: head, trailers, framing
        self._in_head = self._is_refused = False
        if self.table.admit(transport, self.client[0] if self.client else ""):
            self.table.heads.start(self)
        else:
            self.refuse(503, FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        self.table.forget(self)
        self.table.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._held += len(data)
        super().data_received(data)
        if self._held > MAX_HEAD_BYTES and self.parser is not None:
            self.refuse(431, TOO_LARGE)

    # --- the parser's callbacks: it stops at what they raise ---

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._stop_at_head()

    def on_headers_complete(self) -> None:
        lines = [len(name) + len(value) for name, value in self.headers]
        if sum(lines) + len(self.url) > MAX_HEAD_BYTES:
            self._stop_at_head()
        if self.parser.should_upgrade() and max(*lines, len(self.url)) > MAX_HANDSHAKE_LINE:
            self._stop_at_head()
        self._in_head = False
        self.table.heads.stop(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._held -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._held = 0
        super().on_message_complete()

    def _stop_at_head(self) -> NoReturn:
        self.refuse(431, TOO_LARGE)
        raise ValueError(TOO_LARGE)

    # --- responses ---

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, unless a callback has refused it already."""
        self.refuse(400, "This is no HTTP request.")

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Not while an answer to a pipelined request follows.
        if self.timeout_keep_alive_task is not None or self.transport.is_closing():
            self.table.heads.start(self)

    def pause_writing(self) -> None:
        self.table.writes.start(self)
        super().pause_writing()

    def resume_writing(self) -> None:
        self.table.writes.stop(self)
        super().resume_writing()

    # --- for the table ---

    def head_is_late(self) -> None:
        """408 for who has begun; an idle connection is closed, one with an unread answer later."""
        if self.transport.get_write_buffer_size():
            self.table.writes.start(self)
        elif self._in_head:
            self.refuse(408, TOO_LATE)
        else:
            self.transport.close()

    def cut(self) -> None:
        self.transport.abort()

    def refuse(self, status: int, detail: str) -> None:
        """Answer, read no more, and close a moment later: at once the answer would get lost."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what it would still send has no place any more
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.cut()
                return
        body = orjson.dumps({"detail": detail})
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.write_eof()
        self.table.forget(self)
        self.table.lingering.start(self)


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose client can neither fill the memory nor send an endless message."""

    table: ClassVar[Connections]

    def connection_lost(self, exc: Exception | None) -> None:
        self.table.leave(self.transport)
        super().connection_lost(exc)

    def handle_cont(self, event: Frame) -> None:
        """One more fragment: empty ones would count nothing against the size of a message."""
        if self.close_sent:
            return
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
            return
        self.frames = []
        self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Answer, unless the client does not read its answers."""
        pong = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(pong))


def protocols(table: Connections) -> tuple[type[BoundedHttp], type[BoundedSocket]]:
    """The protocols of a server with this table."""
    http = type("Http", (BoundedHttp,), {"table": table})
    socket = type("Socket", (BoundedSocket,), {"table": table})
    return http, socket
