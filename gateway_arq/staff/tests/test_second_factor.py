"""A second factor on, off, lost, and required of a group."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from core.auth.types import Caller
from core.sockets.authentication import _staff_of
from gateway_arq.staff import second_factor
from gateway_arq.staff.account import KEY
from gateway_arq.staff.tests.conftest import PASSWORD, code_of

pytestmark = pytest.mark.django_db

PAGE = "/admin/second-factor/"
ADMIN, DASHBOARD, API = "/admin/", "/dashboard/", "/metrics"


def enrol(client: Client) -> Any:
    client.get(PAGE)
    return client.post(PAGE, {"code": code_of(client.session[KEY])})


def test_enrolling_shows_a_code_for_the_phone_made_here(logged_in: Callable[..., Client]) -> None:
    client = logged_in("operator")
    page = client.get(PAGE).content.decode()
    assert "<svg" in page
    assert second_factor.readable(client.session[KEY]) in page
    assert client.session[KEY] not in page  # only as an app writes it
    sources = re.findall(r"<(?:img|script)[^>]*src=\"([^\"]*)\"", page)
    assert sources
    assert [source for source in sources if not source.startswith(("/static/", "/admin/"))] == []
    assert not TOTPDevice.objects.exists()


def test_a_code_of_the_phone_switches_it_on(logged_in: Callable[..., Client]) -> None:
    client = logged_in("operator")
    response = enrol(client)
    assert len(set(response.context["codes"])) == 10
    assert KEY not in client.session
    assert client.get(ADMIN).status_code == 200
    page = client.get(PAGE).content.decode()
    assert response.context["codes"][0] not in page
    assert second_factor.is_enrolled(User.objects.get())


@pytest.mark.parametrize("code", ["", "000000", "abc", "0" * 21])
def test_a_wrong_code_switches_nothing_on(logged_in: Callable[..., Client], code: str) -> None:
    client = logged_in("operator")
    client.get(PAGE)
    key = client.session[KEY]
    assert client.post(PAGE, {"code": code}).context["form"].errors
    assert client.session[KEY] == key  # the phone has it already
    assert not TOTPDevice.objects.exists()


def test_enrolling_ends_the_user_s_other_sessions_only(
    logged_in: Callable[..., Client], member: Callable[..., User]
) -> None:
    client, elsewhere = logged_in("operator"), Client()
    elsewhere.post("/admin/login/", {"username": "anna", "password": PASSWORD})
    other = logged_in("operator", name="berta")
    enrol(client)
    assert client.get(ADMIN).status_code == 200
    assert other.get(ADMIN).status_code == 200
    assert elsewhere.get(ADMIN).status_code == 302


@pytest.mark.parametrize("button", ["renew", "forget"])
def test_what_is_dangerous_needs_the_password(
    logged_in: Callable[..., Client], button: str
) -> None:
    client = logged_in("operator")
    codes = enrol(client).context["codes"]
    assert client.post(PAGE, {button: "1", "password": "wrong"}).context["form"].errors
    assert second_factor.verified_device(User.objects.get(), codes[0])


def test_new_backup_codes_end_the_old_ones(logged_in: Callable[..., Client]) -> None:
    client = logged_in("operator")
    old = enrol(client).context["codes"]
    new = client.post(PAGE, {"renew": "1", "password": PASSWORD}).context["codes"]
    user = User.objects.get()
    assert second_factor.verified_device(user, new[0])
    assert second_factor.verified_device(user, old[1]) is None
    assert second_factor.backup_codes_left(user) == 9


def test_switching_it_off_logs_out_everywhere(logged_in: Callable[..., Client]) -> None:
    client = logged_in("operator")
    enrol(client)
    response = client.post(PAGE, {"forget": "1", "password": PASSWORD})
    assert response.headers["Location"] == "/admin/login/"
    assert client.get(ADMIN).status_code == 302
    response = client.post("/admin/login/", {"username": "anna", "password": PASSWORD})
    assert response.headers["Location"] == ADMIN


def test_strangers_and_guests_have_no_such_page(client: Client) -> None:
    assert client.get(PAGE).headers["Location"] == f"/admin/login/?next={PAGE}"
    client.force_login(
        User.objects.create_user("guest"), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert client.get(PAGE).headers["Location"] == f"/admin/login/?next={PAGE}"


# --- A lost phone ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("group", "helps"), [("supervisor", False), ("admin", True)])
def test_an_administrator_helps_a_user_who_lost_their_phone(
    logged_in: Callable[..., Client], group: str, helps: bool
) -> None:
    client = logged_in("operator")
    enrol(client)
    user = User.objects.get()
    helper = logged_in(group, name="helper")
    data = {"action": "forget_second_factor", "_selected_action": [user.pk]}
    helper.post("/admin/auth/user/", data)
    assert second_factor.is_enrolled(user) is not helps
    assert client.get(ADMIN).status_code == (302 if helps else 200)


def test_an_administrator_does_not_disarm_a_superuser(logged_in: Callable[..., Client]) -> None:
    boss = User.objects.create_superuser("boss", password="x")
    key = second_factor.new_key()
    second_factor.enrol(boss, key, code_of(key))
    data = {"action": "forget_second_factor", "_selected_action": [boss.pk]}
    logged_in("admin").post("/admin/auth/user/", data)
    assert second_factor.is_enrolled(boss)


# --- Groups that need one -------------------------------------------------------------------------


def test_a_group_may_need_it_everywhere(logged_in: Callable[..., Client], settings: Any) -> None:
    settings.TWO_FACTOR_GROUPS = ["supervisor"]
    client = logged_in("supervisor")
    assert client.get(ADMIN, follow=True).redirect_chain[-1][0] == PAGE
    assert client.get(DASHBOARD).headers["Location"] == PAGE
    assert client.get(API).status_code == 401
    assert _staff_of(client.session.session_key) is None
    enrol(client)
    assert client.get(ADMIN).status_code == 200
    assert client.get(DASHBOARD).status_code == 200
    assert client.get(API).status_code == 200
    assert isinstance(_staff_of(client.session.session_key), Caller)


def test_other_groups_do_not_need_it(logged_in: Callable[..., Client], settings: Any) -> None:
    settings.TWO_FACTOR_GROUPS = ["supervisor", "admin"]
    assert logged_in("operator").get(ADMIN).status_code == 200


def test_superusers_count_as_administrators(admin_client: Client, settings: Any) -> None:
    settings.TWO_FACTOR_GROUPS = ["admin"]
    assert admin_client.get(ADMIN, follow=True).redirect_chain[-1][0] == PAGE


def test_staff_who_must_enrol_see_nothing_before(
    logged_in: Callable[..., Client], settings: Any
) -> None:
    settings.TWO_FACTOR_GROUPS = ["operator"]
    page = logged_in("operator").get(PAGE).content.decode()
    assert "/admin/webcom/call/" not in page
