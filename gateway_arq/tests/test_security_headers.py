"""The headers that docs/security.md promises, on every kind of answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db

ALWAYS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PAGES = ("/dashboard/", "/docs", "/docs/redoc", "/docs/events", "/admin/", "/admin/auth/user/")


@pytest.fixture
def boss() -> Client:
    client = Client(headers={"Accept": "text/html"})
    client.force_login(
        User.objects.create_superuser("boss"), "django.contrib.auth.backends.ModelBackend"
    )
    return client


@pytest.mark.parametrize(
    "address", ["/version", "/nowhere", "/api/webcom/calls?limit=x", "/livez", "/dashboard/"]
)
def test_every_answer_has_them(client: Client, address: str) -> None:
    response = client.get(address)
    assert {name: response[name] for name in ALWAYS} == ALWAYS
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("address", PAGES)
def test_pages_load_nothing_of_others_and_are_in_no_frame(boss: Client, address: str) -> None:
    response = boss.get(address)
    assert response.status_code == 200
    assert {name: response[name] for name in ALWAYS} == ALWAYS
    policy = response["Content-Security-Policy"]
    for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert "http" not in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(settings: Any) -> None:
    User.objects.create_user("anna", password="x", is_staff=True)
    response = Client().post("/admin/login/", {"username": "anna", "password": "x"})
    cookie = response.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_an_allowed_origin_gets_no_cookies(api: Any, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    response = api.get("/version", headers={"Origin": "https://shop.example"})
    assert response["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Credentials" not in response
