"""Clients that want the gateway to stand still, for the tests and for `make bench ARGS=attacks`.

Each is a context manager: while its block runs, the attack goes on, from ADDRESS of loopback.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

import requests
from PIL import Image
from requests.adapters import HTTPAdapter

ADDRESS: Final = "127.0.0.3"
TRICKLE_S: Final = 0.5
HANDSHAKE: Final = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
MASK: Final = bytes(4)


def connected(port: int, *, receive_buffer: int = 0) -> socket.socket:
    """A connection from ADDRESS."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.bind((ADDRESS, 0))
    connection.settimeout(5)
    connection.connect(("127.0.0.1", port))
    return connection


def is_open(connection: socket.socket) -> bool:
    """Whether the server has not closed it; what it has answered is read away."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            continue
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def trickling(connections: Sequence[socket.socket], piece: bytes = b"x") -> Iterator[None]:
    """Each of them sends a piece every half second."""
    with _repeated(lambda: _send_each(connections, piece), every_s=TRICKLE_S):
        yield


def _send_each(connections: Sequence[socket.socket], piece: bytes) -> None:
    for connection in connections:
        with suppress(OSError):  # cut by the gateway: that is its right
            connection.send(piece)


@contextmanager
def slow_bodies(port: int, *, count: int = 40, path: str = "/admin/login/") -> Iterator[Any]:
    """Bodies of 1,000 bytes of which one byte comes at a time."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nwebhook-id: x\r\n"
        f"Cookie: csrftoken={'a' * 32}\r\n"  # with it the login reads its body
        f"webhook-timestamp: {int(time.time())}\r\nwebhook-signature: v1,AAAA\r\n\r\nusername=a"
    )
    with _open(port, count, head.encode()) as connections, trickling(connections):
        yield connections


@contextmanager
def slow_heads(port: int, *, count: int = 100, more: str = "") -> Iterator[Any]:
    """Requests, or with `more` handshakes, whose head comes byte by byte and never ends."""
    head = f"GET /ws HTTP/1.1\r\nHost: localhost\r\n{more}X: "
    with _open(port, count, head.encode()) as connections, trickling(connections):
        yield connections


@contextmanager
def half_open(port: int, *, count: int = 1_100) -> Iterator[Any]:
    """Requests that are begun and forgotten."""
    with _open(port, count, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ") as connections:
        yield connections


@contextmanager
def endless_heads(port: int, *, count: int = 4) -> Iterator[None]:
    """Connections that send header lines as fast as they are taken; who is cut comes again."""
    line = b"X-Filler: " + b"a" * 65_000 + b"\r\n"
    with _flooding(port, count, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n", line):
        yield


@contextmanager
def endless_trailers(port: int, *, count: int = 4) -> Iterator[None]:
    """The same after a body: header lines of a request that has long been refused."""
    head = b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    with _flooding(port, count, head, b"X-Filler: " + b"a" * 6_000 + b"\r\n"):
        yield


@contextmanager
def empty_fragments(port: int, key: str, *, count: int = 4) -> Iterator[None]:
    """Messages of empty fragments, which weigh nothing and never end."""
    begin = _handshake(key) + b"\x01\x80" + MASK
    with _flooding(port, count, begin, (b"\x00\x80" + MASK) * 10_000):
        yield


@contextmanager
def unread_pongs(port: int, key: str, *, count: int = 4) -> Iterator[None]:
    """Pings whose answers are never read."""
    ping = (b"\x89\xfd" + MASK + bytes(125)) * 500
    with _flooding(port, count, _handshake(key), ping, receive_buffer=4_096):
        yield


@contextmanager
def slow_readers(port: int, path: str, key: str, *, count: int = 12) -> Iterator[Any]:
    """Requests for a long answer of which little is read."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n"
    with _open(port, count, head.encode(), receive_buffer=2_048) as connections:
        yield connections


@contextmanager
def pictures(port: int, key: str, file: bytes, *, count: int = 12, path: str = "process") -> Any:
    """So many clients that send a picture, and when it is answered the next; yields statuses."""
    body = {"image_base64": base64.b64encode(file).decode(), "prompt": "?"}
    with posting(port, f"/api/ocr/{path}", key, count=count, json=body) as statuses:
        yield statuses


@contextmanager
def archives(port: int, key: str, *, count: int = 2) -> Any:
    """Small files of draws that unpack into very many wrong lines; yields statuses."""
    file = gzip.compress(b"BA\n" * 20_000_000)
    files = {"file": ("storico.gz", file)}
    with posting(port, "/api/lotto/import", key, count=count, files=files) as statuses:
        yield statuses


@contextmanager
def posting(port: int, path: str, key: str, *, count: int, **request: Any) -> Iterator[list[int]]:
    """So many clients that post the same again and again; yields the statuses that they got."""
    statuses: list[int] = []

    def post() -> None:
        with suppress(requests.RequestException), requests.Session() as session:
            session.mount("http://", _FromAddress())
            url = f"http://127.0.0.1:{port}{path}"
            response = session.post(url, headers={"X-API-Key": key}, timeout=60, **request)
            statuses.append(response.status_code)

    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(_repeated(post))
        yield statuses


class _FromAddress(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, source_address=(ADDRESS, 0), **options)


@contextmanager
def _open(
    port: int, count: int, begin: bytes, *, receive_buffer: int = 0
) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            try:
                connection = stack.enter_context(connected(port, receive_buffer=receive_buffer))
                connection.sendall(begin)
            except OSError:  # refused, or cut
                continue
            connections.append(connection)
        yield connections


@contextmanager
def _flooding(
    port: int, count: int, begin: bytes, piece: bytes, *, receive_buffer: int = 0
) -> Iterator[None]:
    def flood(stopping: threading.Event) -> None:
        while not stopping.is_set():
            with (
                suppress(OSError),
                connected(port, receive_buffer=receive_buffer) as connection,
            ):
                connection.sendall(begin)
                while not stopping.is_set():
                    connection.sendall(piece)
            stopping.wait(0.1)

    with _threads(flood, count):
        yield


@contextmanager
def _repeated(work: Callable[[], None], *, every_s: float = 0.05) -> Iterator[None]:
    def repeat(stopping: threading.Event) -> None:
        while not stopping.wait(every_s):
            work()

    with _threads(repeat, 1):
        yield


@contextmanager
def _threads(work: Callable[[threading.Event], None], count: int) -> Iterator[None]:
    stopping = threading.Event()
    threads = [threading.Thread(target=work, args=(stopping,), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(1)


def _handshake(key: str) -> bytes:
    return f"GET /ws?api_key={key} HTTP/1.1\r\nHost: localhost\r\n{HANDSHAKE}\r\n".encode()


# --- Files ----------------------------------------------------------------------------------------


def many_scans(count: int = 160_000, *, side: int = 1_000) -> bytes:
    """A progressive JPEG whose last scan is repeated: each is a pass over the whole picture."""
    out = io.BytesIO()
    Image.new("L", (side, side), 90).save(out, "JPEG", progressive=True)
    file = out.getvalue()
    at = file.rindex(b"\xff\xda")
    return file[:at] + file[at:-2] * count + file[-2:]


def many_segments(count: int = 2_000_000) -> bytes:
    """A JPEG with empty comments before its picture."""
    file = plain_picture()
    return file[:2] + b"\xff\xfe\x00\x02" * count + file[2:]


def plain_picture(side: int = 600) -> bytes:
    """A JPEG without a board."""
    out = io.BytesIO()
    Image.frombytes("L", (side, side), os.urandom(side * side)).save(out, "JPEG", quality=90)
    return out.getvalue()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """A client's frame, masked with zeros."""
    size = len(payload)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0xFE, size)
    return bytes([(0x80 if fin else 0) | opcode]) + length + MASK + payload


def detail_of(response: bytes) -> tuple[int, str]:
    """Status and `detail` of a raw response."""
    head, _, body = response.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["detail"]
