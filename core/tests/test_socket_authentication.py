"""Who may open a WebSocket."""

from __future__ import annotations

import ipaddress
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from core.auth import services
from core.auth.types import Caller, SocketRefused
from core.sockets.authentication import authenticate, ended_sessions
from core.tests.staff import onlooker

# The session is looked up in a thread, with a connection of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_profiles]

HOST = "gateway.example"


def _ask(query: str = "", client: str = "192.0.2.7", **headers: str) -> Caller:
    pairs = [
        ("host", headers.pop("host", HOST)),
        *((name.replace("_", "-"), value) for name, value in headers.items()),
    ]
    scope = {
        "type": "websocket",
        "path": "/ws",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
        "client": [client, 50_000],
    }
    return async_to_sync(authenticate)(scope)


def _refused(query: str = "", **headers: str) -> tuple[int, str]:
    with pytest.raises(SocketRefused) as refused:
        _ask(query, **headers)
    return refused.value.code, refused.value.detail


@pytest.fixture
def session() -> str:
    """The cookie header of a logged-in member of staff."""
    client = Client()
    client.force_login(onlooker("anna"))
    return f"theme=dark; sessionid={client.cookies['sessionid'].value}"


@pytest.fixture(autouse=True)
def _allowed_hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = [HOST, "[::1]", ".wall.example"]


def test_a_host_of_ours_is_accepted(api_key: str) -> None:
    for host in (HOST, f"{HOST}:8000", "GATEWAY.example", "[::1]:8000", "a.wall.example"):
        assert _ask(f"api_key={api_key}", host=host).name == "API_KEY_1", host


def test_any_other_host_is_refused_also_from_a_keyless_network(api_key: str, settings: Any) -> None:
    settings.KEYLESS_READ_NETWORKS = [ipaddress.ip_network("192.0.2.0/24")]
    strangers = (
        "evil.example", "", f"{HOST}.evil.example", "127.0.0.1", "[::2]", f"{HOST}/x", "\u00e8",
    )  # fmt: skip
    for host in strangers:
        for query in ("", f"api_key={api_key}"):
            refusal = _refused(query, host=host, origin=f"http://{host}")
            assert refusal == (4400, "This Host is not allowed"), host


def test_the_address_is_known_for_the_quota(api_key: str, settings: Any) -> None:
    assert _ask(f"api_key={api_key}").address == "192.0.2.7"
    assert _ask(f"api_key={api_key}", client="2001:db8::5").address == "2001:db8::/64"
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("192.0.2.7/32")]
    behind = _ask(f"api_key={api_key}", x_forwarded_for="198.51.100.1")
    assert behind.address == "198.51.100.1"


def test_key_is_accepted_in_the_query_and_in_either_header(api_key: str) -> None:
    for caller in (
        _ask(f"types=a&api_key={api_key}"),
        _ask(x_api_key=api_key),
        _ask(authorization=f"Bearer {api_key}"),
    ):
        assert caller.key_id == "env:API_KEY_1"


def test_key_works_from_any_origin(api_key: str) -> None:
    assert _ask(f"api_key={api_key}", origin="https://anywhere.example").name == "API_KEY_1"


def test_key_of_the_database_is_accepted() -> None:
    row, key = services.create_key(name="screen")
    assert _ask(f"api_key={key}").key_id == f"db:{row.pk}"


def test_bad_and_missing_keys_are_told_apart() -> None:
    assert _refused("api_key=wrong") == (4401, "Invalid API key")
    assert _refused() == (4401, "Missing API key")
    assert _refused("api_key=%00%ff") == (4401, "Invalid API key")


def test_bad_key_is_refused_even_with_a_session(session: str) -> None:
    assert _refused("api_key=wrong", cookie=session, origin=f"https://{HOST}")[0] == 4401


def test_staff_session_of_our_own_page_is_accepted_until_it_ends(session: str) -> None:
    caller = _ask(cookie=session, origin=f"https://{HOST}")
    assert caller.name == "anna"
    assert caller.expires_at is not None
    assert caller.expires_at > timezone.now()


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {}, {"origin": "null"}])
def test_staff_session_from_another_page_is_refused(session: str, headers: dict[str, str]) -> None:
    assert _refused(cookie=session, **headers)[0] == 4403


def test_staff_session_from_an_allowed_origin_is_accepted(session: str, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://wall.example"]
    assert _ask(cookie=session, origin="https://wall.example").name == "anna"


def test_session_of_a_customer_or_of_nobody_opens_nothing(
    session: str, django_user_model: type[User]
) -> None:
    django_user_model.objects.update(is_staff=False)
    assert _refused(cookie=session, origin=f"https://{HOST}")[0] == 4401
    assert _refused(cookie="sessionid=unknown", origin=f"https://{HOST}")[0] == 4401
    assert _refused(cookie='sessionid="\x01;;=', origin=f"https://{HOST}")[0] == 4401


def _anna(change: str) -> None:
    if change == "logged out":
        Session.objects.all().delete()
    elif change == "no group":
        User.objects.get(username="anna").user_permissions.clear()
    elif change == "another password":
        anna = User.objects.get(username="anna")
        anna.set_password("another")
        anna.save()
    else:
        User.objects.update(**{change: False})


@pytest.mark.parametrize(
    "change", ["logged out", "another password", "is_staff", "is_active", "no group"]
)
def test_a_session_ends_with_what_let_it_in(session: str, change: str) -> None:
    caller = _ask(cookie=session, origin=f"https://{HOST}")
    assert ended_sessions([caller]) == frozenset()
    _anna(change)
    assert ended_sessions([caller, caller]) == {caller.session_key}
    assert caller.session_key not in repr(caller)


def test_no_session_ends_while_the_database_is_away(session: str) -> None:
    caller = _ask(cookie=session, origin=f"https://{HOST}")
    unavailable = OperationalError("away")
    with patch("django.contrib.sessions.backends.db.SessionStore.load", side_effect=unavailable):
        assert ended_sessions([caller]) == frozenset()


def test_socket_is_asked_to_come_back_while_the_database_is_away(session: str) -> None:
    unavailable = OperationalError("away")
    with patch("core.auth.keyring._from_database", side_effect=unavailable):
        assert _refused("api_key=perhaps")[0] == 1013
    with patch("django.contrib.sessions.backends.db.SessionStore.load", side_effect=unavailable):
        assert _refused(cookie=session, origin=f"https://{HOST}")[0] == 1013


def test_keyless_network_reads_without_origin_but_not_from_a_foreign_page(settings: Any) -> None:
    settings.KEYLESS_READ_NETWORKS = [ipaddress.ip_network("192.0.2.0/24")]
    assert _ask().scopes == {"read"}
    assert _ask(origin=f"http://{HOST}").scopes == {"read"}
    assert _refused(origin="https://evil.example")[0] == 4403
    assert _refused("api_key=wrong")[0] == 4401


def test_address_that_fails_too_often_is_slowed_but_a_valid_key_still_works(
    settings: Any, api_key: str
) -> None:
    settings.AUTH_FAILURES_PER_MINUTE = 2
    assert [_refused("api_key=wrong")[0] for _ in range(3)] == [4401, 4401, 4429]
    assert _ask(f"api_key={api_key}").name == "API_KEY_1"
    with pytest.raises(SocketRefused) as other:
        _ask("api_key=wrong", client="192.0.2.8")
    assert other.value.code == 4401
