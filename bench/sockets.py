"""Very many WebSocket clients in one thread, cheap enough not to be what is measured."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.peers.event import TYPE

_EVENT_START = f'{{"type":"{TYPE}"'.encode()
_MADE = b'"made":'


def handshake(port: int, path: str, *, receive_buffer: int | None = None) -> socket.socket:
    """A connected, blocking socket after the opening handshake."""
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    response = b""
    while not response.endswith(b"\r\n\r\n"):
        response += connection.recv(1)
    if not response.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(response.decode())
    return connection


def send_text(connection: socket.socket, text: str) -> None:
    """One short text message, masked with zeros."""
    connection.sendall(_client_frame(0x81, text.encode()))


def _client_frame(head: int, payload: bytes) -> bytes:
    return struct.pack("!BBxxxx", head, 0x80 | len(payload)) + payload


def _frames(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(opcode, start, end) of every complete frame of a server in `data`."""
    at, size = 0, len(data)
    while size - at >= 4:
        length, start = data[at + 1], at + 2
        if length == 126:
            length, start = (data[at + 2] << 8) | data[at + 3], at + 4
        if start + length > size:
            return
        yield data[at] & 15, start, start + length
        at = start + length


class Crowd:
    """`count` clients of a path; counts the events that they are sent, and how old they were."""

    def __init__(self, port: int, path: str, count: int) -> None:
        self.events = 0
        self.delays_ms: list[float] | None = None
        self._selector = selectors.EpollSelector()
        self._rest: dict[socket.socket, bytes] = {}
        for _ in range(count):
            connection = handshake(port, path)
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ)
            self._rest[connection] = b""

    def __len__(self) -> int:
        return len(self._rest)

    def close(self) -> None:
        for connection in self._rest:
            connection.close()
        self._selector.close()

    def read(self, until: Callable[[], bool], *, within_s: float) -> bool:
        """Read until that holds (True), or for so long (False)."""
        deadline = time.monotonic() + within_s
        while not until():
            if time.monotonic() > deadline or not self._rest:
                return False
            for key, _ in self._selector.select(0.05):
                self._receive(key.fileobj)  # type: ignore[arg-type]
        return True

    def _receive(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(262_144)
        except ConnectionResetError:
            data = b""
        if not data:
            self._selector.unregister(connection)
            del self._rest[connection]
            return
        data = self._rest[connection] + data
        end = 0
        for opcode, start, end in _frames(data):
            if opcode == 1 and data.startswith(_EVENT_START, start):
                self.events += 1
                if self.delays_ms is not None:
                    self._note_delay(data, start)
            elif opcode == 9:
                connection.send(_client_frame(0x8A, data[start:end]))
        self._rest[connection] = data[end:]

    def _note_delay(self, data: bytes, start: int) -> None:
        at = data.index(_MADE, start) + len(_MADE)
        assert self.delays_ms is not None
        self.delays_ms.append((time.time_ns() - int(data[at : at + 19])) / 1e6)


@contextmanager
def crowd(port: int, path: str, count: int) -> Iterator[Crowd]:
    """So many clients, closed at the end."""
    clients = Crowd(port, path, count)
    try:
        yield clients
    finally:
        clients.close()
