from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import time_machine
from rest_framework.test import APIClient

from core.lib.days import local_day
from webcom import ingest, rollups, selectors
from webcom.models import Line
from webcom.tests.factories import (
    NOON,
    call_payload,
    ended,
    epoch,
    line_payload,
    rebates_payload,
    record,
    stored,
)
from webcom.types import parse_call, parse_line, parse_rebates

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

CALL_KEYS = {  # of both references; the last three are additions
    "id": str,
    "lineID": str,
    "state": str,
    "direction": str,
    "caller": str,
    "called": str,
    "callerOperator": str,
    "cost": float,
    "duration": int,
    "lineNumber": str,
    "timestamp": int,
    "lineType": str,
    "endedAt": int | None,
    "revision": int,
}
EVERY_ADDRESS = [
    "lines",
    "calls",
    "calls/unknown",
    "rebates",
    "stats/today",
    "stats/daily",
    "stats/hourly",
    "stats/5min",
]


def get(api: APIClient, path: str, status: int = 200, **headers: str) -> Any:
    response = api.get(f"/api/webcom/{path}", headers=headers)
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json"
    return orjson.loads(response.content)


def is_of(value: Any, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


# --- The reference's own examples -----------------------------------------------------------------


def test_lines_as_the_reference_shows_them(api: APIClient):
    ingest.store_lines(
        [parse_line(line_payload()), parse_line(line_payload(lineId="A1", name="Reception"))]
    )
    assert get(api, "lines") == {
        "count": 2,
        "lines": [
            line_payload(lineId="A1", name="Reception"),
            {
                "lineId": "Sickprod28GN",
                "number": "800026028",
                "lineType": "Green",
                "group": "Green",
                "relations": ["Read", "Write", "Owner"],
                "name": None,
            },
        ],
    }


def test_active_calls_as_the_reference_shows_them(api: APIClient):
    ingest.store_calls([record(), record(cost=None, duration=None), ended()], announce=False)
    response = get(api, "calls")
    assert response.keys() == {"count", "calls"}
    assert response["count"] == len(response["calls"]) == 2
    for call in response["calls"]:
        assert call.keys() == CALL_KEYS.keys()
        assert all(is_of(call[name], kind) for name, kind in CALL_KEYS.items()), call


def test_one_call_as_the_reference_shows_it(api: APIClient):
    call = stored(ended(cost=0.15))
    assert get(api, f"calls/{call.id}") == {
        "id": call.id,
        "lineID": "Sickprod90TLW",
        "state": "Ok",
        "direction": "Entering",
        "caller": "331234567",
        "called": "899748963",
        "callerOperator": "TIM",
        "cost": 0.15,
        "duration": 45,
        "lineNumber": "899748963",
        "timestamp": NOON,
        "lineType": "Vas",
        "endedAt": NOON + 47,
        "revision": 3,
    }


@pytest.mark.parametrize(
    "call_id",
    [
        "691880b00a5a19c9db354ac8",
        pytest.param("è", id="an accent"),
        "a b",
        pytest.param("x" * 500, id="500 letters"),
        "' OR 1=1",
        "..",
        "%2e",
    ],
)
def test_an_unknown_call_is_a_404_as_in_the_reference(api: APIClient, call_id: str):
    assert get(api, f"calls/{quote(call_id)}", 404) == {
        "error": "Call not found",
        "detail": "Call not found",
    }


def test_rebates_as_the_reference_shows_them(api: APIClient):
    ingest.store_rebates(parse_rebates(rebates_payload()))
    assert get(api, "rebates?month=2025-11") == {
        "month": "2025-11",
        "count": 2,
        "updated_at": "1731671400",
        "rebates": [
            {"type": "Vas", "operator": "TIMG", "cost": 2092.68, "counter": 923},
            {"type": "Green", "operator": "WIND", "cost": -0.07, "counter": 8},
        ],
    }


def test_a_month_without_rebates_is_empty(api: APIClient):
    assert get(api, "rebates?month=2020-01") == {
        "month": "2020-01",
        "count": 0,
        "updated_at": None,
        "rebates": [],
    }


def test_rebates_are_this_month_s_by_default(api: APIClient):
    with time_machine.travel("2025-10-31T23:30:00Z", tick=False):  # November in Rome
        assert get(api, "rebates")["month"] == "2025-11"


def test_today_as_the_reference_shows_it(api: APIClient):
    ingest.store_calls(
        [ended(cost=0.5), ended(cost=0.25), ended(lineID="G", lineNumber="800026028", cost=0)]
    )
    with time_machine.travel(NOON + 60, tick=False):
        response = get(api, "stats/today")
    assert response == {
        "date": "2025-11-15",
        "total_calls": 3,
        "total_duration_seconds": 135,
        "total_cost": 0.75,
        "by_line_type": {"Green": {"calls": 1, "cost": 0}, "Vas": {"calls": 2, "cost": 0.75}},
    }


def test_a_day_without_calls_has_both_line_types(api: APIClient):
    response = get(api, "stats/today")
    assert response["by_line_type"] == {
        "Green": {"calls": 0, "cost": 0},
        "Vas": {"calls": 0, "cost": 0},
    }
    assert (response["total_calls"], response["total_cost"], response["date"]) == (
        0,
        0,
        str(local_day()),
    )


def test_daily_as_the_reference_shows_it(api: APIClient):
    stored(ended(cost=1.5, timestamp=NOON - 86_400))
    with time_machine.travel(NOON, tick=False):
        days = get(api, "stats/daily")["days"]
        assert len(get(api, "stats/daily?days=30")["days"]) == 30
        assert get(api, "stats/daily?days=1") == {
            "days": [{"date": "2025-11-15", "calls": 0, "cost": 0}]
        }
    assert [day["date"] for day in days] == [
        str(date(2025, 11, 15) - timedelta(days=n)) for n in range(7)
    ]
    assert days[1] == {"date": "2025-11-14", "calls": 1, "cost": 1.5}


def test_hourly_as_the_reference_shows_it(api: APIClient):
    stored(ended(cost=2.5))
    response = get(api, "stats/hourly?date=2025-11-15")
    assert response["date"] == "2025-11-15"
    assert [hour["hour"] for hour in response["hours"]] == list(range(24))
    assert response["hours"][12] == {"hour": 12, "calls": 1, "cost": 2.5}
    assert sum(hour["calls"] for hour in response["hours"]) == 1


@pytest.mark.parametrize(
    "day", ["2025-03-30", "2025-10-26", "2026-03-29", "2026-10-25", "2000-01-01", "2099-12-31"]
)
def test_every_day_has_24_hours_also_when_the_clock_changes(api: APIClient, day: str):
    response = get(api, f"stats/hourly?date={day}")
    assert (response["date"], [hour["hour"] for hour in response["hours"]]) == (
        day,
        list(range(24)),
    )


def test_five_minutes_as_the_reference_shows_them(api: APIClient):
    stored(ended(timestamp=NOON))
    with time_machine.travel(NOON + 299, tick=False):
        response = get(api, "stats/5min")
    assert response.keys() == {"samples", "count", "timestamp"}
    assert response["count"] == len(response["samples"]) == 36
    assert response["samples"][0] == {"time": "09:05", "calls": 0}
    assert response["samples"][-1] == {"time": "12:00", "calls": 1}
    assert response["timestamp"] == "2025-11-15T11:04:59Z"


def test_figures_are_the_same_before_and_after_the_recount(api: APIClient):
    ingest.store_calls(
        [ended(timestamp=NOON + 300 * n, cost=0.1) for n in range(30)], announce=False
    )
    with time_machine.travel(NOON + 9_000, tick=False):
        before = [get(api, f"stats/{name}") for name in ("today", "daily", "hourly", "5min")]
        rollups.recount()
        assert [
            get(api, f"stats/{name}") for name in ("today", "daily", "hourly", "5min")
        ] == before
    assert before[0]["total_cost"] == 3


def test_a_call_of_an_unlisted_line_counts_as_unknown(api: APIClient):
    stored(ended(lineID="", lineNumber="0612345", called=""))
    assert selectors.day_totals(date(2025, 11, 15)).by_line_type["Unknown"].calls == 1


def test_an_unknown_state_is_shown_unchanged(api: APIClient):
    stored(record(state="In coda 7"))
    assert [call["state"] for call in get(api, "calls")["calls"]] == ["In coda 7"]


# --- Beyond the reference -------------------------------------------------------------------------


def test_limit_cuts_the_list_and_count_is_its_length(api: APIClient):
    ingest.store_calls([record(timestamp=NOON + n) for n in range(60)], announce=False)
    assert get(api, "calls")["count"] == 50
    response = get(api, "calls?limit=3")
    assert response["count"] == 3
    assert [call["timestamp"] for call in response["calls"]] == [NOON + 59, NOON + 58, NOON + 57]
    assert get(api, "calls?limit=10000")["count"] == 60


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=Busy", "b"),
        ("line=L1", "a"),
        ("line=800026028", "a"),
        ("line=L9", ""),
        ("caller=332", "c"),
        ("caller=%2B39332", "c"),
        ("caller=347%C2%A0889%203084", "a"),
        ("caller=tel:00393478893084;ext=1", "a"),
        ("line=%2B39800026028", "a"),
        ("line=800026028;npdi", "a"),
        ("active=true", "c"),
        ("active=false", "cba"),
        (f"from={NOON + 60}", "cb"),
        (f"to={NOON + 60}", "a"),
        (f"from={NOON}&to={NOON + 61}", "ba"),
        ("from=2025-11-15&to=2025-11-15", "cba"),
        ("from=2025-11-16", ""),
        ("to=2025-11-14", ""),
        ("from=2025-11-15T12:01:00", "cb"),
        ("from=2025-11-15T11:01:00Z", "cb"),
        ("from=2025-11-15T12:01:00%2B01:00&state=Busy", "b"),
        ("state=Pending&active=true&caller=332&line=L3", "c"),
        ("caller=", ""),
    ],
)
def test_filters_find(api: APIClient, query: str, found: str):
    ingest.store_lines([parse_line(line_payload(lineId="L1"))])
    ingest.store_calls(
        [
            ended(id="a", lineID="L1", caller="+393478893084"),
            ended(id="b", state="Busy", timestamp=NOON + 60),
            record(id="c", lineID="L3", caller="332", timestamp=NOON + 120),
        ],
        announce=False,
    )
    response = get(api, f"calls?{query}")
    assert "".join(call["id"] for call in response["calls"]) == found
    assert response["next"] is None


@pytest.mark.parametrize("limit", [1, 3, 7, 25])
def test_paging_returns_every_call_once_also_with_equal_starts(api: APIClient, limit: int):
    calls = [stored(ended(timestamp=NOON + n // 10)) for n in range(25)]
    ids, cursor = [], ""
    for _ in range(30):
        response = get(api, f"calls?active=false&limit={limit}{cursor}")
        ids += [call["id"] for call in response["calls"]]
        if response["next"] is None:
            break
        cursor = f"&cursor={response['next']}"
    expected = sorted(calls, key=lambda call: (call.started_at, call.id), reverse=True)
    assert ids == [call.id for call in expected]


# --- Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "0",
        "-1",
        "abc",
        "1e9",
        "",
        "10001",
        pytest.param("9" * 400, id="400 digits"),
        "1.5",
        "NaN",
        "%20",
        "0x10",
        "1_0",
        "null",
        pytest.param("٣", id="an Arabic digit"),
        "+",
    ],
)
def test_a_bad_limit_is_named(api: APIClient, value: str):
    response = get(api, f"calls?limit={value}", 400)
    assert response.keys() == {"detail", "errors"}
    assert response["errors"].keys() == {"limit"}
    assert response["detail"].startswith("limit: ")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("stats/daily?days=0", "days"),
        ("stats/daily?days=31", "days"),
        ("stats/daily?days=x", "days"),
        ("stats/daily?days=", "days"),
        ("stats/hourly?date=2025-13-40", "date"),
        ("stats/hourly?date=2025-02-31", "date"),
        ("stats/hourly?date=today", "date"),
        ("stats/hourly?date=", "date"),
        ("stats/hourly?date=2025-11-15%0A", "date"),
        ("stats/hourly?date=1999-12-31", "date"),
        ("stats/hourly?date=9999-12-31", "date"),
        pytest.param(f"stats/hourly?date={'2' * 5_000}", "date", id="date, 5,000 digits"),
        ("rebates?month=2025-13", "month"),
        ("rebates?month=2025-11%0A", "month"),
        ("rebates?month=2025-1", "month"),
        ("rebates?month=", "month"),
        ("rebates?month=%D9%A2025-11", "month"),
        pytest.param(f"rebates?month={'x' * 5_000}", "month", id="month, 5,000 letters"),
        ("calls?cursor=rubbish", "cursor"),
        ("calls?cursor=%F0%9F%98%80", "cursor"),
        ("calls?cursor=LTE6YQ", "cursor"),  # -1:a
        ("calls?cursor=OTk5OTk5OTk5OTk5OTk6YQ", "cursor"),  # 99999999999999:a
        ("calls?cursor=MTc2MzIwNDQwMDo", "cursor"),  # 1763204400:
        ("calls?cursor=MTc2MzIwNDQwMDphAGI", "cursor"),  # a NUL in the id
        pytest.param(f"calls?cursor={'A' * 5_000}", "cursor", id="cursor, 5,000 letters"),
        ("calls?from=yesterday", "from"),
        ("calls?from=2025-11-15T25:00:00Z", "from"),
        ("calls?from=0001-01-01T00:00:00", "from"),
        ("calls?from=9999-12-31T23:59:59", "from"),
        ("calls?to=2025-02-30", "to"),
        ("calls?to=12345678901234567890", "to"),
        ("calls?to=-1", "to"),
        ("calls?active=perhaps", "active"),
        pytest.param(f"calls?caller={'3' * 65}", "caller", id="caller, 65 digits"),
        ("calls?caller=3478893084.0", "caller"),
        ("calls?state=Ok%0D%0A", "state"),
        ("calls?state=Ok%0A", "state"),
        pytest.param(f"calls?line={'L' * 5_000}", "line", id="line, 5,000 letters"),
    ],
)
def test_a_bad_parameter_is_named(api: APIClient, path: str, name: str):
    response = get(api, path, 400)
    assert response.keys() == {"detail", "errors"}
    assert response["errors"].keys() == {name}
    assert response["detail"].startswith(f"{name}: ")
    assert len(response["detail"]) < 300


@pytest.mark.parametrize(
    "path", ["calls?state=%00", "calls/a%00b", "stats/hourly?date=%00", "rebates?month=2025-11%00"]
)
def test_nul_is_refused_everywhere(api: APIClient, path: str):
    assert "NUL" in get(api, path, 400)["detail"]


@pytest.mark.parametrize(
    "query", ["from=", "to=", "cursor=", "unknown=1", "limit=5&limit=7", "%FF=1"]
)
def test_empty_and_unknown_parameters_do_not_filter(api: APIClient, query: str):
    stored(record())
    assert get(api, f"calls?{query}")["count"] == 1


@pytest.mark.parametrize("path", EVERY_ADDRESS)
def test_every_address_needs_a_key_and_only_reads(api: APIClient, path: str):
    assert APIClient().get(f"/api/webcom/{path}").status_code == 401
    for method in (api.post, api.put, api.patch, api.delete):
        response = method(f"/api/webcom/{path}", {}, format="json")
        assert response.status_code == 405
        assert "detail" in orjson.loads(response.content)


def test_lists_need_few_queries(api: APIClient, django_assert_max_num_queries: Any):
    ingest.store_calls(
        [parse_call(call_payload(timestamp=NOON + n)) for n in range(100)], announce=False
    )
    Line.objects.bulk_create(
        [
            Line(line_id=f"L{n}", number=str(n), line_type="Vas", updated_at="2025-11-15T00:00Z")
            for n in range(50)
        ]
    )
    for path in EVERY_ADDRESS:
        with django_assert_max_num_queries(3):
            api.get(f"/api/webcom/{path}")


def test_the_current_hour_counts_at_once(api: APIClient):
    with time_machine.travel(epoch(2026, 1, 1, 10, 3), tick=False):
        stored(record(timestamp=epoch(2026, 1, 1, 10, 2)))
        assert get(api, "stats/today")["total_calls"] == 1
        assert get(api, "stats/5min")["samples"][-1] == {"time": "11:00", "calls": 1}
