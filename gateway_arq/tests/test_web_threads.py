"""Django on threads: whole responses, streams, and clients that go or read slowly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from gateway_arq.web.threads import PIECE, Stopping, ThreadedWsgi

SCOPE = {
    "type": "http", "method": "POST", "path": "/caffè", "query_string": b"a=1", "root_path": "",
    "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 8000),
    "client": ("192.0.2.1", 5), "headers": [
        (b"host", b"localhost"), (b"content-length", b"4"), (b"content-type", b"text/plain"),
        (b"x-more", b"1"), (b"x-more", b"2"), (b"x_more", b"3"),
    ],
}  # fmt: skip
Answer = Callable[[dict[str, Any]], HttpResponse | StreamingHttpResponse]


class Client:
    """The other side of `receive` and `send`."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self.may_read = asyncio.Event()
        self.may_read.set()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await self.may_read.wait()
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def served(answer: Answer, *, threads: int = 1) -> ThreadedWsgi:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        response = answer(environ)
        headers = [(name, value) for name, value in response.items()]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return response

    return ThreadedWsgi(application, threads=threads, name="test")


async def respond(site: ThreadedWsgi, client: Client) -> None:
    async with asyncio.timeout(5):
        await site.respond(SCOPE, b"body", client.receive, client.send)
    site.stop()


async def test_the_request_is_as_wsgi_has_it() -> None:
    seen: dict[str, Any] = {}

    def answer(environ: dict[str, Any]) -> HttpResponse:
        seen.update(environ, read=environ["wsgi.input"].read())
        return HttpResponse(b"ok", status=201, headers={"X-Answer": "1"})

    client = Client()
    await respond(served(answer), client)
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/caffè"
    assert (seen["REQUEST_METHOD"], seen["QUERY_STRING"], seen["read"]) == ("POST", "a=1", b"body")
    assert (seen["CONTENT_LENGTH"], seen["CONTENT_TYPE"]) == ("4", "text/plain")
    assert (seen["HTTP_X_MORE"], seen["REMOTE_ADDR"]) == ("1,2", "192.0.2.1")
    assert client.sent[0]["status"] == 201
    assert (b"x-answer", b"1") in client.sent[0]["headers"]
    assert client.sent[1:] == [{"type": "http.response.body", "body": b"ok"}]


async def test_a_large_response_leaves_in_parts() -> None:
    whole = bytes(range(256)) * 1_024
    client = Client()
    await respond(served(lambda _: HttpResponse(whole)), client)
    sizes = [len(message["body"]) for message in client.sent[1:]]
    assert (client.body, max(sizes)) == (whole, PIECE)
    assert [m.get("more_body", False) for m in client.sent[1:]] == [True] * (len(sizes) - 1) + [
        False
    ]


async def test_a_stream_is_made_as_it_is_read_and_holds_no_thread() -> None:
    made: list[int] = []
    closed = threading.Event()

    def lines() -> Iterator[bytes]:
        try:
            for number in range(50):
                made.append(number)
                yield b"%d\n" % number
        finally:
            closed.set()

    def answer(environ: dict[str, Any]) -> Any:
        quick = environ["QUERY_STRING"] == "quick"
        return HttpResponse(b"quick") if quick else StreamingHttpResponse(lines())

    site, slow, quick = served(answer), Client(), Client()
    slow.may_read.clear()
    task = asyncio.create_task(respond(site, slow))
    await asyncio.sleep(0)
    await site.respond({**SCOPE, "query_string": b"quick"}, b"", quick.receive, quick.send)
    assert quick.body == b"quick"  # by the only thread
    assert len(made) <= 1
    slow.may_read.set()
    await task
    assert slow.body.decode().split() == [str(number) for number in range(50)]
    assert slow.sent[-1] == {"type": "http.response.body", "body": b""}
    assert await asyncio.to_thread(closed.wait, 5)


async def test_a_stream_ends_when_its_client_is_gone() -> None:
    closed = threading.Event()

    def lines() -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.set()

    client = Client()
    task = asyncio.create_task(respond(served(lambda _: StreamingHttpResponse(lines())), client))
    while len(client.sent) < 5:
        await asyncio.sleep(0.001)
    client.gone.set()
    await task
    assert await asyncio.to_thread(closed.wait, 5)
    assert client.sent[-1]["more_body"]


async def test_an_error_of_a_stream_cuts_it_short() -> None:
    def lines() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("half way")

    client = Client()
    with pytest.raises(ValueError, match="half way"):
        await respond(served(lambda _: StreamingHttpResponse(lines())), client)
    assert client.body == b"one"
    assert client.sent[-1]["more_body"]


async def test_a_server_that_was_stopped_begins_nothing_until_it_is_started() -> None:
    site, client = served(lambda _: HttpResponse(b"here")), Client()
    assert site.stop()
    with pytest.raises(Stopping):
        await respond(site, client)
    assert client.sent == []
    site.start()
    await respond(site, client)
    assert client.body == b"here"
