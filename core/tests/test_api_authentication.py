"""Who gets in over REST, with what, and what the others get."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.authentication import require_write
from core.auth import services
from core.auth.types import Scope
from core.tests.staff import may_also, onlooker

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]

NO_KEY = "Missing X-API-Key header. Authentication required."
REALMS = 'ApiKey realm="Gateway ARQ", Bearer realm="Gateway ARQ"'


class EchoView(APIView):
    def get(self, request: Request) -> Response:
        return Response({"caller": request.auth.name})  # type: ignore[union-attr]

    def post(self, request: Request) -> Response:
        return Response({"got": request.data})


class WritingGetView(APIView):
    def get(self, request: Request) -> Response:
        require_write(request, "lotto.change_extraction")
        return Response({})


urlpatterns = [path("echo", EchoView.as_view()), path("written", WritingGetView.as_view())]
echo = pytest.mark.urls(__name__)


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": ""}, {"Authorization": "Basic YTpi"}])
def test_no_key_is_told_so_in_the_documented_words(client: Client, headers: dict[str, str]) -> None:
    response = client.get("/version", headers=headers)
    assert response.status_code == 401
    assert response.json() == {"detail": NO_KEY, "code": "missing_api_key"}
    assert response["WWW-Authenticate"] == REALMS


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "wrong"},
        {"Authorization": "Bearer wrong"},
        {"X-API-Key": "\u00e9\u20ac" * 5000},
    ],
)
def test_bad_key_is_refused_with_a_code_of_its_own(client: Client, headers: dict[str, str]) -> None:
    response = client.get("/version", headers=headers)
    assert response.status_code == 401
    assert response.json() == {"detail": NO_KEY, "code": "invalid_api_key"}
    assert response["WWW-Authenticate"] == f'{REALMS}, error="invalid_token"'


def test_key_is_accepted_in_either_header(client: Client, api_key: str) -> None:
    for headers in (
        {"X-API-Key": api_key},
        {"Authorization": f"Bearer {api_key}"},
        {"Authorization": f"bearer {api_key}"},
    ):
        assert client.get("/version", headers=headers).status_code == 200


def test_key_in_the_query_is_for_sockets_only(client: Client, api_key: str) -> None:
    assert client.get("/version", {"api_key": api_key}).status_code == 401


def test_request_with_known_key_asks_the_database_nothing(
    api: Any, django_assert_num_queries: Any
) -> None:
    api.get("/version")
    with django_assert_num_queries(0):
        assert api.get("/version").status_code == 200


@echo
@pytest.mark.parametrize(
    ("scope", "status"),
    [("read", (200, 403, 403)), ("write", (200, 200, 200))],
)
def test_each_scope_includes_the_ones_before(
    client: Client, scope: str, status: tuple[int, int, int]
) -> None:
    _, key = services.create_key(name="client", scope=Scope(scope))
    headers = {"X-API-Key": key}
    post = client.post("/echo", "{}", content_type="application/json", headers=headers)
    assert (client.get("/echo", headers=headers).status_code, post.status_code) == status[:2]
    assert client.get("/written", headers=headers).status_code == status[2]


@echo
def test_missing_scope_is_named(client: Client) -> None:
    _, key = services.create_key(name="reader")
    response = client.post(
        "/echo", "{}", content_type="application/json", headers={"X-API-Key": key}
    )
    assert response.json() == {"detail": "This needs the scope write; this key has read."}


def test_expired_and_revoked_keys_are_refused(client: Client) -> None:
    _, expired = services.create_key(name="old", expires_at=timezone.now() - timedelta(seconds=1))
    row, revoked = services.create_key(name="lost")
    services.revoke_keys([row])
    for key in (expired, revoked):
        response = client.get("/version", headers={"X-API-Key": key})
        assert (response.status_code, response.json()["code"]) == (401, "invalid_api_key")


@pytest.fixture
def staff() -> User:
    return onlooker("anna", password="x")


def _logged_in(user: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


@echo
def test_staff_session_reads_and_writes_but_with_a_csrf_token(staff: User) -> None:
    client = _logged_in(staff)
    assert client.get("/echo").json() == {"caller": "anna"}
    without = client.post("/echo", "{}", content_type="application/json")
    assert without.status_code == 403
    assert without.json()["detail"].startswith("CSRF Failed")
    client.cookies["csrftoken"] = "a" * 32
    with_token = client.post(
        "/echo", '{"a":1}', content_type="application/json", headers={"X-CSRFToken": "a" * 32}
    )
    assert with_token.json() == {"got": {"a": 1}}


@echo
def test_a_get_that_writes_needs_the_permission_of_staff(staff: User) -> None:
    assert _logged_in(staff).get("/written").status_code == 403
    may_also(staff, "lotto.change_extraction")
    assert _logged_in(staff).get("/written").status_code == 200


@echo
def test_staff_who_may_not_see_a_part_get_none_of_it(staff: User) -> None:
    staff.user_permissions.remove(Permission.objects.get(codename="view_call"))
    response = _logged_in(staff).get("/echo")
    assert (response.status_code, response.json()) == (
        403, {"detail": "Your user may not see this."}
    )  # fmt: skip


def test_session_of_somebody_else_opens_nothing(django_user_model: type[User]) -> None:
    customer = django_user_model.objects.create_user("carlo", password="x")
    assert _logged_in(customer).get("/version").status_code == 401


def test_bad_key_is_refused_even_from_a_staff_session(staff: User) -> None:
    response = _logged_in(staff).get("/version", headers={"X-API-Key": "wrong"})
    assert response.json()["code"] == "invalid_api_key"


@echo
def test_keyless_networks_read_only(client: Client, settings: Any) -> None:
    settings.KEYLESS_READ_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    assert client.get("/echo").json() == {"caller": "keyless network"}
    assert client.post("/echo", "{}", content_type="application/json").status_code == 403
    assert client.get("/echo", REMOTE_ADDR="192.0.2.1").status_code == 401
    assert client.get("/echo", headers={"X-API-Key": "wrong"}).status_code == 401


def test_allowed_origins_may_send_the_key_header_and_others_not(
    client: Client, settings: Any
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    ask = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
    allowed = client.options("/version", headers={"Origin": "https://shop.example", **ask})
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "x-api-key" in allowed["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in client.options(
        "/version", headers={"Origin": "https://evil.example", **ask}
    )


def test_refusals_are_readable_from_an_allowed_origin(client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    response = client.get("/version", headers={"Origin": "https://shop.example"})
    assert response.status_code == 401
    assert response["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "X-RateLimit-Remaining" in response["Access-Control-Expose-Headers"]
