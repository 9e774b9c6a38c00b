"""The bounded JSON client; `webcom/tests/test_upstream.py` tests what an upstream can do to it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.lib.http import MAX_WAIT_S, HttpClient, HttpError, _DeadlineReader, retry_after_s

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        body = f'{{"path": "{self.path}", "accept": "{self.headers["Accept"]}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Tests are quiet."""


@contextmanager
def server(context: ssl.SSLContext | None = None) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.connections = 0  # type: ignore[attr-defined]
        if context:
            running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_parameters_are_encoded_and_the_prefix_is_kept() -> None:
    with server() as running:
        client = HttpClient(f"http://127.0.0.1:{running.server_port}/api/v1/")
        response = client.get_json("/calls", {"cursor": "a&b=c d", "limit": 5}, timeout_s=5)
        client.close()
    assert response == {
        "path": "/api/v1/calls?cursor=a%26b%3Dc+d&limit=5",
        "accept": "application/json",
    }


def test_connections_are_reused() -> None:
    with server() as running:
        client = HttpClient(f"http://127.0.0.1:{running.server_port}")
        for _ in range(3):
            client.get_json("/", timeout_s=5)
        client.close()
    assert running.connections == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url", ["", "carrier.example", "ftp://carrier.example/", "http://", "/path"]
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        HttpClient(url)


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes its certificate with openssl")
def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    making = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    making += " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    places = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*making.split(), *places], check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with (
        server(context) as running,
        pytest.raises(HttpError, match="certificate is not trusted") as caught,
    ):
        HttpClient(f"https://127.0.0.1:{running.server_port}").get_json("/", timeout_s=5)
    assert caught.value.status is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("Thu, 01 Jan 2026 12:01:00 GMT", 60),
        ("Thu, 01 Jan 2026 12:01:00 -0000", 60),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
        pytest.param("9" * 400, MAX_WAIT_S, id="400 digits"),
        ("Fri, 01 Jan 9999 12:00:00 GMT", MAX_WAIT_S),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, now=NOON) == seconds


def test_nothing_is_read_after_the_deadline() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"late")
        raw = socket.SocketIO(here, "r")
        late = _DeadlineReader(raw, here, until=time.monotonic() - 1)
        with pytest.raises(TimeoutError, match="deadline"):
            late.readinto(bytearray(4))
        in_time, body = _DeadlineReader(raw, here, until=time.monotonic() + 5), bytearray(4)
        assert (in_time.readinto(body), body) == (4, b"late")
