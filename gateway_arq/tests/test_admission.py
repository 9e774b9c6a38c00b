"""One function lets callers in: every route asks it, and each request is counted once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import PermissionDenied

from core.api import authentication

pytestmark = pytest.mark.django_db
SIGNED = "/api/webcom/events"  # the carrier signs instead of having a key
AXIOS = "application/json, text/plain, */*"


def operations() -> list[tuple[str, str]]:
    """(method, path) of every documented operation, with something in the place of parameters."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    return [
        (method, re.sub(r"\{\w+\}", "2025-01-02", path))
        for path, item in paths.items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete") and path != SIGNED
    ]


@pytest.mark.parametrize("accept", ["*/*", AXIOS, "application/json;q=0.9, */*;q=0.1"])
def test_who_is_denied_once_is_denied_on_every_route(
    api: Any, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    def deny(*_args: Any) -> None:
        raise PermissionDenied("Not today.")

    monkeypatch.setattr(authentication, "admit", deny)
    found = operations()
    assert len(found) > 50
    for method, path in found:
        response = getattr(api, method)(path, headers={"Accept": accept})
        assert (response.status_code, response.json()) == (403, {"detail": "Not today."}), path


@pytest.mark.parametrize("accept", ["*/*", AXIOS, "application/json;q=0.9, */*;q=0.1"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/webcom/lines", 200),
        ("/api/webcom/calls?limit=x", 400),
        ("/api/webtv/stats?stream=99", 404),
        ("/version", 200),
    ],
)
def test_a_request_is_counted_once_whatever_comes_of_it(
    api: Any, settings: Any, path: str, status: int, accept: str
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 10
    responses = [api.get(path, headers={"Accept": accept}) for _ in range(2)]
    assert [response.status_code for response in responses] == [status, status]
    assert [response["X-RateLimit-Remaining"] for response in responses] == ["9", "8"]


def test_a_response_given_directly_has_the_headers_of_drf(api: Any) -> None:
    direct, through_drf = (
        api.get("/api/webcom/lines", headers={"Accept": accept})
        for accept in (AXIOS, "text/*, */*")
    )
    for name in ("Vary", "Allow", "Content-Type"):
        assert direct[name] == through_drf[name]
    assert direct.content == through_drf.content
