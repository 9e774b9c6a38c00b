from __future__ import annotations

import re
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


RULES = "/admin/centralino/linerule/"


@pytest.fixture
def yesterday() -> None:
    """Callers of 899748963 on the day before NOON, and one of another line."""
    callers = [
        "+41791234567", "0044 7911 123456", "+39612345678", "187", "3331234567", "3331234567",
        "anonymous",
    ]  # fmt: skip
    facts = [(caller, "899748963", "1") for caller in callers] + [
        ("+41791234567", "800026028", "2")
    ]
    ScreenedCall.objects.bulk_create(
        ScreenedCall(
            server="asterisk_1", channel_id=f"{server}.{n}", caller=caller, called=called,
            verdict="passed", why="clean", at=NOON - timedelta(days=1) + timedelta(seconds=n),
        )
        for n, (caller, called, server) in enumerate(facts)
    )  # fmt: skip


def dry_runs(client: Client, rule: LineRule, language: str = "en") -> list[str]:
    with time_machine.travel(NOON, tick=False):
        page = client.get(f"{RULES}{rule.pk}/change/", headers={"accept-language": language})
    return re.findall(r"(?:would have refused|avrebbe rifiutato) [\d.,]+ (?:of|su) [\d.,]+",
                      page.content.decode())  # fmt: skip


def test_each_class_says_whom_it_would_have_refused_yesterday(
    admin_client: Client, yesterday: None
):
    rule = LineRule.objects.create(called="899 748963", foreign_except="+44")
    expected = [f"would have refused {count} of 7" for count in (1, 1, 1, 1)]
    assert dry_runs(admin_client, rule) == expected
    lists.allow_number("+41*")
    lists.allow_number("187")
    assert dry_runs(admin_client, rule)[0].startswith("would have refused 0")
    assert dry_runs(admin_client, rule, "it")[2] == "avrebbe rifiutato 0 su 7"


def test_the_rule_for_other_lines_counts_their_callers_only(admin_client: Client, yesterday: None):
    LineRule.objects.create(called="899748963")
    usual = LineRule.objects.create(called="")
    assert dry_runs(admin_client, usual)[0] == "would have refused 1 of 1"


def test_a_new_rule_has_no_callers_yet(admin_client: Client):
    page = admin_client.get(f"{RULES}add/", headers={"accept-language": "en"}).content.decode()
    assert page.count("known once the rule is saved") == 4


@pytest.mark.parametrize(
    ("field", "written", "stored"),
    [
        ("foreign_except", "ch, 00378; +41", "+41 +378"),
        ("foreign_except", "IT", None),
        ("called", "612345678", None),
        ("called", "8.99749E+08", None),
        ("called", "899 748 963", None),  # it has a rule
        ("called", "reception", "reception"),
        ("called", "12", "12"),
    ],
)
def test_a_rule_is_entered_in_any_notation(
    admin_client: Client, field: str, written: str, stored: str | None
):
    LineRule.objects.create(called="+39899748963")
    data = {
        "called": "800026028",
        "answered_hours": 24,
        "hangup_reason": "normal",
        "repeated_s": 60,
    }
    response = admin_client.post(f"{RULES}add/", data | {field: written})
    if stored is None:
        assert response.context["adminform"].form.errors.keys() == {field}
    else:
        assert getattr(LineRule.objects.latest("pk"), field) == stored


def test_a_rule_is_found_by_its_line_in_any_notation(admin_client: Client):
    rule = LineRule.objects.create(called="800026028")
    LineRule.objects.create(called="899748963")
    for query in ("q=%2B39+800+026028", "q=800*", "q=8000"):
        assert found(admin_client, RULES, query) == [rule]


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
