"""What staff do from the live page: who may, what it does, and how it is undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from centralino.selectors.lists import ListFilter, listed
from centralino.services import lists
from centralino.types import ListedNumber
from core.tests.published import Commit, PublishedEvents
from core.tests.staff import onlooker
from ocr.autobot import services
from ocr.autobot.evidence import store_board
from ocr.models import AutobotRun

pytestmark = pytest.mark.django_db

NUMBER = "+393331112222"
PERMISSIONS = {
    "block": "centralino.add_listentry",
    "release": "centralino.delete_listentry",
    "undo": "centralino.change_listentry",
    "autobot-start": "ocr.change_autobotrun",
    "autobot-stop": "ocr.change_autobotrun",
}


def member(*permissions: str, **client: Any) -> Client:
    """A logged-in member of staff who may do this."""
    user = onlooker(f"anna{User.objects.count()}", *permissions)
    browser = Client(headers={"Accept": "application/json"}, **client)
    browser.force_login(user)
    return browser


@pytest.fixture
def browser() -> Client:
    return member(*PERMISSIONS.values())


def post(browser: Client, name: str, body: Any) -> Any:
    return browser.post(reverse(f"dashboard-{name}"), body, content_type="application/json")


def entries() -> list[ListedNumber]:
    return listed(ListFilter(), limit=10)


@pytest.mark.parametrize("name", PERMISSIONS)
def test_each_action_needs_its_own_permission(name):
    needed = PERMISSIONS[name]
    others = member(*(one for one in PERMISSIONS.values() if one != needed))
    response = post(others, name, {})
    assert (response.status_code, response.json()) == (
        403,
        {"detail": "Il tuo account non può farlo."},
    )
    assert post(member(needed), name, {}).status_code != 403


@pytest.mark.parametrize("name", PERMISSIONS)
def test_strangers_guests_and_pages_of_others_are_refused(name):
    assert post(Client(), name, {}).status_code == 401
    guest = Client()
    guest.force_login(User.objects.create_user("guest"))
    assert post(guest, name, {}).status_code == 403
    response = post(member(PERMISSIONS[name], enforce_csrf_checks=True), name, {})
    assert response.status_code == 403
    assert response.json()["detail"].startswith("CSRF Failed")
    assert member(PERMISSIONS[name]).get(reverse(f"dashboard-{name}")).status_code == 405


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", None),
        ([], None),
        ({}, None),
        ({"number": 5}, "number"),
        ({"number": "not a number"}, "number"),
        ({"number": "3" * 65}, "number"),
        ({"number": "3331112222", "hours": 0}, "hours"),
        ({"number": "3331112222", "hours": 10**9}, "hours"),
        ({"number": "3331112222", "hours": "many"}, "hours"),
    ],
)
def test_what_cannot_be_read_is_a_400_that_says_why(browser, body, field):
    response = post(browser, "block", body)
    assert response.status_code == 400
    assert response.json()["detail"]
    if field:
        assert field in response.json()["errors"]
    assert entries() == []


def test_a_number_is_blocked_and_that_is_undone(
    browser, published_events: PublishedEvents, commit: Commit
):
    with commit():
        response = post(browser, "block", {"number": "333 111 2222", "hours": 24})
    assert response.json()["number"] == "3331112222"
    (entry,) = entries()
    assert (entry.number, entry.reason) == (NUMBER, "manual")
    with commit():
        undone = post(browser, "undo", {"undo": response.json()["undo"]})
    assert (undone.status_code, undone.json()) == (200, {"number": "3331112222"})
    assert entries() == []
    assert [event["type"] for event in published_events] == ["blacklist_added", "blacklist_removed"]


def test_undoing_a_longer_block_gives_the_entry_its_old_end(browser):
    lists.blacklist_number(NUMBER, hours=1, note="rude")
    before = entries()
    response = post(browser, "block", {"number": NUMBER})
    assert entries()[0].expires_at is None
    post(browser, "undo", {"undo": response.json()["undo"]})
    assert entries() == before


def test_undoing_a_release_restores_the_entry(
    browser, published_events: PublishedEvents, commit: Commit
):
    lists.blacklist_number(NUMBER, hours=5, note="rude")
    before = entries()
    with commit():
        response = post(browser, "release", {"number": "3331112222"})
    assert entries() == []
    with commit():
        post(browser, "undo", {"undo": response.json()["undo"]})
    assert entries() == before
    assert [event["type"] for event in published_events][-2:] == [
        "blacklist_removed",
        "blacklist_added",
    ]


def test_an_entry_that_expired_meanwhile_is_not_restored(browser):
    lists.blacklist_number(NUMBER, hours=1)
    with time_machine.travel(timezone.now() + timedelta(minutes=58), tick=False):
        response = post(browser, "release", {"number": NUMBER})
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        assert post(browser, "undo", {"undo": response.json()["undo"]}).status_code == 200
        assert entries() == []


def test_what_is_not_listed_cannot_be_released(browser):
    response = post(browser, "release", {"number": NUMBER})
    assert (response.status_code, response.json()) == (
        404,
        {"detail": "Il numero non è nella lista nera"},
    )


def test_a_forged_undo_is_refused(browser):
    response = post(browser, "block", {"number": NUMBER})
    forged = response.json()["undo"].replace(":", "x:", 1)
    for undo in (forged, "", "rubbish"):
        assert post(browser, "undo", {"undo": undo}).status_code == 400
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        late = post(browser, "undo", {"undo": response.json()["undo"]})
    assert late.json() == {"detail": "Non si può più annullare."}
    assert len(entries()) == 1


def test_autobot_is_started_once_and_stopped_once(browser, settings):
    settings.OCR_STREAM_URL = ""
    response = post(browser, "autobot-start", {})
    assert (response.status_code, response.json()["detail"]) == (
        503,
        "Non è configurato alcun flusso.",
    )
    settings.OCR_STREAM_URL = "http://127.0.0.1/live.m3u8"
    run = AutobotRun.objects.get(pk=post(browser, "autobot-start", {}).json()["run"])
    assert (run.started_by, run.is_over) == ("anna0", False)
    assert post(browser, "autobot-start", {}).status_code == 409
    assert post(browser, "autobot-stop", {}).json() == {"run": run.pk}
    response = post(browser, "autobot-stop", {})
    assert (response.status_code, response.json()["detail"]) == (409, "AutoBOT non è al lavoro.")


def test_autobots_pictures_are_for_staff(browser, settings):
    import numpy as np

    settings.OCR_STREAM_URL = "http://127.0.0.1/live.m3u8"
    run = services.start(by="anna")
    store_board(run, np.zeros((4, 4, 3), np.uint8))
    (picture,) = browser.get("/dashboard/figures").json()["autobot"]["pictures"]
    response = browser.get(picture["url"])
    assert (response["Content-Type"], response.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert browser.get(reverse("dashboard-picture", args=[run.pk, "BA"])).status_code == 404
    assert Client().get(picture["url"], headers={"Accept": "image/*"}).status_code == 401
