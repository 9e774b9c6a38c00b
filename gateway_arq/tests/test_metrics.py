"""/metrics: the documented JSON, and the same figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from centralino.channel_table import Table
from centralino.services.calls import store_state
from core.workers import leases
from core.workers import services as workers
from gateway_arq.backup.models import Backup
from webcom import ingest
from webcom.models import Line
from webcom.types import parse_call

pytestmark = pytest.mark.both_profiles

NOW = datetime(2025, 11, 15, 13, 30, tzinfo=UTC)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_2 = (
    "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


CALL = {"lineID": "Sickprod90TLW", "timestamp": int(NOW.timestamp()), "revision": 1}


@pytest.fixture
def busy_gateway(db: None) -> Iterator[None]:
    """One line, one call in progress and one that ended; WebCom's pull runs, its push fails."""
    with time_machine.travel(NOW, tick=False):
        Line.objects.create(
            line_id="Sickprod90TLW", number="899748963", line_type="Vas", updated_at=NOW
        )
        rows: list[dict[str, Any]] = [
            {"id": "a", "state": "Pending"},
            {"id": "b", "state": "Ok", "cost": 45.5, "duration": 60},
        ]
        ingest.store_calls([parse_call({**CALL, **call}) for call in rows])
        ingest.store_unreadable({"id": None}, source="changes", reason="id")
        workers.ran_ok("webcom.calls")
        workers.failed("webcom.push", OSError("connection refused"))
        yield


@pytest.mark.usefixtures("busy_gateway")
def test_json_has_every_field_of_both_references(api: Any) -> None:
    assert api.get("/metrics").json() == {
        "workers": {
            "webcom": {
                "status": "degraded",
                "last_run": "2025-11-15T13:30:00Z",
                "last_error": "webcom.push: connection refused",
            },
            "webtv": {"status": "disabled", "last_run": None},
            "asterisk": {"status": "disabled", "last_run": None},
        },
        "calls": {"webcom_active": 1, "asterisk_active": 0, "total_today": 2},
        "webcom": {"line_ids": ["Sickprod90TLW"]},
        "costs": {"today": 45.5},
        "stats": {"asterisk_active": 0},
        "timestamp": "2025-11-15T13:30:00Z",
    }


@pytest.mark.usefixtures("busy_gateway")
def test_forged_messages_of_the_switchboards_are_counted(api: Any) -> None:
    store_state("asterisk_1", Table(), 0, [], dropped=24)
    store_state("asterisk_2", Table(), 0, [])
    assert api.get("/metrics").json()["stats"] == {"asterisk_active": 0, "asterisk_dropped": 24}
    samples = _samples(parse_text(api.get("/metrics?format=prometheus").content.decode()))
    assert samples["gateway_arq_asterisk_messages_dropped_total", "asterisk_1"] == 24
    assert samples["gateway_arq_asterisk_messages_dropped_total", "asterisk_2"] == 0


def _samples(families: Iterable[Any]) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(label for _, label in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.usefixtures("busy_gateway")
def test_the_leader_of_each_listener_is_shown(api: Any) -> None:
    leases.take("webcom.push")
    samples = _samples(parse_text(api.get("/metrics?format=prometheus").content.decode()))
    assert samples["gateway_arq_leader_info", f"{leases.holder()},webcom.push"] == 1
    assert samples["gateway_arq_leader_leads", "webcom.push"] == 1
    assert 0 <= samples["gateway_arq_lease_age_seconds", "webcom.push"] < 60
    assert samples["gateway_arq_leader_changes_total", "webcom.push"] == 1


@pytest.mark.usefixtures("busy_gateway")
@pytest.mark.parametrize(
    ("accept", "parse", "kind"),
    [
        (PROMETHEUS_3, parse_openmetrics, "application/openmetrics-text; version=1.0.0"),
        (
            "application/openmetrics-text",
            parse_openmetrics,
            "application/openmetrics-text; version=1.0.0",
        ),
        ("text/plain;version=0.0.4", parse_text, "text/plain; version=0.0.4; charset=utf-8"),
        (PROMETHEUS_2, parse_text, "text/plain; version=0.0.4; charset=utf-8"),
    ],
    ids=["Prometheus 3", "OpenMetrics", "text", "Prometheus 2"],
)
def test_scrapers_get_the_same_figures_in_their_own_format(
    api: Any, accept: str, parse: Callable[[str], Iterable[Any]], kind: str
) -> None:
    response = api.get("/metrics", headers={"Accept": accept})
    assert response["Content-Type"].startswith(kind)
    assert "Accept" in response["Vary"]
    samples = _samples(parse(response.content.decode()))
    assert samples["gateway_arq_calls_active", "webcom"] == 1
    assert samples["gateway_arq_calls_today", ""] == 2
    assert samples["gateway_arq_cost_today_euros", ""] == 45.5
    assert samples["gateway_arq_lines", ""] == 1
    assert samples["gateway_arq_webcom_unreadable", ""] == 1
    assert samples["gateway_arq_worker_health", "degraded,webcom"] == 1
    assert samples["gateway_arq_worker_health", "healthy,webcom"] == 0
    assert samples["gateway_arq_worker_health", "disabled,autobot"] == 1
    assert samples["gateway_arq_worker_last_run_timestamp_seconds", "webcom"] == NOW.timestamp()
    assert ("gateway_arq_worker_last_run_timestamp_seconds", "webtv") not in samples
    assert samples["gateway_arq_build_info", "1.0.0"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        ("*/*", "", "application/json"),
        ("application/json", "", "application/json"),
        ("application/json, text/plain, */*", "", "application/json"),  # axios
        pytest.param(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "",
            "application/json",
            id="a browser",
        ),
        ("image/png", "", "application/json"),
        ("", "", "application/json"),
        ("text/plain;version=0.0.4;q=0.5,*/*", "", "application/json"),
        ("text/plain;version=0.0.4;q=0, */*;q=0.1", "", "application/json"),
        pytest.param(
            "text/plain;version=0.0.4;q=0.5,application/json;q=0.9",
            "",
            "application/json",
            id="rather JSON than text",
        ),
        pytest.param(
            "text/plain;version=0.0.4;q=0.5,application/json;q=0.4",
            "",
            "text/plain",
            id="rather text than JSON",
        ),
        pytest.param(
            "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.5",
            "",
            "text/plain",
            id="rather text than OpenMetrics",
        ),
        ("text/plain", "", "text/plain"),
        ("text/plain;version=0.0.4,*/*", "", "text/plain"),
        pytest.param(PROMETHEUS_3, "format=json", "application/json", id="Prometheus 3, JSON"),
        ("*/*", "format=prometheus", "text/plain"),
        ("application/json", "format=prometheus", "text/plain"),
        pytest.param(
            PROMETHEUS_3, "format=prometheus", "application/openmetrics-text", id="Prometheus 3"
        ),
    ],
)
def test_client_gets_the_format_it_prefers(api: Any, accept: str, query: str, kind: str) -> None:
    response = api.get(f"/metrics?{query}", headers={"Accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"].partition(";")[0] == kind


@pytest.mark.django_db
def test_unknown_format_is_refused_by_name(api: Any) -> None:
    response = api.get("/metrics?format=xml")
    assert (response.status_code, list(response.json()["errors"])) == (400, ["format"])


@pytest.mark.django_db
def test_scraper_without_key_gets_401_as_json(client: Client) -> None:
    response = client.get("/metrics", headers={"Accept": PROMETHEUS_3})
    assert (response.status_code, response["Content-Type"]) == (401, "application/json")


@pytest.mark.django_db
def test_metrics_cost_the_same_few_queries_however_much_there_is(
    api: Any, busy_gateway: None, django_assert_max_num_queries: Any
) -> None:
    api.get("/version")
    with django_assert_max_num_queries(10):
        api.get("/metrics")


@pytest.mark.django_db
def test_the_last_good_backup_has_its_age_and_size_in_both_forms(api: Any) -> None:
    assert "backup" not in api.get("/metrics").json()
    for day, size in ((14, 100), (15, 250)):
        Backup.objects.create(
            name=f"gateway-202511{day}T023000Z.tar.gz", taken_at=NOW.replace(day=day),
            size_bytes=size, duration_s=1.5, rows=7, is_encrypted=False,
        )  # fmt: skip
    assert api.get("/metrics").json()["backup"] == {
        "taken_at": "2025-11-15T13:30:00Z",
        "size_bytes": 250,
    }
    text = api.get("/metrics?format=prometheus").content.decode()
    samples = {one.name: one for family in parse_text(text) for one in family.samples}
    assert samples["gateway_arq_backup_last_timestamp_seconds"].value == NOW.timestamp()
    assert samples["gateway_arq_backup_last_size_bytes"].value == 250
