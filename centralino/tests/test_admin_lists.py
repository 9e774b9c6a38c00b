from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from centralino.admin.lists import ListEntryAdmin
from centralino.admin.screening import ScreenedCallAdmin
from centralino.models import LineRule, ListEntry, LiveState, PbxServer, ScreenedCall
from centralino.services import lists
from core.workers import services as workers

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

LISTED = "/admin/centralino/listentry/"
SCREENED = "/admin/centralino/screenedcall/"
NOON = datetime(2025, 12, 9, 11, 0, tzinfo=UTC)


def found(client: Client, address: str, query: str) -> list[Any]:
    response = client.get(f"{address}?{query}")
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def entry(number: str, *, allowed: bool = False) -> ListEntry:
    return ListEntry.objects.get(number=number, allowed=allowed)


def act(client: Client, action: str, *numbers: str, **more: str) -> None:
    rows = ListEntry.objects.filter(number__in=numbers, allowed=False)
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    assert client.post(LISTED, data, follow=True).status_code == 200


# --- The lists ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["333 123 4567", "+393331234567", "0039-333-1234567"])
@pytest.mark.parametrize(("hours", "reason"), [("48", "manual"), ("", "manual-permanent")])
def test_staff_add_a_number_in_any_notation(
    admin_client: Client, number: str, hours: str, reason: str
):
    with time_machine.travel(NOON, tick=False):
        data = {"number": number, "hours": hours, "note": "n"}
        assert admin_client.post(f"{LISTED}add/", data).status_code == 302
    made = entry("+393331234567")
    assert (made.reason, made.note) == (reason, "n")
    assert made.expires_at == (NOON + timedelta(hours=48) if hours else None)


def test_adding_a_listed_number_prolongs_it(admin_client: Client, entries: None):
    data = {"number": "3331234567", "hours": "", "note": ""}
    assert admin_client.post(f"{LISTED}add/", data).status_code == 302
    assert entry("+393331234567").expires_at is None
    assert entry("+393331234567").note == "rings every night"


def test_staff_add_to_the_allow_list(admin_client: Client):
    data = {"number": "3331234567", "allowed": "on"}
    assert admin_client.post(f"{LISTED}add/", data).status_code == 302
    assert entry("+393331234567", allowed=True).expires_at is None


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"number": "x"}, "number"),
        ({"number": ""}, "number"),
        ({"number": "*"}, "number"),
        ({"number": "3331234567", "hours": "0"}, "hours"),
        ({"number": "3331234567", "hours": "87601"}, "hours"),
        ({"number": "3331234567", "note": "x" * 201}, "note"),
    ],
)
def test_a_bad_entry_is_named(admin_client: Client, data: dict[str, str], field: str):
    response = admin_client.post(f"{LISTED}add/", data)
    assert response.context["adminform"].form.errors.keys() == {field}
    assert not ListEntry.objects.exists()


def test_of_an_entry_only_the_note_is_written(admin_client: Client, entries: None):
    row = entry("+393331234567")
    address = f"{LISTED}{row.pk}/change/"
    assert admin_client.get(address).status_code == 200
    data = {"note": "the neighbour", "number": "+391", "hits": "9", "expires_at": ""}
    assert admin_client.post(address, data).status_code == 302
    after = entry("+393331234567")
    assert (after.note, after.hits, after.expires_at) == ("the neighbour", 0, row.expires_at)


def test_actions_make_permanent_and_extend(admin_client: Client, entries: None):
    before = entry("+39899748963").expires_at
    assert before
    act(admin_client, "extend", "+39899748963", "+3989*")
    assert entry("+39899748963").expires_at == before + timedelta(hours=24)
    assert entry("+3989*").expires_at is None
    act(admin_client, "make_permanent", "+39899748963")
    assert entry("+39899748963").expires_at is None


def test_releasing_takes_the_services_door(admin_client: Client, entries: None):
    act(admin_client, "delete_selected", "+39899748963", post="yes")
    assert entry("+39899748963").reason == lists.RELEASED
    assert len(found(admin_client, LISTED, "")) == 3
    row = entry("+393331234567", allowed=True)
    admin_client.post(f"{LISTED}{row.pk}/delete/", {"post": "yes"})
    assert [one.allowed for one in found(admin_client, LISTED, "q=3331234567")] == [False]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", {"+393331234567", "+3989*", "+39899748963"}),
        ("q=333+123+4567", {"+393331234567"}),
        ("q=00393331234567", {"+393331234567"}),
        ("q=899748963", {"+3989*", "+39899748963"}),
        ("q=89*", {"+3989*", "+39899748963"}),
        ("q=333*", {"+393331234567"}),
        ("q=night", {"+393331234567"}),
        ("q=%27%22%5C", set()),
        ("term=permanent&allowed__exact=0", {"+3989*"}),
        ("term=limited", {"+393331234567", "+39899748963"}),
        ("term=prefix", {"+3989*"}),
        ("reason=answered-24h", {"+39899748963"}),
        ("allowed__exact=1", {"+393331234567"}),
    ],
)
def test_search_and_filters_find(viewer: Client, entries: None, query: str, numbers: set[str]):
    assert {row.number for row in found(viewer, LISTED, query)} == numbers


def test_a_viewer_changes_no_list(viewer: Client, entries: None):
    row = entry("+393331234567")
    assert viewer.get(f"{LISTED}{row.pk}/change/").status_code == 200
    assert viewer.get(f"{LISTED}add/").status_code == 403
    assert viewer.get(f"{LISTED}import/").status_code == 403
    assert viewer.post(f"{LISTED}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    act(viewer, "make_permanent", "+393331234567")
    assert entry("+393331234567").expires_at


# --- Rules and history ----------------------------------------------------------------------------


def test_rules_are_staff_s(admin_client: Client):
    data = {"called": "800026028", "enabled": "on", "answered_hours": "0", "hangup_reason": "busy"}
    assert admin_client.post("/admin/centralino/linerule/add/", data).status_code == 302
    assert LineRule.objects.get(called="800026028").hangup_reason == "busy"
    assert admin_client.get("/admin/centralino/linerule/").status_code == 200


@pytest.fixture
def history() -> None:
    ScreenedCall.objects.bulk_create(
        ScreenedCall(
            server="asterisk_1",
            channel_id=f"pbx-{n}",
            caller=caller,
            number=number,
            called="800",
            verdict=verdict,
            why=why,
            entry=number if why == "blacklist" else "",
            at=NOON + timedelta(minutes=n),
        )
        for n, (caller, number, verdict, why) in enumerate(
            [
                ("3331234567", "+393331234567", "blocked", "blacklist"),
                ("anonymous", "", "blocked", "anonymous"),
                ("3339999999", "+393339999999", "passed", "clean"),
            ]
        )
    )


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", "210"),
        ("q=333+1234567", "0"),
        ("q=333*", "20"),
        ("q=pbx-1", "1"),
        ("verdict__exact=blocked", "10"),
        ("why__exact=anonymous", "1"),
        ("q=%27", ""),
    ],
)
def test_history_is_found_with_its_reason(viewer: Client, history: None, query: str, ids: str):
    rows = found(viewer, SCREENED, query)
    assert [row.channel_id for row in rows] == [f"pbx-{n}" for n in ids]


def test_nobody_changes_history(admin_client: Client, history: None):
    pk = ScreenedCall.objects.values_list("pk", flat=True)[0]
    assert admin_client.get(f"{SCREENED}{pk}/change/").status_code == 200
    assert admin_client.get(f"{SCREENED}add/").status_code == 403
    response = admin_client.post(f"{SCREENED}{pk}/delete/", {"post": "yes"})
    assert (response.status_code, ScreenedCall.objects.count()) == (403, 3)


@pytest.mark.parametrize(("address", "table"), [(LISTED, "listentry"), (SCREENED, "screenedcall")])
def test_no_page_counts_or_reads_all_rows(
    viewer: Client,
    entries: None,
    history: None,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    table: str,
):
    for page in (ListEntryAdmin, ScreenedCallAdmin):
        monkeypatch.setattr(page, "list_per_page", 1)
    for query in ("", "q=333*", "p=2"):
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(f"{address}?{query}").status_code in (200, 302)
        statements = [one["sql"] for one in queries if f'"centralino_{table}"' in one["sql"]]
        assert statements
        assert all("LIMIT" in sql for sql in statements), statements


# --- Servers --------------------------------------------------------------------------------------


def test_extensions_and_screening_are_seen_beside_the_server(admin_client: Client):
    server = PbxServer.objects.create(name="asterisk_1", ari_url="http://127.0.0.1:8088/ari")
    PbxServer.objects.create(name="1")
    endpoints = [
        {"technology": "PJSIP", "resource": "105", "state": "online", "channel_ids": []},
        {"technology": "PJSIP", "resource": "100", "state": "offline", "channel_ids": []},
    ]
    document = {"endpoints": endpoints, "status": {"websocket": "connected"}}
    LiveState.objects.create(key="asterisk_1.ari", document=document, updated_at=timezone.now())
    workers.ran_ok("asterisk.ari.asterisk_1")
    page = admin_client.get("/admin/centralino/pbxserver/").content.decode()
    assert page.count("100 scollegato, 105 libero") == 1
    assert "In funzione" in page
    page = admin_client.get(f"/admin/centralino/pbxserver/{server.pk}/change/").content.decode()
    assert "100 scollegato, 105 libero" in page
