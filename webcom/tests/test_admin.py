from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from core.admin import large_tables
from webcom import ingest, rollups
from webcom.admin import CallAdmin
from webcom.models import Call, Cursor, Line, Rebate, Unreadable
from webcom.tests.factories import (
    NOON,
    call_payload,
    ended,
    line_payload,
    rebates_payload,
    record,
    stored,
)
from webcom.types import parse_line, parse_rebates

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

MODELS = [Call, Line, Rebate, Unreadable, Cursor]
CALLS = "/admin/webcom/call/"


@pytest.fixture
def staff(viewer: Client) -> Client:
    """A member of staff who may view everything and is not a superuser."""
    return viewer


@pytest.fixture
def facts() -> None:
    """One of everything."""
    ingest.store_lines(
        [parse_line(line_payload(lineId="Sickprod90TLW", number="899748963", lineType="Vas"))]
    )
    ingest.store_calls(
        [
            ended(id="a", caller="3331234567"),
            ended(id="b", caller="3339999999", timestamp=NOON + 86_400 * 40),
            record(id="c", caller="+1*(2)", lineID="L2"),
        ],
        announce=False,
    )
    ingest.store_rebates(parse_rebates(rebates_payload()))
    ingest.store_unreadable({"id": None}, source="changes", reason="id")
    Cursor.objects.create(feed="webcom.calls", value="page-1")
    rollups.recount()


def found(client: Client, query: str) -> set[str]:
    response = client.get(f"{CALLS}?{query}")
    assert response.status_code == 200
    return {call.id for call in response.context["cl"].result_list}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_staff_see_everything_and_change_nothing(staff: Client, facts: None, model: Any):
    name = f"admin:webcom_{model.__name__.lower()}"
    assert staff.get(reverse(f"{name}_changelist")).status_code == 200
    key = model.objects.values_list("pk", flat=True).first()
    assert staff.get(reverse(f"{name}_change", args=[key])).status_code == 200
    assert staff.get(reverse(f"{name}_add")).status_code == 403
    assert staff.post(reverse(f"{name}_change", args=[key]), {"_save": "1"}).status_code == 403
    assert staff.post(reverse(f"{name}_delete", args=[key]), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=key).exists()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_not_even_a_superuser_changes_the_carrier_s_facts(
    admin_client: Client, facts: None, model: Any
):
    name = f"admin:webcom_{model.__name__.lower()}"
    key = model.objects.values_list("pk", flat=True).first()
    actions = {"action": "delete_selected", "_selected_action": key, "post": "yes"}
    assert admin_client.post(reverse(f"{name}_changelist"), actions).status_code in (200, 302, 403)
    assert admin_client.get(reverse(f"{name}_add")).status_code == 403
    assert model.objects.filter(pk=key).exists()


@pytest.mark.parametrize("page", ["periodictask", "intervalschedule"])
def test_the_schedule_can_be_edited(admin_client: Client, page: str):
    assert admin_client.get(f"/admin/django_celery_beat/{page}/").status_code == 200
    assert admin_client.get(f"/admin/django_celery_beat/{page}/add/").status_code == 200


def test_anonymous_visitors_are_redirected_to_the_login(client: Client):
    response = client.get(CALLS)
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"/admin/login/?next={CALLS}",
    )


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", "abc"),
        ("q=a", "a"),
        ("q=3331234567", "a"),
        ("q=333*", "ab"),
        ("q=333", ""),
        ("q=*", "abc"),
        ("q=899748963", "ab"),
        ("q=Sickprod90TLW", "ab"),
        ("q=+L2+", "c"),
        ("q=%2B1%2A%282%29", "c"),
        ("q=%25*", ""),
        ("q=%27%22%5C", ""),
        ("state=Ok", "ab"),
        ("state=Ringing", ""),
        ("line=L2", ""),
        ("line=Sickprod90TLW", "ab"),
        ("started_at__year=2025", "abc"),
        ("started_at__year=2025&started_at__month=12", "b"),
        pytest.param(
            "started_at__year=2025&started_at__month=11&started_at__day=15&state=Ok",
            "a",
            id="a day and a state",
        ),
    ],
)
def test_search_and_filters_find(staff: Client, facts: None, query: str, ids: str):
    assert found(staff, query) == (set(ids) if query != "line=L2" else {"c"})


def test_the_date_hierarchy_lists_dates_with_calls(staff: Client, facts: None):
    page = staff.get(CALLS).content.decode()
    assert "started_at__month=11" in page
    assert "started_at__month=12" in page
    page = staff.get(f"{CALLS}?started_at__year=2025&started_at__month=12").content.decode()
    assert re.findall(r"started_at__day=(\d+)", page)[:1] == ["25"]


def test_no_page_counts_or_reads_all_calls(
    staff: Client, facts: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(CallAdmin, "list_per_page", 1)
    for query in ("", "q=333*", "state=Ok", "started_at__year=2025", "p=2"):
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(f"{CALLS}?{query}").status_code == 200
        statements = [query["sql"] for query in queries if '"webcom_call"' in query["sql"]]
        assert len(statements) >= 2
        for sql in statements:
            assert "LIMIT" in sql or re.match(r"SELECT (MIN|MAX)", sql), sql


def test_a_list_is_counted_up_to_a_bound(
    staff: Client, facts: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(large_tables, "COUNTED", 2)
    assert staff.get(CALLS).context["cl"].result_count == 2


@pytest.mark.parametrize(
    "query", ["p=999999", "p=x", "q=%00", "o=99", "started_at__year=x", "rubbish=1", "state=%27"]
)
def test_odd_addresses_are_not_errors(staff: Client, facts: None, query: str):
    assert staff.get(f"{CALLS}?{query}").status_code in (200, 302, 400)


def test_every_index_that_search_needs_is_there():
    fields = {index.fields[0] for index in Call._meta.indexes} | {"id"}
    assert set(CallAdmin.search_fields) <= fields
    assert admin.site.is_registered(Call)


def exported(client: Client, model: str, file_format: int, **query: str) -> bytes:
    address = reverse(f"admin:webcom_{model}_export", query=query)
    form = client.get(address)
    assert form.status_code == 200
    fields = re.findall(
        r'name="([^"]+)"[^>]*type="checkbox"|type="checkbox" name="([^"]+)"', form.content.decode()
    )
    data = {name: "on" for pair in fields for name in pair if name}
    response = client.post(address, {**data, "format": str(file_format), "resource": ""})
    assert response.status_code == 200
    assert "attachment" in response.headers["Content-Disposition"], response.content[:2_000]
    return bytes(response.content)


def test_calls_are_exported_as_csv(staff: Client, facts: None):
    rows = list(csv.DictReader(io.StringIO(exported(staff, "call", 0, state="Ok").decode())))
    assert [row["id"] for row in rows] == ["b", "a"]
    assert (rows[1]["caller"], rows[1]["started_at"]) == ("3331234567", "2025-11-15 12:00:00")
    assert rows[1]["cost"].replace(",", ".") == "0.8850"  # the language of the pages is Italian


def test_calls_are_exported_as_xlsx(staff: Client, facts: None):
    sheet = load_workbook(io.BytesIO(exported(staff, "call", 1))).active
    header, *rows = sheet.iter_rows(values_only=True)
    assert {row[header.index("id")] for row in rows} == {"a", "b", "c"}
    assert {row[header.index("cost")] for row in rows} == {0.885, 0.15}


@pytest.mark.parametrize("model", ["line", "rebate", "unreadable", "cursor"])
@pytest.mark.parametrize("file_format", [0, 1])
def test_the_other_tables_are_exported_too(
    staff: Client, facts: None, model: str, file_format: int
):
    assert exported(staff, model, file_format)


@pytest.mark.parametrize("caller", ["=1+1", "@SUM(A1)"])
def test_an_exported_cell_is_no_formula(staff: Client, caller: str):
    stored(ended(caller=caller))
    row = next(csv.DictReader(io.StringIO(exported(staff, "call", 0).decode())))
    assert not row["caller"].startswith(("=", "@"))
    sheet = load_workbook(io.BytesIO(exported(staff, "call", 1))).active
    assert all(cell.data_type != "f" for cells in sheet.iter_rows() for cell in cells)


def test_an_export_that_is_too_large_is_refused_with_advice(
    staff: Client, facts: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.admin.read_only.MAX_EXPORTED", 2)
    address = f"{CALLS}export/?started_at__year=2025"
    response = staff.get(address, follow=True, headers={"accept-language": "en"})
    assert (response.request["PATH_INFO"], response.request["QUERY_STRING"]) == (
        CALLS,
        "started_at__year=2025",
    )
    assert "filter the list first" in response.content.decode()
    assert len(exported(staff, "call", 0, state="Ok").splitlines()) == 3


def test_the_admin_of_an_empty_database_opens(staff: Client):
    for model in MODELS:
        assert (
            staff.get(reverse(f"admin:webcom_{model.__name__.lower()}_changelist")).status_code
            == 200
        )


def supervisor(*, may_change: bool) -> Client:
    user = User.objects.create_user("supervisor", password="x", is_staff=True)
    names = ["view_unreadable", *["change_unreadable"] * may_change]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("may_change", [True, False])
def test_unreadable_payloads_are_tried_again_by_those_who_may(may_change: bool):
    ingest.store_unreadable(call_payload(id="a"), source="changes", reason="of an older release")
    ingest.store_unreadable(call_payload(id=None), source="changes", reason="id")
    response = supervisor(may_change=may_change).post(
        reverse("admin:webcom_unreadable_changelist"),
        {
            "action": "try_again",
            "_selected_action": list(Unreadable.objects.values_list("pk", flat=True)),
        },
        follow=True,
        headers={"accept-language": "en"},
    )
    texts = {str(message) for message in response.context["messages"]}
    assert ({"Stored: 1.", "Still unreadable: 1."} <= texts) == may_change
    assert Call.objects.filter(id="a").exists() == may_change
    assert Unreadable.objects.count() == 2 - may_change
