from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import time_machine
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from centralino.models import KNOWN_FOR, ListEntry, LiveState
from centralino.selectors.channels import active_channels_count
from centralino.services import lists
from centralino.types import Reason
from core.auth.services import create_key
from core.auth.types import Scope
from core.sockets import socket_count
from core.workers import services as workers

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

NOON = datetime(2025, 12, 9, 11, 0, tzinfo=UTC)  # 12:00 in Rome
CALL_KEYS = {
    "channel_id", "name", "state", "caller", "caller_name", "extension", "context", "application",
    "duration",
}  # fmt: skip
ENTRY_KEYS = {"number", "reason", "created_at", "expires_at", "permanent"}
READ = ["calls", "blacklist", "allowlist", "ari/endpoints", "status"]
CHANNEL = {
    "id": "asterisk-pbx-1765265705.475",
    "name": "PJSIP/clouditalia-endpoint-000000ab",
    "state": "Up",
    "caller": {"name": "3478893084", "number": "3478893084"},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {
        "context": "post-stasis", "exten": "s", "priority": 3, "app_name": "Queue", "app_data": "q",
    },
    "creationtime": "2025-12-09T08:35:05.936+0100",
    "language": "it",
}  # fmt: skip
ENDPOINTS = [
    {"technology": "PJSIP", "resource": "105", "state": "online", "channel_ids": ["pbx-123.456"]},
    {"technology": "PJSIP", "resource": "100", "state": "offline", "channel_ids": []},
]


def get(api: APIClient, path: str, status: int = 200) -> Any:
    return read(api.get(f"/jpbx-api/api/{path}"), status)


def post(api: APIClient, body: Any, status: int = 200, path: str = "blacklist") -> Any:
    response = api.post(f"/jpbx-api/api/{path}", body, content_type="application/json")
    return read(response, status)


def add(api: APIClient, status: int = 200, **body: Any) -> Any:
    return post(api, orjson.dumps(body), status)


def delete(api: APIClient, number: str, status: int = 200, path: str = "blacklist") -> Any:
    return read(api.delete(f"/jpbx-api/api/{path}/{quote(number, safe='')}"), status)


def read(response: Any, status: int) -> Any:
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json"
    return orjson.loads(response.content)


def seen(server: str = "asterisk_1", *, websocket: str = "connected", **status: Any) -> None:
    """The monitor has seen one call and two extensions."""
    LiveState.objects.create(
        key=f"{server}.ari",
        document={
            "channels": [CHANNEL],
            "endpoints": ENDPOINTS,
            "status": {"websocket": websocket, **status},
        },
        updated_at=timezone.now(),
    )


def numbers(response: Any, name: str = "blacklist") -> list[str]:
    return [entry["number"] for entry in response[name]]


# --- The reference's own responses ----------------------------------------------------------------


def test_calls_as_the_reference_shows_them(api: APIClient):
    seen()
    response = get(api, "calls")
    assert response == {
        "active_calls": [
            {
                "channel_id": "asterisk-pbx-1765265705.475",
                "name": "PJSIP/clouditalia-endpoint-000000ab",
                "state": "Up",
                "caller": "3478893084",
                "caller_name": "3478893084",
                "extension": "s",
                "context": "post-stasis",
                "application": "Queue",
                "duration": "2025-12-09T08:35:05.936+0100",
            }
        ],
        "count": 1,
    }
    assert response["active_calls"][0].keys() == CALL_KEYS


def test_calls_are_those_of_the_manager_where_ari_is_not_connected(api: APIClient):
    seen(websocket="disconnected")
    channel = {
        "uniqueid": "pbx-1.2", "linkedid": "pbx-1.2", "name": "PJSIP/trunk-01", "state": "Ring",
        "caller": "3331234567", "caller_name": "", "context": "from-trunk", "exten": "800",
        "started_at": NOON.timestamp() + 0.25, "application": "Dial",
    }  # fmt: skip
    LiveState.objects.create(
        key="asterisk_1.ami",
        document={"count": 1, "table": {"channels": [channel], "calls": []}},
        updated_at=timezone.now(),
    )
    (call,) = get(api, "calls")["active_calls"]
    assert call.keys() == CALL_KEYS
    assert (call["channel_id"], call["duration"]) == ("pbx-1.2", "2025-12-09T12:00:00.250+0100")
    assert get(api, "status")["active_calls"] == 1
    assert get(api, "ari/endpoints") == []


def test_the_state_of_a_killed_monitor_expires(api: APIClient):
    seen(stasis_calls=1)
    seen("asterisk_2")
    LiveState.objects.create(
        key="asterisk_1.ami", document={"count": 7, "table": {}}, updated_at=timezone.now()
    )
    assert get(api, "status")["websocket"] == "connected"
    assert active_channels_count() == 7
    LiveState.objects.exclude(key__startswith="asterisk_2").update(
        updated_at=timezone.now() - KNOWN_FOR
    )
    response = get(api, "status")
    assert (response["websocket"], response["stasis_calls"]) == ("disconnected", 0)
    assert get(api, "calls")["count"] == 1  # asterisk_2's
    assert active_channels_count() == 0


def test_endpoints_are_a_bare_list_as_the_reference_shows_it(api: APIClient):
    seen()
    assert get(api, "ari/endpoints") == [
        {"resource": "100", "state": "offline", "channel_ids": []},
        {"resource": "105", "state": "online", "channel_ids": ["pbx-123.456"]},
    ]


def test_status_as_the_reference_shows_it(api: APIClient):
    seen(stasis_calls=2, blacklisted_this_session=15)
    workers.ran_ok("asterisk.ari.asterisk_1")
    with socket_count.counted("/jpbx-ws"), socket_count.counted("/ws"):
        response = get(api, "status")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", response.pop("timestamp"))
    assert response == {
        "status": "running",
        "websocket": "connected",
        "stasis_calls": 2,
        "blacklisted_this_session": 15,
        "ws_clients": 1,
        "active_calls": 1,
    }


def test_status_time_is_local(api: APIClient):
    with time_machine.travel(NOON, tick=False):
        assert get(api, "status")["timestamp"] == "2025-12-09T12:00:00.000000"


def test_a_gateway_without_a_pbx_returns_empty_lists(api: APIClient):
    assert get(api, "calls") == {"active_calls": [], "count": 0}
    assert get(api, "ari/endpoints") == []
    assert get(api, "blacklist") == {"blacklist": [], "count": 0}
    response = get(api, "status")
    assert (response["status"], response["websocket"]) == ("disabled", "disconnected")


def test_one_of_two_servers_unavailable_is_not_connected(api: APIClient):
    seen()
    seen("asterisk_2", websocket="disconnected")
    assert get(api, "status")["websocket"] == "disconnected"
    assert get(api, "calls")["count"] == 1


def test_a_failing_monitor_is_down(api: APIClient):
    for _ in range(3):
        workers.failed("asterisk.ari.asterisk_1", OSError("refused"))
    assert get(api, "status")["status"] == "down"


def test_blacklist_as_the_reference_shows_it(api: APIClient):
    with time_machine.travel(NOON, tick=False) as clock:
        lists.blacklist_number("+393408564246", hours=None, reason=Reason.MANUAL_PERMANENT)
        clock.shift(60)
        lists.blacklist_number("+393883666427", hours=24, reason=Reason.ANSWERED)
        assert get(api, "blacklist") == {
            "blacklist": [
                {
                    "number": "3883666427",
                    "reason": "answered-24h",
                    "created_at": "2025-12-09 12:01:00",
                    "expires_at": "2025-12-10 12:01:00",
                    "permanent": 0,
                },
                {
                    "number": "3408564246",
                    "reason": "manual-permanent",
                    "created_at": "2025-12-09 12:00:00",
                    "expires_at": "2099-12-31 23:59:59",
                    "permanent": 1,
                },
            ],
            "count": 2,
        }


def test_adding_as_the_reference_shows_it(api: APIClient):
    with time_machine.travel(NOON, tick=False):
        response = add(api, number="3331234567", hours=24, permanent=False)
        assert response == {
            "success": True,
            "number": "3331234567",
            "expires_at": "2025-12-10 12:00:00",
            "permanent": 0,
            "created": True,
            "prolonged": False,
        }
        (entry,) = get(api, "blacklist")["blacklist"]
    assert entry.keys() == ENTRY_KEYS
    assert entry["reason"] == "manual"


def test_removing_as_the_reference_shows_it(api: APIClient):
    add(api, number="3331234567")
    assert delete(api, "3331234567") == {
        "success": True,
        "message": "Number removed from blacklist",
    }
    assert get(api, "blacklist") == {"blacklist": [], "count": 0}


# --- Beyond the reference -------------------------------------------------------------------------


def test_a_number_is_listed_for_a_day_by_default(api: APIClient):
    with time_machine.travel(NOON, tick=False):
        assert add(api, number="3331234567")["expires_at"] == "2025-12-10 12:00:00"


@pytest.mark.parametrize("hours", [24, 0, None, "x", [], 1e9])
def test_permanent_makes_hours_not_count(api: APIClient, hours: Any):
    response = add(api, number="3331234567", hours=hours, permanent=True)
    assert (response["expires_at"], response["permanent"]) == ("2099-12-31 23:59:59", 1)
    assert get(api, "blacklist")["blacklist"][0]["reason"] == "manual-permanent"


def test_digits_in_a_text_are_hours(api: APIClient):
    with time_machine.travel(NOON, tick=False):
        assert add(api, number="3331234567", hours="48")["expires_at"] == "2025-12-11 12:00:00"


def test_a_listed_number_is_prolonged_or_made_permanent_and_never_shortened(api: APIClient):
    def result(**body: Any) -> tuple[Any, ...]:
        response = add(api, number="333 1234567", **body)
        return response["created"], response["prolonged"], response["expires_at"]

    with time_machine.travel(NOON, tick=False):
        assert result(hours=24) == (True, False, "2025-12-10 12:00:00")
        assert result(hours=48) == (False, True, "2025-12-11 12:00:00")
        assert result(hours=1) == (False, False, "2025-12-11 12:00:00")
        assert result(permanent=True) == (False, True, "2099-12-31 23:59:59")
        assert result(hours=1) == (False, False, "2099-12-31 23:59:59")
    assert get(api, "blacklist")["count"] == 1


def test_times_stay_in_one_zone_on_the_day_the_clock_changes(api: APIClient):
    with time_machine.travel(datetime(2026, 3, 28, 12, tzinfo=UTC), tick=False):  # 13:00 in Rome
        assert add(api, number="3331234567")["expires_at"] == "2026-03-29 14:00:00"
        assert get(api, "blacklist")["blacklist"][0]["created_at"] == "2026-03-28 13:00:00"


def test_expired_entries_are_not_listed_from_that_instant(api: APIClient):
    with time_machine.travel(NOON, tick=False) as clock:
        add(api, number="3331234567", hours=1)
        clock.shift(timedelta(seconds=3599.9))
        assert get(api, "blacklist")["count"] == 1
        clock.shift(timedelta(seconds=0.1))
        assert get(api, "blacklist")["count"] == 0
        assert get(api, "blacklist?number=3331234567")["count"] == 0
        assert delete(api, "3331234567", 404)
        assert ListEntry.objects.count() == 1, "the table was not what changed"


NOTATIONS = ["3331234567", "+393331234567", "00393331234567", "333 123 4567", "+39 333-1234567",
             "\u202a333\u00a01234567\u202c", "tel:+39-333-1234567;ext=1",
             "<sip:3331234567@host;user=phone>", "\uff13\uff13\uff131234567"]  # fmt: skip


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_is_the_same_number(api: APIClient, notation: str):
    assert add(api, number=notation)["number"] == "3331234567"
    assert get(api, f"blacklist?number={quote(notation)}")["count"] == 1
    assert add(api, number="3331234567")["created"] is False
    delete(api, notation)
    assert get(api, "blacklist")["count"] == 0


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("3.33E+09", "spreadsheet"),
        ("12", "too short"),
        ("612345678", "leading zero may be missing"),
    ],
)
def test_a_doubtful_number_is_refused_with_the_reason(api: APIClient, number: str, reason: str):
    body = orjson.dumps({"number": number})
    response = api.post(
        "/jpbx-api/api/blacklist", body, content_type="application/json", HTTP_ACCEPT_LANGUAGE="en"
    )
    assert reason in read(response, 400)["errors"]["number"][0]


@pytest.mark.parametrize("number", ["40712345678", "+39612345678", "187", "+41*", "+*", "18*"])
def test_what_is_shown_can_be_asked_for_and_removed(api: APIClient, number: str):
    shown = add(api, number=number)["number"]
    assert get(api, f"blacklist?number={quote(shown)}")["count"] == 1
    delete(api, shown)


def test_a_number_finds_the_prefixes_that_match_it(api: APIClient):
    for number in ("+3989*", "899748963", "3331234567"):
        add(api, number=number)
    assert set(numbers(get(api, "blacklist?number=899748963"))) == {"+3989*", "899748963"}
    assert numbers(get(api, "blacklist?number=%2B3989*")) == ["+3989*"]
    delete(api, "+3989*")
    assert get(api, "blacklist")["count"] == 2


def test_a_reason_finds_its_entries(api: APIClient):
    add(api, number="3331234567")
    add(api, number="3331234568", permanent=True)
    assert numbers(get(api, "blacklist?reason=manual-permanent")) == ["3331234568"]
    assert get(api, "blacklist?reason=none") == {"blacklist": [], "count": 0, "next": None}


@pytest.mark.parametrize("limit", [1, 3, 7, 25])
def test_paging_returns_every_entry_once_also_of_one_instant(api: APIClient, limit: int):
    with time_machine.travel(NOON, tick=False) as clock:
        for n in range(25):
            clock.move_to(NOON + timedelta(microseconds=n // 10))
            lists.blacklist_number(f"+39333000{n:04}", hours=24)
        clock.move_to(NOON + timedelta(hours=1))
        paged: list[str] = []
        cursor = ""
        for _ in range(30):
            response = get(api, f"blacklist?limit={limit}{cursor}")
            paged += numbers(response)
            if response["next"] is None:
                break
            cursor = f"&cursor={response['next']}"
        assert paged == numbers(get(api, "blacklist"))
    assert len(set(paged)) == 25


def test_csv_has_every_entry_and_its_note(api: APIClient):
    with time_machine.travel(NOON, tick=False):
        add(api, number="3331234567", note="=1+1")
        response = api.get("/jpbx-api/api/blacklist?format=csv")
        body = response.getvalue().decode()
    assert (
        response.headers["Content-Disposition"] == 'attachment; filename="blacklist-2025-12-09.csv"'
    )
    assert body.splitlines() == [
        "number,reason,created_at,expires_at,permanent,note",
        "3331234567,manual,2025-12-09 12:00:00,2025-12-10 12:00:00,0,'=1+1",
    ]


def test_the_allow_list_is_a_list_of_its_own(api: APIClient):
    body = orjson.dumps({"number": "3331234567", "note": "the director"})
    assert post(api, body, path="allowlist")["expires_at"] == "2099-12-31 23:59:59"
    assert numbers(get(api, "allowlist"), "allowlist") == ["3331234567"]
    assert get(api, "blacklist")["count"] == 0
    assert delete(api, "3331234567", 404) == {"detail": "Number not in blacklist"}
    assert delete(api, "+393331234567", path="allowlist")["success"] is True
    assert delete(api, "3331234567", 404, "allowlist") == {"detail": "Number not in allowlist"}


# --- Bad input ------------------------------------------------------------------------------------

BAD_HOURS = [
    0, -1, 87_601, 10**30, 1.5, 1e300, True, False, [], {}, [24], "x", "", "1e3", "-1", "24.0",
    "٢٤", "0x18", " 24", "9" * 10_000, "0",
]  # fmt: skip


@pytest.mark.parametrize("hours", BAD_HOURS, ids=lambda value: repr(value)[:20])
def test_bad_hours_are_named(api: APIClient, hours: Any):
    body = b'{"number":"3331234567","hours":%s}' % (
        str(hours).encode() if hours == 10**30 else orjson.dumps(hours)
    )
    response = post(api, body, 400)
    assert response.keys() == {"detail", "errors"}
    assert response["errors"].keys() == {"hours"}
    assert len(response["detail"]) < 300
    assert not ListEntry.objects.exists()


BAD_NUMBERS = [
    "", " ", "x", "anonymous", "+", "*", "1*2", "**", "3331234567\0", "\0", "3.33123E+09",
    "3" * 10_000, "333;DROP", "<script>", "333\n1234567x", None, 3331234567, True, [], {},
    ["3331234567"], "3331234567.0", "'3331234567", '="3331234567"', "12", "612345678", "0000000000",
]  # fmt: skip


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=lambda value: ascii(value)[:20])
def test_a_bad_number_is_named(api: APIClient, number: Any):
    response = post(api, orjson.dumps({"number": number}), 400)
    assert response["errors"].keys() == {"number"}
    assert len(response["detail"]) < 300
    assert not ListEntry.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "number"),
        (b"[]", "non_field_errors"),
        (b"null", "non_field_errors"),
        (b'"3331234567"', "non_field_errors"),
        (b"{}", "number"),
        (b'{"number":"3331234567","hours":1e3}', "hours"),
        (b'{"number":"3331234567","permanent":"true"}', "permanent"),
        (b'{"number":"3331234567","permanent":1}', "permanent"),
        (b'{"number":"3331234567","note":5}', "note"),
        (b'{"number":"3331234567","note":"\\u0000"}', "note"),
        pytest.param(
            b'{"number":"3331234567","note":"%s"}' % (b"x" * 201),
            "note",
            id="a note of 201 letters",
        ),
    ],
)
def test_a_bad_body_is_named(api: APIClient, body: bytes, field: str):
    assert post(api, body, 400)["errors"].keys() == {field}


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'{"number":"\xed\xa0\x80"}', b"[" * 5_000],
    ids=["half", "no UTF-8", "half a character", "5,000 brackets"],
)
def test_invalid_json_is_reported(api: APIClient, body: bytes):
    assert "JSON" in post(api, body, 400)["detail"]


@pytest.mark.parametrize("path", ["blacklist", "allowlist"])
@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=x", "limit"),
        ("number=x", "number"),
        ("number=", "number"),
        pytest.param(f"number={'3' * 5_000}", "number", id="number, 5,000 digits"),
        ("cursor=rubbish", "cursor"),
        ("cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk6YQ", "cursor"),
        ("cursor=MTA6", "cursor"),
        ("reason=a%0A", "reason"),
    ],
)
def test_a_bad_parameter_is_named(api: APIClient, path: str, query: str, name: str):
    response = get(api, f"{path}?{query}", 400)
    assert response["errors"].keys() == {name}


@pytest.mark.parametrize("path", ["blacklist", "allowlist"])
@pytest.mark.parametrize(
    "number",
    ["x", "..", "%2e", "3" * 5_000, "٣", "' OR 1=1", "🙂"],
    ids=["x", "dots", "%2e", "5,000 digits", "an Arabic digit", "SQL", "a smiley"],
)
def test_removing_what_is_no_number_is_refused(api: APIClient, path: str, number: str):
    assert delete(api, number, 400, path)["errors"].keys() == {"number"}


@pytest.mark.parametrize("raw", ["%", "%zz", "%ff%fe", "%C3%28"])
def test_broken_percent_encoding_is_no_number(api: APIClient, raw: str):
    response = api.delete(f"/jpbx-api/api/blacklist/{raw}")
    assert response.status_code == 400


def test_nul_in_the_address_is_refused(api: APIClient):
    assert "NUL" in read(api.delete("/jpbx-api/api/blacklist/333%00"), 400)["detail"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(
    body=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("number", "hours", "permanent", "note"), ANYTHING)
    )
    | ANYTHING
)
@hypothesis_settings(max_examples=150)
def test_whatever_is_posted_is_listed_or_refused_clearly(api: APIClient, settings: Any, body: Any):
    settings.RATE_LIMIT_PER_MINUTE = 0
    try:
        sent = orjson.dumps(body)
    except (TypeError, ValueError):  # lone surrogates, integers over 64 bits
        return
    response = api.post("/jpbx-api/api/blacklist", sent, content_type="application/json")
    body = orjson.loads(response.content)
    assert response.status_code in (200, 400), body
    assert body.keys() >= ({"success", "number"} if response.status_code == 200 else {"detail"})


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
@hypothesis_settings(max_examples=150)
def test_any_query_is_answered_or_refused_clearly(api: APIClient, settings: Any, text: str):
    settings.RATE_LIMIT_PER_MINUTE = 0
    quoted = quote(text, safe="")
    for response in (
        api.get(f"/jpbx-api/api/blacklist?number={quoted}"),
        api.get(f"/jpbx-api/api/blacklist?cursor={quoted}"),
        api.delete(f"/jpbx-api/api/blacklist/{quoted}"),
    ):
        assert response.status_code in (200, 400, 404), response.content
        assert response.status_code == 200 or "detail" in orjson.loads(response.content)


# --- Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", READ)
def test_every_address_needs_a_key(api: APIClient, path: str):
    assert APIClient().get(f"/jpbx-api/api/{path}").status_code == 401
    assert api.put(f"/jpbx-api/api/{path}", {}, format="json").status_code == 405


def test_a_reader_changes_no_list(api: APIClient):
    _, key = create_key(name="reader", scope=Scope.READ)
    reader = APIClient(headers={"X-API-Key": key})
    add(api, number="3331234567")
    assert reader.get("/jpbx-api/api/blacklist").status_code == 200
    assert add(reader, 403, number="3331234568")["detail"].startswith("This needs the scope write")
    delete(reader, "3331234567", 403)
    assert get(api, "blacklist")["count"] == 1


@pytest.mark.parametrize("address", ["blacklist/", "calls/", "", "ari/", "blacklist/a/b"])
def test_there_is_nothing_else(api: APIClient, address: str):
    assert api.get(f"/jpbx-api/api/{address}").status_code == 404


def test_lists_need_few_queries(api: APIClient, django_assert_max_num_queries: Any):
    seen()
    for n in range(100):
        lists.blacklist_number(f"+39333000{n:04}", hours=24)
    for path in READ:
        with django_assert_max_num_queries(3):
            get(api, path)
