"""What is answered before Django, and which threads the rest goes to."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

import orjson
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver

from gateway_arq import asgi, checks, wsgi
from gateway_arq.web import ALIVE
from gateway_arq.web.threads import ThreadedWsgi

PROXIES: Final = ipaddress.ip_network("10.0.0.0/8")
WAITS: Final = {
    "/api/ocr/process",
    "/api/ocr/telegram/send",
    "/api/ocr/ai/validate",
    "/api/ocr/ai/models",
    "/api/ocr/lotto/upload",
    "/api/ocr/riscontri",
    "/api/lotto/sync",
}


class Seen(list[tuple[ThreadedWsgi, bytes]]):
    """Which threads were given which body."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen = Seen()

    async def respond(
        self: ThreadedWsgi, _scope: Any, body: bytes, _receive: Any, _send: Any
    ) -> None:
        seen.append((self, body))

    monkeypatch.setattr(ThreadedWsgi, "respond", respond)
    return seen


async def ask(
    path: str, body: bytes = b"", *, method: str = "POST", **more: Any
) -> tuple[int, Any]:
    """Status and JSON of what is answered before Django; 0 where Django is asked."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-length", b"%d" % len(body))] if body else []
    scope = {"method": method, "path": path, "query_string": b"", "headers": headers, **more}
    await asgi.http(scope, receive, send)
    return (sent[0]["status"], orjson.loads(sent[1]["body"])) if sent else (0, None)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_livez_needs_no_thread(seen: Seen, method: str) -> None:
    assert await ask("/livez", method=method) == (200, {"status": "alive"})
    assert await ask("/livez") == (0, None)
    assert len(seen) == 1  # Django's 405


async def test_what_waits_for_others_has_threads_of_its_own(seen: Seen) -> None:
    for path in (*WAITS, "/api/webcom/calls", "/nowhere", "/admin/login/"):
        await ask(path, b"{}")
    assert [(threads is asgi._waiting) for threads, _ in seen] == [True] * len(WAITS) + [False] * 3
    assert {body for _, body in seen} == {b"{}"}


def paths_that_wait(resolver: URLResolver, before: str = "/") -> set[str]:
    found: set[str] = set()
    for entry in resolver.url_patterns:
        path = f"{before}{entry.pattern}"
        if isinstance(entry, URLPattern):
            view = getattr(entry.callback, "cls", None)
            if getattr(view, "waits_for_others", False):
                found.add(path)
        else:
            found |= paths_that_wait(entry, path)
    return found


def test_views_that_wait_are_the_known_ones() -> None:
    assert paths_that_wait(get_resolver()) == WAITS


async def test_each_view_takes_as_much_as_it_says(seen: Seen, settings: Any) -> None:
    settings.MAX_BODY_BYTES, settings.MAX_IMAGE_BODY_BYTES = 10, 20
    over = (413, {"detail": "The request body is over 10 bytes."})
    assert await ask("/api/lotto/save", b"x" * 11) == over
    assert await ask("/nowhere", b"x" * 11) == over
    assert await ask("/api/ocr/process", b"x" * 20) == (0, None)
    assert (await ask("/api/ocr/process", b"x" * 21))[0] == 413
    assert [body for _, body in seen] == [b"x" * 20]


def test_bodies_are_counted_for_the_client_not_for_its_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXIES = []
    scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"192.0.2.7")]}
    assert asgi._address(scope) == "10.0.0.1"
    settings.TRUSTED_PROXIES = [PROXIES]
    assert asgi._address(scope) == "192.0.2.7"


@pytest.mark.parametrize(
    ("address", "path", "status"),
    [
        ("10.0.0.1", "/api/lotto/save", "200 OK"),
        ("192.0.2.1", "/api/lotto/save", "403 Forbidden"),
        ("192.0.2.1", "/livez", "403 Forbidden"),
        ("127.0.0.1", "/livez", "200 OK"),
        ("127.0.0.1", "/health", "403 Forbidden"),
        ("", "/livez", "403 Forbidden"),
    ],
    ids=["proxy", "stranger", "a stranger's probe", "own probe", "own request", "no address"],
)
def test_a_wsgi_server_answers_its_proxy_only_and_reads_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Any, address: str, path: str, status: str
) -> None:
    def django(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return []

    monkeypatch.setattr(wsgi, "_django", django)
    settings.PRODUCTION, settings.TRUSTED_PROXIES = True, [PROXIES]
    seen: list[str] = []
    # Without any body to read.
    environ = {"REMOTE_ADDR": address, "PATH_INFO": path, "REQUEST_METHOD": "GET"}
    body = b"".join(wsgi.application(environ, lambda said, _headers: seen.append(said)))
    assert seen == [status]
    assert status.startswith("200") or b"detail" in body
    settings.PRODUCTION = False
    wsgi.application(environ, lambda said, _headers: seen.append(said))
    assert seen[-1] == "200 OK"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_wsgi_server_is_alive_whatever_django_waits_for(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(wsgi, "_django", lambda *_: pytest.fail("it was asked"))
    environ = {"REMOTE_ADDR": "127.0.0.1", "PATH_INFO": "/livez", "REQUEST_METHOD": method}
    seen: list[tuple[str, dict[str, str]]] = []
    body = wsgi.application(environ, lambda said, headers: seen.append((said, dict(headers))))
    assert [*body] == [ALIVE]
    assert seen[0][0] == "200 OK"
    assert seen[0][1]["Cache-Control"] == "no-store"


def test_a_wsgi_server_in_production_needs_a_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXIES = []
    settings.PRODUCTION = False
    checks.refuse_without_proxy()
    settings.PRODUCTION = True
    with pytest.raises(ImproperlyConfigured, match="run_web"):
        checks.refuse_without_proxy()
