"""AutoBOT in the admin: pictures beside numbers, and what staff may do about them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from ocr import selectors
from ocr.autobot import evidence, services
from ocr.models import AutobotConfig, AutobotRun
from ocr.tests import coded
from ocr.tests.evenings import (
    LEADER,
    STREAM,
    again,
    board,
    day_before_is_archived,
    drawn,
    read,
    step_states,
)
from ocr.types import Held, RunState

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
RUNS = "/admin/ocr/autobotrun/"
NEW = (5, 17, 23, 42, 88)


@pytest.fixture(autouse=True)
def _stream(settings: Any) -> None:
    settings.OCR_STREAM_URL = STREAM


@pytest.fixture
def run() -> AutobotRun:
    """A run that is over, with a wheel in doubt and its pictures."""
    day_before_is_archived()
    run = read(doubtful=["NA"])
    evidence.store_wheels(run, board().image, {"BA": (60, 150, 900, 230)})
    run.steps.update(state="done", done=services.as_lists(selectors.published(run)))
    services.end(run, LEADER, RunState.COMPLETED, services.summary(run))
    return again(run)


def page(client: Client, run: AutobotRun) -> str:
    response = client.get(f"{RUNS}{run.pk}/change/")
    assert response.status_code == 200
    return response.content.decode()


def press(client: Client, run: AutobotRun, what: str, **fields: Any) -> str:
    """The message that comes of a button."""
    response = client.post(f"{RUNS}{run.pk}/{what}/", fields, follow=True)
    assert response.status_code == 200
    return " ".join(map(str, response.context["messages"]))


def typed(numbers: Any) -> dict[str, Any]:
    return {f"n{place}": number for place, number in enumerate(numbers, 1)}


def test_pictures_stand_beside_the_numbers(admin_client: Client, run: AutobotRun) -> None:
    body = page(admin_client, run)
    assert f"{RUNS}{run.pk}/pictures/BA.jpg" in body
    assert body.count('name="n1"') == 11
    assert "99 %" in body
    assert 'class="in-doubt"' in body
    picture = admin_client.get(f"{RUNS}{run.pk}/pictures/BA.jpg")
    assert picture["Content-Type"] == "image/jpeg"
    assert picture.content.startswith(b"\xff\xd8")
    assert admin_client.get(f"{RUNS}{run.pk}/pictures/board.jpg").status_code == 200
    assert admin_client.get(f"{RUNS}{run.pk}/pictures/RN.jpg").status_code == 404


def test_pictures_are_for_staff_who_may_see_runs(client: Client, run: AutobotRun) -> None:
    address = f"{RUNS}{run.pk}/pictures/BA.jpg"
    assert client.get(address).status_code == 302
    client.force_login(User.objects.create_user("guest", is_staff=True))
    assert client.get(address).status_code == 403


def test_a_correction_is_stored_noted_and_offers_what_follows(
    admin_client: Client, run: AutobotRun
) -> None:
    assert "5 17 23 42 88" in press(admin_client, run, "wheels/NA", **typed(NEW))
    assert selectors.published(run)["NA"] == NEW
    assert step_states(run)["archive"] == "offered"
    assert "5 17 23 42 88" in str(LogEntry.objects.get().change_message)
    press(admin_client, run, "steps/all")
    assert selectors.unfinished() == run
    assert step_states(run) == {
        "validate": "done", "archive": "waiting", "upload": "waiting", "telegram": "waiting",
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [(1, 2, 3, 4, 4), (1, 2, 3, 4, 91), (1, 2, 3, 4, ""), ("x",)])
def test_numbers_against_the_rules_are_refused(
    admin_client: Client, run: AutobotRun, wrong: Any
) -> None:
    assert press(admin_client, run, "wheels/NA", **typed(wrong))
    assert "NA" not in selectors.published(run)
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("step", ["validate", "archive", "upload", "telegram"])
def test_each_step_can_be_done_again(admin_client: Client, run: AutobotRun, step: str) -> None:
    press(admin_client, run, f"steps/{step}")
    assert step_states(run)[step] == "waiting"
    assert run.steps.get(name=step).done == {}
    assert selectors.unfinished() == run


def test_a_step_that_is_none_is_not_found(admin_client: Client, run: AutobotRun) -> None:
    assert admin_client.post(f"{RUNS}{run.pk}/steps/notice/").status_code == 404
    assert admin_client.post(f"{RUNS}{run.pk}/wheels/XX/", typed(NEW)).status_code == 404
    assert admin_client.post(f"{RUNS}999/confirm/").status_code == 404


def test_what_waits_is_confirmed(admin_client: Client, run: AutobotRun) -> None:
    run.wheels.filter(wheel="BA").update(held=Held.BEHIND)
    assert f"{RUNS}{run.pk}/confirm/" in page(admin_client, run)
    press(admin_client, run, "confirm")
    assert "BA" in selectors.published(run)


@pytest.mark.usefixtures("scripted")
def test_reading_again_doubts_what_is_read_otherwise(admin_client: Client, run: AutobotRun) -> None:
    evidence.store_board(run, coded.board(drawn()))
    run.wheels.filter(wheel="BA").update(cells=[[n, 99.0, []] for n in NEW])
    assert "BA" in press(admin_client, run, "read")
    assert set(selectors.published(run)) == set(drawn()) - {"BA", "NA"}
    assert step_states(run)["archive"] == "offered"


def test_start_and_stop(admin_client: Client, run: AutobotRun) -> None:
    assert f"{RUNS}start/" in admin_client.get(RUNS).content.decode()
    admin_client.post(f"{RUNS}start/", {"extraordinary": "on"})
    begun = selectors.unfinished()
    assert (begun.started_by, begun.is_extraordinary) == ("admin", True)
    assert f"{RUNS}stop/" in page(admin_client, begun)
    response = admin_client.post(f"{RUNS}start/", follow=True)
    assert "già al lavoro" in " ".join(map(str, response.context["messages"]))
    admin_client.post(f"{RUNS}stop/")
    assert selectors.unfinished() is None


def test_who_may_not_change_runs_sees_no_buttons(client: Client, run: AutobotRun) -> None:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_autobotrun"))
    client.force_login(user)
    body = page(client, run)
    assert "steps/telegram" not in body
    assert '<button type="submit">' not in body
    for what in ("steps/telegram", "read", "confirm", "wheels/NA"):
        assert client.post(f"{RUNS}{run.pk}/{what}/", typed(NEW)).status_code == 403
    assert client.post(f"{RUNS}start/").status_code == 403
    assert again(run).is_over


def test_the_list_costs_the_same_for_any_number_of_runs(
    admin_client: Client, run: AutobotRun, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        services.start(by="the test")
        services.stop(by="the test")
    with django_assert_max_num_queries(16):
        body = admin_client.get(RUNS).content.decode()
    assert "10/11" in body


def test_the_configuration_is_checked_as_the_api_checks_it(admin_client: Client) -> None:
    address = "/admin/ocr/autobotconfig/add/"
    response = admin_client.post(address, {"stream_url": "http://127.0.0.1/x.m3u8"})
    assert response.status_code == 200
    assert not AutobotConfig.objects.exists()
    admin_client.post(address, {"stream_url": "", "save_to_db": "on"})
    config = AutobotConfig.objects.get()
    assert (config.save_to_db, config.auto_upload) == (True, False)
    assert admin_client.get(address).status_code == 403
