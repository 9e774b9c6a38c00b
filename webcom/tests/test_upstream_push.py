"""The carrier's push, read by the client from the sandbox over a real WebSocket on loopback."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import pytest

from core.lib.upstream import UpstreamError
from sandbox.testing import RunningSandbox
from webcom.tests.carrier import client_of
from webcom.types import PushMessage
from webcom.upstream import HttpWebcomTlc


@contextmanager
def listening(
    tlc: HttpWebcomTlc, carrier: RunningSandbox
) -> Iterator[Iterator[PushMessage | None]]:
    """A push stream that the carrier has accepted."""
    with closing(tlc.pushes(idle_s=0.5)) as stream:
        assert next(stream) is None  # a ping
        assert carrier.carrier.stream.clients
        yield stream


def messages(stream: Iterator[PushMessage | None], count: int) -> list[PushMessage]:
    return list(islice((message for message in stream if message is not None), count))


def test_the_push_sends_a_call_from_ringing_to_its_end(
    carrier: RunningSandbox, tlc: HttpWebcomTlc
) -> None:
    with listening(tlc, carrier) as stream:
        call_id = carrier.place_call(ring_s=2, talk_s=30)
        carrier.advance(40)
        mine = (m for m in stream if m is not None and m.kind == "call" and m.body["id"] == call_id)
        states = [(message.body["state"], message.body["revision"]) for message in islice(mine, 3)]
    assert states == [("Ringing", 1), ("Pending", 2), ("Ok", 3)]


def test_an_idle_push_yields_none(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    carrier.carrier.stream.silent = True
    with closing(tlc.pushes(idle_s=0.02)) as stream:
        assert [next(stream) for _ in range(3)] == [None, None, None]


@pytest.mark.parametrize("drop", ["drop_push", "close_push"])
def test_a_drop_is_an_upstream_error_and_a_clean_close_too(
    carrier: RunningSandbox, tlc: HttpWebcomTlc, drop: str
) -> None:
    with listening(tlc, carrier) as stream:
        getattr(carrier, drop)()
        with pytest.raises(UpstreamError, match="webcom push: closed"):
            messages(stream, 1000)


def test_a_half_open_push_times_out(carrier: RunningSandbox) -> None:
    carrier.carrier.stream.silent = True
    with pytest.raises(UpstreamError, match=r"silent for 0\.2 s"):
        messages(client_of(carrier, silence_s=0.2).pushes(idle_s=60), 1)


@pytest.mark.parametrize(
    ("frame", "passed_on"),
    [
        ("{", []),
        ("null", [None]),
        ("[]", [[]]),
        ("{}", [{}]),
        ('{"type": "fax", "fax": {}}', [{"type": "fax", "fax": {}}]),
        ('{"type": "call"}', [{"type": "call"}]),
        ('{"type": ["call"]}', [{"type": ["call"]}]),
        ('{"type": {}, "call": {}}', [{"type": {}, "call": {}}]),
    ],
)
def test_a_bad_frame_is_passed_on_if_it_is_json_and_logged_once(
    carrier: RunningSandbox,
    tlc: HttpWebcomTlc,
    caplog: pytest.LogCaptureFixture,
    frame: str,
    passed_on: list[Any],
) -> None:
    bad = [PushMessage("message", content) for content in passed_on * 2]
    with listening(tlc, carrier) as stream, caplog.at_level(logging.WARNING, "webcom"):
        carrier.send_frame(frame)
        carrier.send_frame(frame)
        carrier.send_frame('{"type": "line", "line": {"lineId": "L1"}}')
        assert messages(stream, len(bad) + 1) == [*bad, PushMessage("line", {"lineId": "L1"})]
    logged = [record.getMessage() for record in caplog.records]
    assert [line.split()[0] for line in logged] == [
        "webcom.push_bad_frame",
        "webcom.push_bad_frames",
    ]
    assert logged[1].endswith("count=2")


def test_an_endless_frame_drops_the_push(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    with listening(tlc, carrier) as stream:
        carrier.send_frame(" " * (1024 * 1024 + 1))
        with pytest.raises(UpstreamError, match="closed"):
            messages(stream, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "answer", "status": 401}, "HTTP 401"),
        ({"kind": "html", "status": 200}, "HTTP 200"),
        ({"kind": "down"}, "no connection"),
        ({"kind": "redirect", "body": "ws://127.0.0.1:9/"}, "no connection"),
        ({"kind": "slow", "delay_s": 30}, "no connection"),
        ({"kind": "drip_head", "delay_s": 0.02}, "no connection"),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else "",
)
def test_a_push_that_cannot_start_is_an_upstream_error(
    carrier: RunningSandbox, options: dict[str, Any], words: str
) -> None:
    carrier.faults.arm(**options, route="webcom.stream", times=0)
    with pytest.raises(UpstreamError, match=words):
        next(iter(client_of(carrier, timeout_s=0.15).pushes(idle_s=1)))


def test_a_refused_push_says_how_long_to_wait(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    carrier.faults.arm("answer", "webcom.stream", status=429, retry_after="9")
    with pytest.raises(UpstreamError) as caught:
        next(iter(tlc.pushes(idle_s=1)))
    assert caught.value.retry_after_s == 9


@pytest.mark.parametrize("url", ["", "http://127.0.0.1/", "ws://", "ws://127.0.0.1:port/"])
def test_an_invalid_push_url_is_an_upstream_error(carrier: RunningSandbox, url: str) -> None:
    with pytest.raises(UpstreamError, match="webcom push"):
        next(iter(client_of(carrier, push_url=url).pushes(idle_s=1)))


def test_the_push_leaves_no_thread_behind(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    before = set(threading.enumerate())
    with listening(tlc, carrier):
        started = set(threading.enumerate()) - before
    for thread in started:
        thread.join(5)
    assert started
    assert not any(thread.is_alive() for thread in started)
