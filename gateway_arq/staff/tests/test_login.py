"""The login: password, second step, and the lock for who guesses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from core.auth import hashing
from gateway_arq.staff import second_factor
from gateway_arq.staff.tests.conftest import PASSWORD, code_of

pytestmark = pytest.mark.django_db

LOGIN, STEP = "/admin/login/", "/admin/second-step/"
KEY = "0102030405060708090a0b0c0d0e0f1011121314"


def try_in(client: Client, password: str = PASSWORD, name: str = "anna", **more: Any) -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, **more)


def is_in(client: Client) -> bool:
    return bool(client.get("/admin/").status_code == 200)


@pytest.fixture
def guarded(member: Callable[..., User]) -> list[str]:
    """anna, with a second factor since an hour; her backup codes."""
    with time_machine.travel(timezone.now() - timedelta(hours=1), tick=False):
        return second_factor.enrol(member("operator"), KEY, code_of(KEY))[1]


# --- Without a second factor ----------------------------------------------------------------------


def test_the_password_alone_logs_in_and_redirects(
    client: Client, member: Callable[..., User]
) -> None:
    member("operator")
    assert try_in(client).headers["Location"] == "/admin/"
    assert is_in(client)
    assert client.get(LOGIN).headers["Location"] == "/admin/"


@pytest.mark.parametrize(
    ("wanted", "gets"), [("/dashboard/", "/dashboard/"), ("https://evil.example/", "/admin/")]
)
def test_the_login_redirects_only_inside_the_gateway(
    client: Client, member: Callable[..., User], wanted: str, gets: str
) -> None:
    member("operator")
    response = client.post(f"{LOGIN}?next={wanted}", {"username": "anna", "password": PASSWORD})
    assert response.headers["Location"] == gets


@pytest.mark.both_profiles
def test_a_name_that_no_user_can_have_is_refused_and_not_stored(client: Client) -> None:
    response = try_in(client, name="x" * 10_000)
    assert response.status_code == 200
    assert response.context["form"].errors.keys() == {"username"}
    assert not AccessAttempt.objects.exists()


def test_a_user_who_is_not_staff_cannot_log_in(client: Client) -> None:
    User.objects.create_user("guest", password=PASSWORD)
    assert try_in(client, name="guest").status_code == 200
    assert not is_in(client)


# --- The second step ------------------------------------------------------------------------------


def test_with_a_second_factor_the_password_alone_opens_nothing(
    client: Client, guarded: list[str]
) -> None:
    response = try_in(client, QUERY_STRING="next=/dashboard/")
    assert response.headers["Location"] == STEP
    assert not is_in(client)
    assert client.get("/dashboard/").status_code == 302
    assert client.get("/metrics").status_code == 401
    response = client.post(STEP, {"code": code_of(KEY)})
    assert response.headers["Location"] == "/dashboard/"
    assert is_in(client)


def test_a_code_is_good_once(client: Client, guarded: list[str]) -> None:
    code = code_of(KEY)
    try_in(client)
    client.post(STEP, {"code": code})
    client.post("/admin/logout/")
    try_in(client)
    assert client.post(STEP, {"code": code}).status_code == 200
    assert not is_in(client)


def test_a_backup_code_is_good_once_and_in_any_writing(client: Client, guarded: list[str]) -> None:
    try_in(client)
    assert client.post(STEP, {"code": f" {guarded[0].upper()} "}).status_code == 302
    assert is_in(client)
    client.post("/admin/logout/")
    try_in(client)
    assert client.post(STEP, {"code": guarded[0]}).status_code == 200
    assert second_factor.backup_codes_left(User.objects.get()) == 9


@pytest.mark.parametrize("code", ["", "000000", "abcdef", "x" * 21, "٣٣٣٣٣٣", "1\x000000"])
def test_a_wrong_code_is_named_and_counted(client: Client, guarded: list[str], code: str) -> None:
    try_in(client)
    response = client.post(STEP, {"code": code})
    assert response.status_code == 200
    assert response.context["form"].errors.keys() == {"code"}
    assert not is_in(client)


def test_guessing_codes_locks_like_guessing_passwords(
    client: Client, guarded: list[str], settings: Any
) -> None:
    try_in(client)
    responses = [client.post(STEP, {"code": "000000"}).status_code for _ in range(5)]
    assert responses == [200, 200, 200, 200, 429]
    assert client.post(STEP, {"code": guarded[0]}).status_code == 429
    assert try_in(client).status_code == 429
    assert not is_in(client)


def test_a_right_password_is_remembered_for_five_minutes(
    client: Client, guarded: list[str]
) -> None:
    try_in(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1), tick=False):
        response = client.post(STEP, {"code": code_of(KEY)})
    assert response.headers["Location"] == LOGIN
    assert not is_in(client)


def test_the_second_step_alone_is_no_way_in(client: Client, guarded: list[str]) -> None:
    assert client.post(STEP, {"code": code_of(KEY)}).headers["Location"] == LOGIN


# --- The lock -------------------------------------------------------------------------------------


@pytest.fixture
def locked(client: Client, member: Callable[..., User]) -> Any:
    """The answer to the failure that was one too many."""
    member("operator")
    for _ in range(4):
        assert try_in(client, "wrong").status_code == 200
    return try_in(client, "wrong")


@pytest.mark.parametrize(
    ("language", "says"), [("it", "15"), ("en", "This user is locked at this address for 15")]
)
def test_the_lock_is_explained(client: Client, locked: Any, language: str, says: str) -> None:
    assert locked.status_code == 429
    response = try_in(client, headers={"accept-language": language})
    assert (response.status_code, response.headers["Retry-After"]) == (429, "900")
    assert says in response.content.decode()


def test_the_lock_holds_against_the_right_password_and_ends(client: Client, locked: Any) -> None:
    assert try_in(client).status_code == 429
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert try_in(client).status_code == 302


def test_the_lock_is_for_one_user_at_one_address(
    client: Client, locked: Any, member: Callable[..., User]
) -> None:
    assert try_in(Client(REMOTE_ADDR="192.0.2.9")).status_code == 302
    member("operator", name="berta")
    assert try_in(Client(), name="berta").status_code == 302


def test_a_good_login_starts_the_count_again(client: Client, member: Callable[..., User]) -> None:
    member("operator")
    for _ in range(3):
        for _ in range(4):
            try_in(client, "wrong")
        assert try_in(client).status_code == 302


def test_behind_a_proxy_the_client_is_locked_and_not_the_proxy(
    member: Callable[..., User], settings: Any
) -> None:
    member("operator")
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    proxy = Client(REMOTE_ADDR="10.0.0.1")
    guesser = {"X-Forwarded-For": "198.51.100.7"}
    for _ in range(5):
        response = try_in(proxy, "wrong", headers=guesser)
    assert response.status_code == 429
    assert AccessAttempt.objects.get().ip_address == "198.51.100.7"
    assert try_in(proxy, headers={"X-Forwarded-For": "203.0.113.5"}).status_code == 302
    # An address that the client claims is ignored: the last one, from the proxy, counts.
    forged = {"X-Forwarded-For": "203.0.113.99, 198.51.100.7"}
    assert try_in(proxy, headers=forged).status_code == 429


def test_without_a_proxy_no_address_can_be_forged(client: Client, locked: Any) -> None:
    forged = {"X-Forwarded-For": "203.0.113.5"}
    assert try_in(client, headers=forged).status_code == 429


# --- The lock of an address -----------------------------------------------------------------------


@pytest.fixture
def sprayed(client: Client, member: Callable[..., User], settings: Any) -> None:
    """An address from which one password of each of many users was tried."""
    settings.LOGIN_FAILURES_PER_ADDRESS = 6
    member("operator")
    for number in range(6):
        assert try_in(client, "Summer2026!", f"user{number}").status_code == 200


@pytest.mark.both_profiles
@pytest.mark.parametrize(
    ("language", "says"),
    [("it", "Troppi accessi falliti da questo indirizzo"), ("en", "Too many users failed")],
)
def test_an_address_where_many_users_fail_is_locked_for_all(
    client: Client, sprayed: None, language: str, says: str
) -> None:
    response = try_in(client, headers={"accept-language": language})
    assert (response.status_code, response.headers["Retry-After"]) == (429, "900")
    assert says in response.content.decode()
    assert not is_in(client)
    assert try_in(Client(REMOTE_ADDR="192.0.2.9")).status_code == 302


def test_the_lock_of_an_address_ends(client: Client, sprayed: None) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert try_in(client).status_code == 302


def test_a_locked_address_gets_no_further_with_a_code(
    client: Client, guarded: list[str], settings: Any
) -> None:
    settings.LOGIN_FAILURES_PER_ADDRESS = 3
    try_in(client)
    for number in range(3):
        try_in(Client(), name=f"user{number}")
    assert client.post(STEP, {"code": guarded[0]}).status_code == 429
    assert not is_in(client)


def test_addresses_of_one_network_are_one_client(member: Callable[..., User]) -> None:
    member("operator")
    for number in range(5):
        response = try_in(Client(REMOTE_ADDR=f"2001:db8::{number + 1}"), "wrong")
    assert response.status_code == 429
    assert AccessAttempt.objects.get().ip_address == "2001:db8::"
    assert try_in(Client(REMOTE_ADDR="2001:db8:0:1::1")).status_code == 302


@pytest.mark.parametrize(
    ("page", "field"), [("second-factor", "password"), ("password_change", "old_password")]
)
def test_guessing_the_password_inside_a_session_locks_as_well(
    client: Client, guarded: list[str], page: str, field: str
) -> None:
    try_in(client)
    client.post(STEP, {"code": code_of(KEY)})
    data = {field: "wrong", "new_password1": "x", "new_password2": "x"}
    statuses = [client.post(f"/admin/{page}/", data).status_code for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2


# --- Hashing --------------------------------------------------------------------------------------


@pytest.fixture
def hash_queue(settings: Any, monkeypatch: pytest.MonkeyPatch) -> hashing.HashQueue:
    """Hashing as it is outside of tests, though quick, in a queue of one place."""
    queue = hashing.HashQueue(1)
    monkeypatch.setattr(hashing, "_queue", queue)
    monkeypatch.setattr(hashing.QueuedPasswordHasher, "iterations", 1)
    settings.PASSWORD_HASHERS = ["core.auth.hashing.QueuedPasswordHasher"]
    return queue


@pytest.mark.parametrize(
    ("language", "says"), [("it", "Troppi accessi insieme."), ("en", "Too many logins at once.")]
)
def test_a_login_beyond_those_being_checked_is_asked_to_come_back(
    client: Client, member: Callable[..., User], hash_queue: hashing.HashQueue,
    language: str, says: str,
) -> None:  # fmt: skip
    member("operator")
    with hash_queue.turn():
        for name in ("anna", "nobody"):
            response = try_in(client, name=name, headers={"accept-language": language})
            assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
            assert says in response.content.decode()
    assert not AccessAttempt.objects.exists()  # nobody failed
    assert try_in(client).status_code == 302


def test_passwords_of_before_are_still_right(
    client: Client, settings: Any, member: Callable[..., User]
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    with patch.object(PBKDF2PasswordHasher, "iterations", 1):
        stored = member("operator").password
    settings.PASSWORD_HASHERS = ["core.auth.hashing.QueuedPasswordHasher"]
    assert check_password(PASSWORD, stored)
    assert not check_password("wrong", stored)


# --- Unlocking ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "unlocks"), [("operator", False), ("supervisor", True)])
def test_a_supervisor_unlocks(
    client: Client, locked: Any, logged_in: Callable[..., Client], group: str, unlocks: bool
) -> None:
    attempt = AccessAttempt.objects.get()
    helper = logged_in(group, name="helper")
    data = {"action": "unlock", "_selected_action": [attempt.pk]}
    response = helper.post("/admin/axes/accessattempt/", data)
    assert response.status_code == (302 if unlocks else 403)
    assert try_in(client).status_code == (302 if unlocks else 429)


def test_failed_logins_store_no_password(client: Client, locked: Any) -> None:
    attempt = AccessAttempt.objects.get()
    assert "wrong" not in f"{attempt.post_data}{attempt.get_data}{attempt.path_info}"
