"""`/`, `/health`, `/version` and the probes, to the letter of the references."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
AXIOS = "application/json, text/plain, */*"


def test_root_is_the_documented_json(api: Any) -> None:
    assert api.get("/").json() == {
        "message": "Gateway ARQ API",
        "version": "1.0.0",
        "status": "healthy",
        "endpoints": {
            "health": "/health",
            "version": "/version",
            "metrics": "/metrics",
            "webcom": "/api/webcom/*",
            "webtv": "/api/webtv/*",
            "websocket": "/ws",
        },
    }


def test_version_is_the_documented_json(api: Any) -> None:
    assert api.get("/version").json() == {
        "title": "Gateway ARQ",
        "version": "1.0.0",
        "description": "Real-time data ingestion system",
        "copyright": "© 2025-2026 sanvil",
    }


def test_health_is_the_documented_json(api: Any) -> None:
    response = api.get("/health")
    assert response.json() == {"status": "healthy"}
    assert response["Content-Type"] == "application/json"


def test_health_fails_while_the_database_is_unavailable(api: Any) -> None:
    api.get("/health")
    with patch.object(connection, "cursor", side_effect=OperationalError("away")):
        response = api.get("/health")
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("address", ["/", "/health", "/version", "/metrics", "/api/webcom/lines"])
def test_every_endpoint_wants_a_key(client: Client, address: str) -> None:
    assert client.get(address).status_code == 401


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", AXIOS, "text/html;q=0.5, application/json"]
)
def test_root_answers_api_clients_with_json(api: Any, accept: str) -> None:
    response = api.get("/", headers={"Accept": accept})
    assert response.json()["status"] == "healthy"
    assert "Accept" in response["Vary"]


def test_root_redirects_browsers_to_the_dashboard(client: Client) -> None:
    response = client.get("/", headers={"Accept": BROWSER})
    assert (response.status_code, response["Location"]) == (302, "/dashboard/")
    assert "Accept" in response["Vary"]


@pytest.mark.parametrize(("address", "said"), [("/livez", "alive"), ("/readyz", "ready")])
def test_probes_need_no_key_and_show_nothing_else(client: Client, address: str, said: str) -> None:
    response = client.get(address)
    assert (response.status_code, response.json()) == (200, {"status": said})
    assert client.head(address).status_code == 200
    assert client.post(address).status_code == 405


def test_process_is_alive_but_not_ready_without_its_database(client: Client) -> None:
    with patch.object(connection, "cursor", side_effect=OperationalError("away at 10.0.0.3")):
        assert client.get("/livez").status_code == 200
        response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {"detail": "Not ready."})


def test_head_and_options_are_answered(api: Any) -> None:
    assert api.head("/version").content == b""
    assert api.options("/version").status_code == 200


@pytest.mark.parametrize("address", ["/health/", "/version/", "/metrics/", "/docs/"])
def test_address_with_a_slash_too_many_is_404_and_no_redirect(api: Any, address: str) -> None:
    response = api.get(address)
    assert (response.status_code, response.json()) == (404, {"detail": "Not found."})
