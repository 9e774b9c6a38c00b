"""The carrier's client against the sandbox's carrier, over real HTTP on loopback."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.lib.upstream import UpstreamError
from sandbox.testing import TOKEN, RunningSandbox
from webcom.tests.carrier import client_of
from webcom.tests.factories import call_payload
from webcom.tests.fakes import FakeWebcomTlc
from webcom.types import (
    CursorExpired,
    NotFound,
    RecordError,
    WebcomTlc,
    parse_call,
    parse_line,
    parse_rebates,
)
from webcom.upstream import HttpWebcomTlc, build_webcom_tlc

DATA = Path(__file__).parent / "data"
SECRET = "s3cret-token"
CONTRACT = Path(__file__).parents[2] / "docs" / "upstreams" / "webcom.md"


# --- Readable responses ---------------------------------------------------------------------------
def test_lines_come_from_all_pages_and_can_be_read(tlc: HttpWebcomTlc) -> None:
    lines = [parse_line(line) for line in tlc.lines()]
    assert len({line.line_id for line in lines}) == len(lines) == 59
    assert {line.line_type for line in lines} == {"Vas", "Green"}


def test_a_call_is_active_until_it_ends_and_then_known_by_id(
    carrier: RunningSandbox, tlc: HttpWebcomTlc
) -> None:
    call_id = carrier.place_call(ring_s=2, talk_s=30)
    assert call_id in {call["id"] for call in tlc.active_calls()}
    carrier.advance(33)
    assert call_id not in {call["id"] for call in tlc.active_calls()}
    ended = parse_call(tlc.call(call_id))
    assert (ended.state, ended.duration_s, ended.revision) == ("Ok", 30, 3)
    assert ended.ended_at is not None


def test_the_feed_has_every_call_once_and_ends(tlc: HttpWebcomTlc) -> None:
    calls: list[Any] = []
    cursor, more = "", True
    while more:
        page = tlc.calls_since(cursor, since=0)
        calls += page.calls
        cursor, more = page.cursor, page.more
    assert len({call["id"] for call in calls}) == len(calls) > 1000
    assert tlc.calls_since(cursor, since=0).calls == []


def test_the_feed_resumes_from_its_cursor(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    cursor = tlc.calls_since("", since=int(carrier.clock())).cursor
    call_id = carrier.place_call()
    page = tlc.calls_since(cursor, since=0)
    assert call_id in {call["id"] for call in page.calls}
    assert page.cursor != cursor


def test_a_month_that_has_not_begun_is_not_found(tlc: HttpWebcomTlc) -> None:
    with pytest.raises(NotFound, match="2099-01"):
        tlc.rebates("2099-01")


def test_rebates_of_a_month_can_be_read(tlc: HttpWebcomTlc) -> None:
    rebates = parse_rebates(tlc.rebates("2025-09"))
    assert rebates.month == "2025-09"
    assert {row.type for row in rebates.rebates} == {"Vas", "Green"}


def test_an_unknown_call_is_not_found(tlc: HttpWebcomTlc) -> None:
    with pytest.raises(NotFound):
        tlc.call("000000000000000000000000")


@pytest.mark.parametrize("call_id", ["..", "../lines", "a/b", "x?page=1", "x#y", "%2e%2e"])
def test_an_id_cannot_reach_another_address(tlc: HttpWebcomTlc, call_id: str) -> None:
    with pytest.raises(UpstreamError):
        tlc.call(call_id)


def test_a_404_that_is_not_the_carriers_says_nothing_about_the_call(
    carrier: RunningSandbox, tlc: HttpWebcomTlc
) -> None:
    carrier.faults.arm("html", status=404)
    with pytest.raises(UpstreamError) as caught:
        tlc.call("68e7c1c5f3f1f0aa00000001")
    assert not isinstance(caught.value, NotFound)


# --- Failures -------------------------------------------------------------------------------------
REQUESTS: dict[str, Callable[[HttpWebcomTlc, str], Any]] = {
    "lines": lambda tlc, _: tlc.lines(),
    "active": lambda tlc, _: tlc.active_calls(),
    "calls": lambda tlc, _: tlc.calls_since("", since=0),
    "call": lambda tlc, call_id: tlc.call(call_id),
    "rebates": lambda tlc, _: tlc.rebates("2025-09"),
}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no response": ({"kind": "down"}, "cut"),
    "half a response": ({"kind": "half"}, "cut"),
    "half a JSON page": ({"kind": "truncated"}, "unreadable, not JSON"),
    "rubbish": ({"kind": "rubbish"}, "unreadable, not JSON"),
    "HTML": ({"kind": "html"}, "HTML, not JSON"),
    "a list": ({"kind": "answer", "body": "[]"}, "not a JSON object"),
    "null": ({"kind": "answer", "body": "null"}, "not a JSON object"),
    "no body": ({"kind": "answer", "status": 204}, "unreadable"),
    "401": ({"kind": "answer", "status": 401}, "HTTP 401 (unauthorized)"),
    "500": ({"kind": "answer", "status": 500}, "HTTP 500"),
    "503 with HTML": ({"kind": "html", "status": 503}, "HTTP 503"),
    "a redirect": (
        {"kind": "redirect", "body": "http://127.0.0.1:9/"},
        "redirects are not followed",
    ),
}


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_every_request_is_one_upstream_error(
    carrier: RunningSandbox, tlc: HttpWebcomTlc, request_name: str, fault: str
) -> None:
    options, words = FAULTS[fault]
    call_id = tlc.calls_since("", since=0).calls[0]["id"]
    carrier.faults.arm(**options, times=0)
    with pytest.raises(UpstreamError) as caught:
        REQUESTS[request_name](tlc, call_id)
    assert words in str(caught.value)
    assert type(caught.value) is UpstreamError
    carrier.faults.clear()
    assert len(tlc.lines()) == 59  # the next one is good again


@pytest.mark.parametrize("kind", ["huge", "bomb"])
def test_an_endless_body_is_given_up(
    carrier: RunningSandbox, tlc: HttpWebcomTlc, kind: str
) -> None:
    carrier.faults.arm(kind)
    with pytest.raises(UpstreamError, match="over 16777216 bytes"):
        tlc.active_calls()


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "slow", "delay_s": 30},
        {"kind": "hang"},
        {"kind": "drip", "delay_s": 0.05},
        {"kind": "drip_head", "delay_s": 0.05},
    ],
    ids=lambda options: str(options["kind"]),
)
def test_the_timeout_bounds_the_whole_response(
    carrier: RunningSandbox, options: dict[str, Any]
) -> None:
    carrier.faults.arm(**options, times=0)
    began = time.monotonic()
    with pytest.raises(UpstreamError, match=r"no complete answer within 0\.15 s"):
        client_of(carrier, timeout_s=0.15).lines()
    assert time.monotonic() - began < 5  # without the bound: over 20 s, or never


def test_the_timeout_bounds_all_pages_together(carrier: RunningSandbox) -> None:
    carrier.faults.arm("endless", times=0)
    carrier.faults.arm("slow", delay_s=0.25, times=0)
    with pytest.raises(UpstreamError):
        client_of(carrier, timeout_s=0.4).lines()


@pytest.mark.parametrize(
    ("header", "minimum", "maximum"),
    [
        ("7", 7, 7),
        ("Fri, 31 Dec 2100 00:00:00 GMT", 1e9, 1e10),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0, 0),
    ],
)
def test_429_says_how_long_to_wait(
    carrier: RunningSandbox, tlc: HttpWebcomTlc, header: str, minimum: float, maximum: float
) -> None:
    carrier.faults.arm("answer", status=429, retry_after=header)
    with pytest.raises(UpstreamError) as caught:
        tlc.active_calls()
    assert caught.value.retry_after_s is not None
    assert minimum <= caught.value.retry_after_s <= maximum


@pytest.mark.parametrize("header", ["", "soon", "-5", "1e3", "Fri, 99 Foo"])
def test_an_unreadable_retry_after_is_none(
    carrier: RunningSandbox, tlc: HttpWebcomTlc, header: str
) -> None:
    carrier.faults.arm("answer", status=503, retry_after=header)
    with pytest.raises(UpstreamError) as caught:
        tlc.active_calls()
    assert caught.value.retry_after_s is None


def test_an_expired_cursor_is_reported(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    with pytest.raises(CursorExpired):
        tlc.calls_since("bm90IG91cnM=", since=0)
    carrier.faults.arm("answer", status=410)
    with pytest.raises(UpstreamError) as caught:
        tlc.calls_since("", since=0)  # there was no cursor to expire
    assert not isinstance(caught.value, CursorExpired)


def test_endless_paging_is_given_up(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    carrier.faults.arm("answer", times=0, body='{"lines": [], "next": "again"}')
    with pytest.raises(UpstreamError, match="more than 100 pages"):
        tlc.lines()


def test_a_feed_that_does_not_move_is_given_up(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    cursor = tlc.calls_since("", since=0).cursor
    carrier.faults.arm("endless")
    with pytest.raises(UpstreamError, match="does not move"):
        tlc.calls_since(cursor, since=0)


@pytest.mark.parametrize(
    "body",
    [
        '{"calls": {}, "cursor": "a", "more": false}',
        '{"calls": [], "cursor": "", "more": false}',
        '{"calls": [], "cursor": 5, "more": false}',
        '{"calls": [], "cursor": "a"}',
        '{"calls": [], "cursor": "a", "more": 1}',
        pytest.param(
            '{"calls": [], "cursor": "%s", "more": false}' % ("a" * 201),
            id="a cursor of 201 letters",
        ),
    ],
)
def test_a_page_of_another_shape_is_refused(
    carrier: RunningSandbox, tlc: HttpWebcomTlc, body: str
) -> None:
    carrier.faults.arm("answer", body=body)
    with pytest.raises(UpstreamError):
        tlc.calls_since("", since=0)


def test_a_wrong_token_is_reported_and_never_shown(carrier: RunningSandbox) -> None:
    with pytest.raises(UpstreamError, match="HTTP 401") as caught:
        client_of(carrier, token=SECRET).lines()
    assert SECRET not in _whole_story(caught.value)


def test_an_unsendable_token_is_an_upstream_error_and_never_shown(
    carrier: RunningSandbox,
) -> None:
    with pytest.raises(UpstreamError) as caught:
        client_of(carrier, token=f"{SECRET}\nX-Evil: 1").lines()
    assert SECRET not in _whole_story(caught.value)


def test_the_cursor_is_never_shown(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    carrier.faults.arm("answer", status=500)
    with pytest.raises(UpstreamError) as caught:
        tlc.calls_since("a-cursor-of-mine", since=0)
    assert "a-cursor-of-mine" not in str(caught.value)


def test_a_refused_connection_is_an_upstream_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UpstreamError, match="refused"):
            HttpWebcomTlc(url=url, token="x", timeout_s=1).lines()


def test_a_server_that_does_not_speak_tls_is_an_upstream_error(carrier: RunningSandbox) -> None:
    with pytest.raises(UpstreamError, match="TLS"):
        client_of(carrier, url=carrier.base_url.replace("http:", "https:"), timeout_s=2).lines()


def test_a_closed_connection_is_opened_again(carrier: RunningSandbox, tlc: HttpWebcomTlc) -> None:
    tlc.lines()
    carrier.faults.arm("down", times=1)
    assert len(tlc.lines()) == 59


def test_no_url_means_disabled(settings: Any) -> None:
    settings.WEBCOM_URL = ""
    assert build_webcom_tlc() is None


def test_an_invalid_url_is_an_upstream_error(settings: Any) -> None:
    settings.WEBCOM_URL = "carrier.example"
    with pytest.raises(UpstreamError, match="WEBCOM_URL"):
        build_webcom_tlc()


def test_the_client_is_built_once(settings: Any, carrier: RunningSandbox) -> None:
    settings.WEBCOM_URL, settings.WEBCOM_TOKEN = carrier.base_url, TOKEN
    assert build_webcom_tlc() is build_webcom_tlc()


def test_client_and_fake_speak_the_protocol(tlc: HttpWebcomTlc) -> None:
    carriers: list[WebcomTlc] = [tlc, FakeWebcomTlc()]  # mypy checks the signatures
    assert all(isinstance(one.lines(), list) for one in carriers)


# --- Recorded payloads ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "key", "parse"),
    [
        ("lines.json", "lines", parse_line),
        ("calls_active.json", "calls", parse_call),
        ("calls_feed.json", "calls", parse_call),
    ],
)
def test_recorded_payloads_can_be_read(name: str, key: str, parse: Callable[[Any], Any]) -> None:
    payloads = orjson.loads((DATA / name).read_bytes())[key]
    assert len([parse(payload) for payload in payloads]) > 2


def test_recorded_rebates_can_be_read() -> None:
    assert parse_rebates(orjson.loads((DATA / "rebates.json").read_bytes())).rebates


def test_the_examples_of_the_contract_can_be_read() -> None:
    examples = [
        orjson.loads(block)
        for block in re.findall(r"```json\n(.*?)```", CONTRACT.read_text(), re.DOTALL)
    ]
    calls = [example for example in examples if "lineID" in example]
    assert len(examples) == 11
    for example in examples:
        calls += example.get("calls", [])
        calls += [example["call"]] if "call" in example else []
    assert [parse_call(call).revision for call in calls] == [3, 2, 1]
    assert [parse_line(line).line_id for line in examples[0]["lines"]] == ["Sickprod28GN"]
    assert len(parse_rebates(next(e for e in examples if "month" in e)).rebates) == 2


def _whole_story(error: BaseException | None) -> str:
    """Everything a traceback would print of an error and its causes."""
    story = ""
    while error is not None:
        story += f"{error!r}\n"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return story


@pytest.mark.parametrize("odd", [r'"\ud800"', "NaN", "9" * 5_000], ids=lambda odd: odd[:8])
def test_an_odd_value_in_one_call_costs_no_other(
    carrier: RunningSandbox, tlc: HttpWebcomTlc, odd: str
) -> None:
    body = f'{{"calls": [{{"id": "a", "caller": {odd}}}, {{"id": "b"}}], "next": null}}'
    carrier.faults.arm("answer", body=body)
    first, second = tlc.active_calls()
    assert second == {"id": "b"}
    with pytest.raises(RecordError):
        parse_call(call_payload(**first))
