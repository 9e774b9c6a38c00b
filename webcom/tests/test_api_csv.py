from __future__ import annotations

import csv
import io
import json

import pytest
from rest_framework.test import APIClient

from core.api.csv_responses import csv_lines
from core.lib.days import local_day
from webcom import ingest, selectors
from webcom.serializers import CALL_CSV_FIELDS, call_document
from webcom.tests.factories import NOON, ended, record, stored

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


def csv_rows(api: APIClient, query: str) -> list[dict[str, str]]:
    response = api.get(f"/api/webcom/calls?{query}")
    assert response.status_code == 200
    assert response.streaming
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def test_csv_holds_every_call_that_matches_with_the_reference_s_names(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(selectors, "_PAGE_SIZE", 4)
    ingest.store_calls(
        [ended(id=f"c{n:02}", timestamp=NOON + n // 3, cost=0.1) for n in range(10)], announce=False
    )
    ingest.store_calls([ended(state="Busy")], announce=False)
    rows = csv_rows(api, "format=csv&state=Ok")
    assert [row["id"] for row in rows] == [f"c{n:02}" for n in reversed(range(10))]
    assert rows[0] == {
        "id": "c09",
        "timestamp": str(NOON + 3),
        "endedAt": str(NOON + 50),
        "state": "Ok",
        "direction": "Entering",
        "lineID": "Sickprod90TLW",
        "lineNumber": "899748963",
        "caller": "331234567",
        "called": "899748963",
        "callerOperator": "TIM",
        "duration": "45",
        "cost": "0.1",
    }
    assert len(csv_rows(api, "format=csv&state=Ok&limit=2")) == 2


def test_csv_is_requested_by_format_or_accept(api: APIClient):
    response = api.get("/api/webcom/calls", headers={"Accept": "text/csv"})
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (
        response.headers["Content-Disposition"] == f'attachment; filename="calls-{local_day()}.csv"'
    )
    assert response.getvalue().decode().startswith("id,timestamp,endedAt,state,")


@pytest.mark.parametrize(
    ("caller", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("+39331234567", "+39331234567"),
        ("-1", "-1"),
        ('a,"b"', 'a,"b"'),
    ],
)
def test_csv_cells_are_no_formulas(api: APIClient, caller: str, cell: str):
    stored(record(caller=caller))
    assert [row["caller"] for row in csv_rows(api, "format=csv")] == [cell]


def test_csv_is_streamed_in_pieces():
    document = call_document(ended())
    pieces = list(csv_lines(CALL_CSV_FIELDS, (document for _ in range(2_000))))
    assert len(pieces) > 2
    assert max(map(len, pieces)) < 70_000
    assert "".join(pieces).count(document.id) == 2_000


def test_csv_refuses_bad_filters_in_json(api: APIClient):
    response = api.get("/api/webcom/calls?format=csv&limit=0")
    assert (response.status_code, response.json()["errors"].keys()) == (400, {"limit"})


def test_what_is_no_list_is_json_also_where_csv_was_asked_for(api: APIClient):
    response = api.options("/api/webcom/calls?format=csv")
    assert response.headers["Content-Type"] == "application/json"
    assert "text/csv" in json.loads(response.content)["renders"]
