"""The pages' client over real HTTP: every failure of a server is bounded and reported."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import parse_http_list, parse_keqv_list

import pytest

from core.lib.upstream import UpstreamError
from sandbox.faults import KINDS
from sandbox.testing import RunningCdn, running_cdn
from webtv import clients
from webtv.clients import HttpPages
from webtv.presets import request_of, viewers_in
from webtv.types import PageRequest, ViewerSource

FAULTS = sorted(KINDS.keys() - {"endless"})  # which is about further pages


@pytest.fixture(scope="module")
def cdn_server() -> Iterator[RunningCdn]:
    with running_cdn() as cdn:
        yield cdn


@pytest.fixture
def cdn(cdn_server: RunningCdn) -> Iterator[RunningCdn]:
    cdn_server.faults.clear()
    yield cdn_server
    cdn_server.faults.clear()


def source(cdn: RunningCdn) -> ViewerSource:
    return ViewerSource(name="s", preset="owncast", url=f"{cdn.url}/main", token="s3cret")


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_is_an_error_in_time_and_over_with_the_next_response(
    cdn: RunningCdn, kind: str
) -> None:
    pages, request = HttpPages(), request_of(source(cdn))
    cdn.faults.arm(kind=kind, times=2, delay_s=5)  # twice: a cut connection is tried once more
    began = time.monotonic()
    with pytest.raises(UpstreamError) as caught:
        viewers_in(source(cdn), pages.fetch(request, timeout_s=0.5))
    assert time.monotonic() - began < 4
    assert "s3cret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    cdn.faults.clear()
    viewers = viewers_in(source(cdn), pages.fetch(request, timeout_s=5))
    assert viewers == cdn.server.viewers("main")


def test_an_absent_server_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="no connection"):
        HttpPages().fetch(PageRequest("http://127.0.0.1:1/"), timeout_s=1)


class Wowza(BaseHTTPRequestHandler):
    """Lets in who answers its challenge as RFC 7616 says; a nonce is good for two requests."""

    protocol_version = "HTTP/1.1"
    asked: list[str] = []
    qop = ""

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.asked.append(given)
        nonce = f"n{sum('nc=' in text or 'uri=' in text for text in self.asked[:-1]) // 2}"
        body = b'{"serverName": "s", "totalConnections": 7}'
        self.send_response(200 if self._right(given, nonce) else 401)
        self.send_header("WWW-Authenticate", f'Digest realm="W, S", nonce="{nonce}"{self.qop}')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _right(self, given: str, nonce: str) -> bool:
        said = parse_keqv_list(parse_http_list(given.removeprefix("Digest ")))
        if said.get("nonce") != nonce or said["uri"] != self.path:
            return False
        who, what = (_md5(text) for text in (f"u:W, S:{'s3cret'}", f"GET:{self.path}"))
        between = f":{said['nc']}:{said['cnonce']}:auth" if self.qop else ""
        return said["response"] == _md5(f"{who}:{nonce}{between}:{what}")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@pytest.fixture(params=[', qop="auth"', ""], ids=["qop", "old"])
def wowza(request: pytest.FixtureRequest) -> Iterator[tuple[type[Wowza], str]]:
    handler = type("AskedWowza", (Wowza,), {"asked": [], "qop": request.param})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def logged_in(url: str, password: str) -> ViewerSource:
    return ViewerSource("s", "wowza", url, stream_key="live/a b", user="u", password=password)


def test_a_digest_login_is_answered_and_its_nonce_used_again(
    wowza: tuple[type[Wowza], str],
) -> None:
    handler, url = wowza
    pages, source = HttpPages(), logged_in(url, "s3cret")
    bodies = [pages.fetch(request_of(source), timeout_s=5) for _ in range(3)]
    assert {viewers_in(source, body) for body in bodies} == {7}
    # A challenge, two answers, one to a nonce that is old, and its successor.
    assert [bool(text) for text in handler.asked] == [False, True, True, True, True]
    assert not any("s3cret" in text for text in handler.asked)


def test_a_wrong_password_is_refused_once_a_request(wowza: tuple[type[Wowza], str]) -> None:
    handler, url = wowza
    with pytest.raises(UpstreamError, match="HTTP 401"):
        HttpPages().fetch(request_of(logged_in(url, "wrong")), timeout_s=5)
    assert len(handler.asked) == 2


def test_open_connections_are_bounded(cdn: RunningCdn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MAX_CLIENTS", 2)
    pages = HttpPages()
    for n in range(4):
        pages.fetch(PageRequest(f"{cdn.url}/main/api/status", (("X-N", str(n)),)), timeout_s=5)
    assert len(pages._clients) == 2
