from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.conf import settings as django_settings
from django.test import Client

from core.tests.published import Commit, PublishedEvents
from webcom import ingest
from webcom.models import Call, Delivery, Line, Rebate, Unreadable
from webcom.tests.factories import call_payload, line_payload, rebates_payload

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
Deliver = Callable[..., Any]


@pytest.fixture(autouse=True)
def _any_number_of_failures(settings: Any) -> None:
    """Do not count the failures of the test before."""
    settings.AUTH_FAILURES_PER_MINUTE = 0


@pytest.fixture
def deliver(settings: Any) -> Deliver:
    """POST `events` (or raw `body`) as the carrier does; keywords change what it signs or sends."""
    settings.WEBCOM_WEBHOOK_SECRET = SECRET

    def deliver(*events: Any, body: bytes | None = None, id: str = "msg_1", **changes: Any) -> Any:
        raw = orjson.dumps({"events": events}) if body is None else body
        return Client().post(
            "/api/webcom/events",
            raw,
            content_type=changes.pop("content_type", "application/json"),
            headers=signed(raw, id, **changes),
        )

    return deliver


def signature(body: bytes, id: str, at: int, *, secret: str = SECRET) -> str:
    """By the specification, over the bytes as they are sent."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.digest(key, f"{id}.{at}.".encode() + body, "sha256")
    return base64.b64encode(made).decode()


def signed(
    body: bytes, id: str, *, secret: str = SECRET, age_s: int = 0, **headers: str | None
) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    made = {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": "v1," + signature(body, id, int(at.timestamp()), secret=secret),
    }
    made |= {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    return {
        name: value
        for name, value in made.items()
        if headers.get(name.replace("-", "_"), "") is not None
    }


def call(**fields: Any) -> dict[str, Any]:
    return {"type": "call", "call": call_payload(**fields)}


def test_a_signed_delivery_is_stored_and_announced(
    deliver: Deliver, published_events: PublishedEvents, commit: Commit
):
    with commit():
        response = deliver(
            call(id="a"),
            {"type": "line", "line": line_payload()},
            {"type": "rebates", "rebates": rebates_payload()},
            {"type": "ping"},
        )
    assert (response.status_code, response.json()) == (
        200,
        {
            "success": True,
            "duplicate": False,
            "created": 1,
            "changed": 0,
            "unchanged": 0,
            "unreadable": 0,
        },
    )
    assert (Call.objects.count(), Line.objects.count(), Rebate.objects.count()) == (1, 1, 2)
    assert {message["type"] for message in published_events} == {
        "call_event_realtime",
        "rebates_updated",
    }


def test_a_repeated_delivery_is_acknowledged_and_not_processed(
    deliver: Deliver, published_events: PublishedEvents, commit: Commit
):
    with commit():
        deliver(call(id="a", revision=1))
    with commit():
        again = deliver(call(id="a", revision=2, state="Busy"), age_s=5)  # signed anew
    assert again.json() == {
        "success": True,
        "duplicate": True,
        "created": 0,
        "changed": 0,
        "unchanged": 0,
        "unreadable": 0,
    }
    assert Call.objects.get().state == "Pending"
    assert len(published_events) == 1


def test_the_same_calls_in_another_delivery_change_nothing(deliver: Deliver):
    deliver(call(id="a"))
    assert deliver(call(id="a"), id="msg_2").json()["unchanged"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": OTHER_SECRET},
        {"age_s": 301},
        {"age_s": -330},  # the clock goes on meanwhile
        {"webhook_id": None},
        {"webhook_timestamp": None},
        {"webhook_signature": None},
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": "soon"},
        {"webhook_timestamp": "nan"},
        {"webhook_timestamp": "inf"},
        pytest.param({"webhook_timestamp": "9" * 400}, id="a timestamp of 400 digits"),
        {"webhook_signature": ""},
        {"webhook_signature": "v1"},
        {"webhook_signature": "v1,%%%"},
        pytest.param({"webhook_signature": "v1,é"}, id="a signature with an accent"),
        {"webhook_signature": "v1,a,b"},
        {"webhook_signature": "v1a,AAAA v2,BBBB"},
    ],
    ids=str,
)
def test_a_delivery_that_is_not_the_carrier_s_is_refused(deliver: Deliver, changes: dict[str, Any]):
    response = deliver(call(), **changes)
    assert response.status_code == 401
    assert response.json()["detail"] == "The webhook's signature is missing, wrong or too old."
    assert response.headers["WWW-Authenticate"].startswith("Webhook")
    assert not Call.objects.exists()
    assert not Delivery.objects.exists()


def test_an_api_key_is_no_signature(settings: Any):
    settings.WEBCOM_WEBHOOK_SECRET = SECRET
    response = Client().post(
        "/api/webcom/events",
        {},
        "application/json",
        headers={"X-API-Key": django_settings.TEST_API_KEY},
    )
    assert response.status_code == 401


def test_another_body_under_the_same_signature_is_refused(deliver: Deliver):
    stolen = signed(orjson.dumps({"events": [call()]}), "msg_1")
    response = deliver(call(), **{name.replace("-", "_"): value for name, value in stolen.items()})
    assert response.status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"\x1f\x8b\x08\x00"], ids=["nothing", "half", "gzip"])
def test_a_signed_body_that_is_not_json_is_refused(deliver: Deliver, body: bytes):
    response = deliver(body=body)
    assert response.status_code == 400
    assert response.json()["detail"]
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b"{}",
        b'{"events": {}}',
        b'{"events": [1]}',
        b'{"events": [{"type": "song"}]}',
        b'{"events": [{"type": "call"}]}',
        b'{"events": [{"type": "call", "call": []}]}',
        b'{"events": [{"type": "line", "line": {"lineId": ""}}]}',
        b'{"events": [{"type": "rebates", "rebates": {"month": "2025-13"}}]}',
        b'{"events": ["caf\xe9"]}',
        b'{"events": [], "x": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    ],
    ids=lambda body: ascii(body[:60])[2:-1],
)
def test_signed_json_without_a_readable_event_is_kept_and_need_not_come_again(
    deliver: Deliver, body: bytes
):
    response = deliver(body=body)
    assert (response.status_code, response.json()["unreadable"]) == (200, 1)
    assert Unreadable.objects.get().source.startswith("webhook ")
    assert deliver(body=body).json()["duplicate"]
    assert Unreadable.objects.get().times == 1


@pytest.mark.parametrize(
    "field",
    [
        r'"callerOperator": "\ud800"',
        r'"name\ud800": "x"',
        '"cost": NaN',
        '"cost": -Infinity',
        '"revision": 99999999999999999999999',
        f'"note": {"9" * 5_000}, "state": 1',
    ],
)
def test_an_odd_value_in_one_event_stops_no_other(deliver: Deliver, field: str):
    good, bad = (orjson.dumps(call(id=call_id)).decode() for call_id in "ab")
    bad = bad.removesuffix("}}") + f", {field}}}}}"  # the last of two values counts
    response = deliver(body=f'{{"events": [{bad}, {good}]}}'.encode())
    assert {"created": 1, "unreadable": 1}.items() <= response.json().items()
    assert Call.objects.get().id == "a"
    row = Unreadable.objects.get()
    assert '"lineID"' in row.payload
    assert not ingest.retry_unreadable(row)


def test_a_delivery_of_nothing_is_acknowledged(deliver: Deliver):
    assert deliver().json()["unreadable"] == 0
    assert not Unreadable.objects.exists()


def test_more_events_than_agreed_are_stored_all_the_same(deliver: Deliver):
    payload = call_payload(id="a")
    events = [{"type": "call", "call": payload | {"id": f"c{n}"}} for n in range(1_001)]
    assert deliver(*events).json()["created"] == 1_001


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "sms", "sms": {}},
        {"type": "call"},
        call(id="b", timestamp="soon"),
        call(id="b", caller=None),
        {"type": "line", "line": line_payload(group=None)},
        {"type": "rebates", "rebates": {"month": "2025-13"}},
        None,
        ["call"],
    ],
    ids=str,
)
def test_one_bad_event_stops_no_other_and_is_kept(deliver: Deliver, bad: Any):
    response = deliver(call(id="a"), bad, {"type": "line", "line": line_payload(lineId="L1")})
    assert response.status_code == 200
    assert {"created": 1, "unreadable": 1}.items() <= response.json().items()
    assert (Call.objects.get().id, Line.objects.get().line_id) == ("a", "L1")
    assert Unreadable.objects.get().reason
    assert deliver(call(id="a"), bad).json()["duplicate"]


def test_the_signature_is_over_the_bytes(deliver: Deliver):
    good = orjson.dumps(call(id="a"))
    body = b'{"events": [{"type": "call", "call": {"id": "b\xe9"}}, ' + good + b"]}"
    response = deliver(body=body)
    assert {"created": 1, "unreadable": 1}.items() <= response.json().items()
    stolen = signed(body, "msg_2", webhook_id=None)
    other = {name.replace("-", "_"): value for name, value in stolen.items()}
    assert deliver(body=body.replace(b"\xe9", b"\xe8"), id="msg_2", **other).status_code == 401


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_json_in_another_encoding_is_read(deliver: Deliver, encoding: str):
    text = orjson.dumps({"events": [call()]}).decode()
    assert deliver(body=text.encode(encoding)).json()["created"] == 1


@pytest.mark.parametrize(
    "form",
    [
        "v1,AAAA {}",
        "v1 {}",
        "v1a,x,y {}",
        "v1,%%% {}",
        "v1,é {}",
        "v2,{0} {0}",
        "{0} {0}",
        "{} v1,",
    ],
)
def test_an_odd_signature_beside_the_right_one_harms_nobody(deliver: Deliver, form: str):
    body, at = orjson.dumps({"events": []}), int(datetime.now(UTC).timestamp())
    right = "v1," + signature(body, "msg_1", at)
    headers = {"webhook_timestamp": str(at), "webhook_signature": form.format(right)}
    assert deliver(body=body, **headers).status_code == 200


def test_a_body_over_the_limit_is_refused(deliver: Deliver, settings: Any):
    settings.MAX_BODY_BYTES = 2_000
    assert deliver(*[call() for _ in range(10)]).status_code == 413


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/cloudevents+json", "application/x-www-form-urlencoded", "odd",
     "application/json; charset=latin-1", ""],
)  # fmt: skip
def test_json_is_read_whatever_it_calls_itself(deliver: Deliver, content_type: str):
    assert deliver(call(), content_type=content_type).json()["created"] == 1


@pytest.mark.parametrize("delivery_id", ["x" * 129, "a b\tc"], ids=["129 letters", "a tab"])
def test_a_delivery_of_an_odd_id_is_stored_once(deliver: Deliver, delivery_id: str):
    assert deliver(call(id="a"), id=delivery_id).json()["created"] == 1
    assert deliver(call(id="a"), id=delivery_id).json()["duplicate"]
    assert deliver(call(id="a"), id=f"{delivery_id}2").json()["unchanged"] == 1


def test_without_a_secret_there_is_no_webhook(settings: Any):
    settings.WEBCOM_WEBHOOK_SECRET = ""
    response = Client().post("/api/webcom/events", {}, "application/json")
    assert (response.status_code, list(response.json())) == (404, ["detail"])


def test_an_invalid_secret_refuses_everything(deliver: Deliver, settings: Any):
    for secret in ("whsec_", "whsec_é", "whsec_A"):
        settings.WEBCOM_WEBHOOK_SECRET = secret
        assert deliver(call()).status_code == 401


def test_repeated_wrong_signatures_are_slowed_down(settings: Any):
    settings.WEBCOM_WEBHOOK_SECRET = SECRET
    settings.AUTH_FAILURES_PER_MINUTE = 2
    stranger = Client(REMOTE_ADDR="192.0.2.7")
    responses = [stranger.post("/api/webcom/events", {}, "application/json") for _ in range(3)]
    assert [response.status_code for response in responses] == [401, 401, 429]
    assert int(responses[-1].headers["Retry-After"]) > 0


def test_the_webhook_allows_no_get(settings: Any):
    settings.WEBCOM_WEBHOOK_SECRET = SECRET
    assert Client().get("/api/webcom/events").status_code in (401, 405)
