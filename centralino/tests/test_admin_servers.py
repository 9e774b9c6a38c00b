from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from centralino import retention
from centralino.admin import servers as pages
from centralino.channel_table import Table
from centralino.models import PbxCall, PbxServer
from centralino.services.calls import store_state
from centralino.types import PbxCallRecord
from core.lib.upstream import UpstreamError
from core.workers import services as workers

pytestmark = pytest.mark.django_db

SERVERS = "/admin/centralino/pbxserver/"
CALLS = "/admin/centralino/pbxcall/"
SECRET = "never-shown-0123456789"


@pytest.fixture
def server(settings: Any) -> PbxServer:
    settings.ASTERISK_SERVERS = {"asterisk_1": {"AMI_SECRET": SECRET}}
    return PbxServer.objects.create(name="asterisk_1", ssh_host="pbx.example.org", local_port=65532)


def finished(linkedid: str, *, caller: str = "3331234567", days_ago: int = 0) -> PbxCallRecord:
    started = datetime.now(UTC) - timedelta(days=days_ago, seconds=90)
    return PbxCallRecord(
        server="asterisk_1",
        linkedid=linkedid,
        caller=caller,
        caller_name="",
        exten="899748963",
        started_at=started,
        answered_at=None,
        ended_at=started + timedelta(seconds=30),
        cause=16,
        cause_text="Normal Clearing",
    )


def store(*records: PbxCallRecord) -> None:
    store_state("asterisk_1", Table(), 7, records)


def found(client: Client, query: str) -> set[str]:
    response = client.get(f"{CALLS}?{query}")
    assert response.status_code == 200
    return {call.linkedid for call in response.context["cl"].result_list}


def run_test(client: Client, server: PbxServer) -> str:
    chosen = {"action": "test_connection", "index": "0", "_selected_action": str(server.pk)}
    response = client.post(SERVERS, chosen, follow=True, headers={"accept-language": "en"})
    return "\n".join(map(str, response.context["messages"]))


def test_the_list_shows_each_server_s_state_and_last_error(admin_client, server):
    store()
    workers.failed("asterisk.ami.asterisk_1", UpstreamError("the manager is silent"))
    page = admin_client.get(SERVERS).content.decode()
    assert "In difficoltà" in page
    assert "the manager is silent" in page
    assert re.search(r'<td class="[^"]*\bfield-channels\b[^>]*>\s*7\s*<', page)


def test_a_secret_is_said_to_be_set_and_never_shown(admin_client, server):
    page = admin_client.get(f"{SERVERS}{server.pk}/change/").content.decode()
    assert "ASTERISK_1_AMI_SECRET è impostato" in page
    assert "ASTERISK_1_ARI_PASSWORD manca" in page
    assert SECRET not in page


def test_the_connection_test_does_not_use_the_listener_s_port(admin_client, server, monkeypatch):
    ports = []

    @contextmanager
    def connected(server: PbxServer) -> Any:
        ports.append(server.local_port)
        yield type("Ami", (), {"listed": lambda self, name: [{}, {}, {}]})()

    monkeypatch.setattr(pages, "connected", connected)
    assert run_test(admin_client, server) == "asterisk_1: connected, 3 channels"
    assert ports == [0]
    server.refresh_from_db()
    assert server.local_port == 65532


def test_a_failing_test_shows_the_reason(admin_client, server, monkeypatch):
    def refused(server: PbxServer) -> Any:
        raise UpstreamError("connection refused")

    monkeypatch.setattr(pages, "connected", refused)
    assert run_test(admin_client, server) == "asterisk_1: connection refused"


def test_a_call_cannot_be_changed(admin_client):
    store(finished("1.1"))
    key = PbxCall.objects.get().pk
    assert admin_client.get(f"{CALLS}{key}/change/").status_code == 200
    assert admin_client.post(f"{CALLS}{key}/change/", {"caller": "1"}).status_code == 403
    assert admin_client.get(f"{CALLS}add/").status_code == 403


@pytest.mark.parametrize(
    "query", ["3331234567", "%2B393331234567", "0039 333 123-4567", "333.123.4567"]
)
@pytest.mark.parametrize("stored", ["3331234567", "+393331234567", "00393331234567"])
def test_a_caller_is_found_in_any_notation(admin_client, query, stored):
    store(finished("1.1", caller=stored), finished("1.2", caller="3399999999"))
    assert found(admin_client, f"q={query}") == {"1.1"}


@pytest.mark.parametrize("query", ["187", "0039187", "18*"])
def test_a_short_code_is_found_in_any_notation(admin_client, query):
    store(finished("1.1", caller="+39187"), finished("1.2", caller="119"))
    assert found(admin_client, f"q={query}") == {"1.1"}


def test_a_caller_that_came_without_plus_is_found_by_its_number(admin_client, server):
    PbxServer.objects.update(e164_without_plus=True)
    store(finished("1.1", caller="447911123456;npdi"))
    assert PbxCall.objects.get().number == "+447911123456"
    assert found(admin_client, "q=0044+7911+123456") == {"1.1"}


def test_withheld_callers_are_found_as_such_and_calls_of_before_are_not_mistaken(admin_client):
    store(finished("1.1", caller="anonymous"), finished("1.2"))
    PbxCall.objects.update(number="")
    assert found(admin_client, "q=Anonimo") == {"1.1"}


def test_what_is_no_number_finds_no_withheld_callers(admin_client):
    store(finished("1.1", caller=""))
    assert found(admin_client, "q=abc") == set()


def test_a_call_is_found_by_its_linkedid(admin_client, server):
    store(finished("1732417200.17"), finished("1732417200.18"))
    assert found(admin_client, "q=1732417200.17") == {"1732417200.17"}


def test_calls_are_filtered_by_server(admin_client, server):
    store(finished("1.1"))
    assert found(admin_client, "server=asterisk_1") == {"1.1"}
    assert found(admin_client, "server=asterisk_2") == set()


def test_only_calls_past_their_retention_are_pruned(settings, monkeypatch):
    settings.PBX_RETENTION_DAYS = 30
    monkeypatch.setattr(retention, "CHUNK_SIZE", 2)
    store(*(finished(f"1.{n}", days_ago=31) for n in range(5)), finished("2.1", days_ago=29))
    assert retention.prune() == 5
    assert [call.linkedid for call in PbxCall.objects.all()] == ["2.1"]


def test_nothing_is_pruned_without_a_retention_time(settings):
    settings.PBX_RETENTION_DAYS = 0
    store(finished("1.1", days_ago=9_999))
    assert retention.prune() == 0
