"""Real sockets on real servers, and HTTP beside them in the same process."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from core.tests.tcp import free_port
from gateway_arq import asgi
from gateway_arq.tests.gateway import Processes

pytestmark = pytest.mark.xdist_group("servers")  # which are started once
KEY = "sk_test_arq_socket_key"
APP = "core.tests.socket_server:application"
COMMANDS = {
    "uvicorn": [
        "uvicorn",
        "--ws",
        "websockets-sansio",
        "--ws-per-message-deflate",
        "false",
        APP,
        "--port",
    ],
    "daphne": ["daphne", "--verbosity", "0", APP, "--port"],
}


@dataclass
class Server:
    """A server process on a loopback port."""

    name: str
    process: subprocess.Popen[str]
    port: int
    output: Path

    def connect(self, path: str = f"/ws?api_key={KEY}", **options: Any) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}{path}", compression=None, **options)

    def publish(self, *names: object) -> None:
        with self.connect("/publish") as door:
            for name in names:
                door.send(orjson.dumps({"type": "call_event_realtime", "name": str(name)}).decode())

    def raw(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status, response.read()

    def get(self, target: bytes, *headers: bytes) -> tuple[int, bytes]:
        lines = (
            b"GET " + target + b" HTTP/1.1",
            b"Host: localhost",
            *headers,
            b"Connection: close",
            b"",
            b"",
        )
        return self.raw(b"\r\n".join(lines))


def _environment(data_dir: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "gateway_arq.settings",
        "DOTENV": "",
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "API_KEY_1": KEY,
        "RATE_LIMIT_PER_MINUTE": "0",
        "AUTH_FAILURES_PER_MINUTE": "0",
        "LOG_LEVEL": "DEBUG",
        **more,
    }


@contextmanager
def running(
    processes: Processes, name: str, data_dir: Path, **environment: str
) -> Iterator[Server]:
    port = free_port()
    output = data_dir / f"{name}-{port}.log"
    command = (sys.executable, "-m", *COMMANDS[name], str(port))
    env = _environment(data_dir, **environment)
    with (
        output.open("w") as log,
        processes.running(*command, env=env, stdout=log, stderr=log) as process,
    ):
        server = Server(name, process, port, output)
        _wait_until_listening(server)
        yield server


def _wait_until_listening(server: Server) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", server.port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(server.output.read_text())


@pytest.fixture(scope="module")
def data_dir(migrated_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(migrated_data_dir, tmp_path_factory.mktemp("servers") / "var"))


@pytest.fixture(scope="module", params=list(COMMANDS))
def server(
    request: pytest.FixtureRequest, processes: Processes, data_dir: Path
) -> Iterator[Server]:
    small = {"EVENT_LOG_LENGTH": "100", "SOCKET_QUEUE_LENGTH": "100"}
    with running(processes, request.param, data_dir, **small) as server:
        yield server


def received(connection: ClientConnection) -> dict[str, Any]:
    """The next message."""
    message: dict[str, Any] = orjson.loads(connection.recv(timeout=10))
    return message


def closing_message(connection: ClientConnection) -> int:
    """The code that the server closes with."""
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=10)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_events_arrive_in_order_after_the_greeting(server: Server) -> None:
    with server.connect() as client:
        assert received(client)["type"] == "system"
        server.publish(*range(50))
        assert [received(client)["name"] for _ in range(50)] == [str(n) for n in range(50)]


def test_key_in_a_header_opens_too(server: Server) -> None:
    with server.connect("/ws", additional_headers={"X-API-Key": KEY}) as client:
        assert received(client)["type"] == "system"


def test_a_client_resumes_where_it_was(server: Server) -> None:
    with server.connect() as client:
        received(client)
        server.publish("a")
        seen = received(client)
    server.publish("b", "c")
    with server.connect(f"/ws?api_key={KEY}&since={seen['seq']}&epoch={seen['epoch']}") as client:
        assert received(client)["seq"] == seen["seq"]
        assert [received(client)["name"] for _ in range(2)] == ["b", "c"]


@pytest.mark.parametrize(
    ("path", "code", "detail"),
    [
        ("/ws?api_key=wrong", 4401, "Invalid API key"),
        ("/ws", 4401, "Missing API key"),
        (f"/ws?api_key={KEY}&types=nonsense", 4400, "Unknown types: nonsense"),
        (f"/ws?api_key={KEY}&since=yesterday", 4400, "since must be the seq of an event"),
        (f"/nowhere?api_key={KEY}", 4404, "No such socket: connect to /ws"),
    ],
    ids=["a wrong key", "no key", "unknown types", "no place", "another address"],
)
def test_a_refused_socket_is_told_why(server: Server, path: str, code: int, detail: str) -> None:
    with server.connect(path) as client:
        assert received(client) == {"type": "error", "code": code, "detail": detail}
        assert closing_message(client) == code


def test_what_clients_say_is_ignored_but_for_a_ping(server: Server) -> None:
    with server.connect() as client:
        received(client)
        for rubbish in (
            "",
            "{",
            "[]",
            "42",
            '{"type": 1}',
            b"\xff\x00",
            "x" * 100_000,
            '{"type": "system"}',
        ):
            client.send(rubbish)
        client.send('{"type": "ping"}')
        assert received(client)["type"] == "pong"


def test_the_key_is_in_no_log(server: Server) -> None:
    with server.connect() as client:
        received(client)
    server.get(f"/health?api_key={KEY}".encode())
    server.get(b"/nowhere", f"X-API-Key: {KEY}".encode(), f"Authorization: Bearer {KEY}".encode())
    output = server.output.read_text()
    assert "/nowhere" in output
    assert not [line for line in output.splitlines() if KEY in line]


def test_http_is_served_beside_the_sockets(server: Server) -> None:
    assert server.get(b"/health", b"X-API-Key: " + KEY.encode()) == (200, b'{"status":"healthy"}')


def test_a_header_with_underscores_is_no_other_header(server: Server) -> None:
    assert server.get(b"/health", b"X_API_Key: " + KEY.encode())[0] in (400, 401)


@pytest.mark.parametrize(
    "target",
    [b"/health?a=\xc3\xa9", b"/h\xe9alth", b"/health?\xff", b"/%ff%fe", b"/%00"],
    ids=["UTF-8 in the query", "Latin-1", "a byte in the query", "no UTF-8", "NUL"],
)
def test_bytes_that_do_not_belong_in_a_url_are_a_4xx(server: Server, target: bytes) -> None:
    status, _ = server.get(target, b"X-API-Key: " + KEY.encode())
    assert 400 <= status < 500


@pytest.mark.parametrize(
    "url", [{"query_string": b"a=\xc3\xa9"}, {"path": "/\udce9"}], ids=["query", "path"]
)
async def test_what_wsgi_cannot_hold_is_a_400_in_json(url: dict[str, Any]) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await asgi.http(
        {"type": "http", "path": "/health", "query_string": b"", "headers": [], **url}, None, send
    )
    assert sent[0]["status"] == 400
    assert orjson.loads(sent[1]["body"])["detail"].endswith("must be percent-encoded ASCII.")


async def test_the_server_is_left_no_key_to_log(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    async def sockets(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)

    monkeypatch.setattr(asgi, "_sockets", sockets)
    scope = {"type": "websocket", "path": "/ws", "query_string": b"api_key=secret&types=a"}
    await asgi.websocket(scope, None, None)
    assert seen[0]["query_string"] == b"api_key=secret&types=a"
    assert scope["query_string"] == b"api_key=***&types=a"


def test_a_client_that_never_reads_costs_little_and_is_closed(server: Server) -> None:
    with server.connect() as reader:
        received(reader)
        pour(server, reader)
        before_kb = rss_kb(server)
        with deaf_client(server) as deaf:
            pour(server, reader)
            assert rss_kb(server) - before_kb < 5_000
            assert closed_within(deaf, 30)
        assert "socket.too_slow" in server.output.read_text()


def test_a_server_with_open_sockets_stops_quickly(server: Server) -> None:
    """The last one of a server: nothing is left for others."""
    said_before = len(server.output.read_text())
    with server.connect() as client:
        received(client)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(10)
        assert time.monotonic() - started < 3
        assert code in (0, -signal.SIGTERM), server.output.read_text()
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
        if server.name == "uvicorn":  # daphne drops its connections without a word
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        assert "Traceback" not in server.output.read_text()[said_before:]


def pour(server: Server, reader: ClientConnection) -> None:
    """Send 16 MB of events, as fast as `reader` takes them."""
    event = orjson.dumps({"type": "call_event_realtime", "pad": "x" * 60_000}).decode()
    with server.connect("/publish") as door:
        for _ in range(270):
            door.send(event)
            received(reader)


@contextmanager
def deaf_client(server: Server) -> Iterator[socket.socket]:
    """A socket with a small buffer that nobody reads from after its greeting."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(
            f"GET /ws?api_key={KEY} HTTP/1.1\r\nHost: localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        deaf.settimeout(10)
        opening = b""
        while b'"system"' not in opening:  # greeted, it gets what comes from now on
            piece = deaf.recv(4_096)
            assert piece, opening
            opening += piece
        yield deaf


def closed_within(connection: socket.socket, within_s: float) -> bool:
    """Whether the server lets go of this connection, as the kernel sees it."""
    mine = f"0100007F:{connection.getsockname()[1]:04X}"
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        if not any(row[2] == mine and row[3] == "01" for row in rows):
            return True
        time.sleep(0.1)
    return False


def rss_kb(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_an_event_of_one_process_reaches_the_sockets_of_all(
    redis_url: str, processes: Processes, data_dir: Path
) -> None:
    with (
        running(processes, "uvicorn", data_dir, REDIS_URL=redis_url) as one,
        running(processes, "daphne", data_dir, REDIS_URL=redis_url) as other,
        one.connect() as here,
        other.connect() as there,
    ):
        assert received(here)["epoch"] == received(there)["epoch"]
        one.publish("a")
        other.publish("b")
        first, second = received(here), received(here)
        assert {first["name"], second["name"]} == {"a", "b"}
        assert [received(there), received(there)] == [first, second]
        with other.connect(
            f"/ws?api_key={KEY}&since={first['seq']}&epoch={first['epoch']}"
        ) as resumed:
            received(resumed)
            assert received(resumed) == second
