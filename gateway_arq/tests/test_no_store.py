"""What is private is kept by no browser and no proxy."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    [
        "/api/webcom/calls", "/api/webcom/calls?format=csv", "/jpbx-api/api/blacklist",
        "/api/lotto/stats", "/metrics", "/api/no-such", "/api/webcom/calls?limit=x",
    ],
)  # fmt: skip
def test_an_answer_of_the_api_is_stored_nowhere(api: Any, address: str) -> None:
    assert api.get(address).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/webcom/call/", "/admin/webcom/call/export/", "/dashboard/"]
)
def test_a_page_of_the_staff_is_stored_nowhere(admin_client: Client, address: str) -> None:
    assert "no-store" in admin_client.get(address).headers["Cache-Control"]


def test_a_refusal_is_stored_nowhere(client: Client) -> None:
    assert client.get("/api/webcom/calls").headers["Cache-Control"] == "no-store"
