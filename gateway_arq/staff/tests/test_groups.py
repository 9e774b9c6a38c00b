"""Who may do what, in the real admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from centralino.models import ListEntry
from core.admin.tables import UNDECLARED
from gateway_arq.staff import groups
from gateway_arq.staff.tables import LIBRARIES, table_of
from lotto import ingest
from lotto.models import Extraction
from lotto.types import Draw, Source
from webtv.models import Stream

pytestmark = pytest.mark.django_db

# A list of each subject, and the groups that may open it.
LISTS = {
    "webcom_call": {"operator", "supervisor", "admin"},
    "webtv_stream": {"operator", "supervisor", "admin"},
    "centralino_listentry": {"operator", "supervisor", "admin"},
    "lotto_drawday": {"operator", "supervisor", "admin"},
    "workers_workerstatus": {"operator", "supervisor", "admin"},
    "django_celery_beat_periodictask": {"supervisor", "admin"},
    "axes_accessattempt": {"supervisor", "admin"},
    "auditlog_logentry": {"supervisor", "admin"},
    "auth_user": {"supervisor", "admin"},
    "auth_group": {"admin"},
    "api_keys_apikey": {"admin"},
}
ADDED = {
    "centralino_listentry": {"operator", "supervisor", "admin"},
    "webtv_stream": {"supervisor", "admin"},
    "webtv_alertrule": {"supervisor", "admin"},
    "centralino_linerule": {"supervisor", "admin"},
    "lotto_extraction": {"supervisor", "admin"},
    "centralino_pbxserver": {"admin"},
    "django_celery_beat_intervalschedule": {"admin"},
    "auth_user": {"admin"},
    "api_keys_apikey": {"admin"},
    "webcom_call": set(),
    "auditlog_logentry": set(),
}


@pytest.mark.parametrize("group", [*groups.GROUPS, "nobody"])
@pytest.mark.parametrize(("page", "who"), LISTS.items())
def test_a_list_opens_for_its_groups(
    logged_in: Callable[..., Client], group: str, page: str, who: set[str]
) -> None:
    response = logged_in(group).get(reverse(f"admin:{page}_changelist"))
    assert response.status_code == (200 if group in who else 403)


@pytest.mark.parametrize("group", groups.GROUPS)
@pytest.mark.parametrize(("page", "who"), ADDED.items())
def test_a_row_is_added_by_its_groups(
    logged_in: Callable[..., Client], group: str, page: str, who: set[str]
) -> None:
    response = logged_in(group).get(reverse(f"admin:{page}_add"))
    assert response.status_code == (200 if group in who else 403)


def test_an_operator_lists_and_releases_a_number(logged_in: Callable[..., Client]) -> None:
    client = logged_in("operator")
    add = reverse("admin:centralino_listentry_add")
    assert client.post(add, {"number": "3331234567", "hours": "24"}).status_code == 302
    entry = ListEntry.objects.get()
    delete = reverse("admin:centralino_listentry_delete", args=[entry.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 302
    assert ListEntry.objects.get().reason == "released"


@pytest.mark.parametrize(("group", "status"), [("operator", 403), ("supervisor", 302)])
def test_draws_are_corrected_by_supervisors(
    logged_in: Callable[..., Client], group: str, status: int
) -> None:
    ingest.save([Draw(date(2026, 5, 30), "BA", (1, 2, 3, 4, 5))], source=Source.SYNC)
    draw = Extraction.objects.get()
    page = reverse("admin:lotto_extraction_change", args=[draw.pk])
    form = {f"n{n}": n + 10 for n in range(1, 6)}
    assert logged_in(group).post(page, form).status_code == status


@pytest.mark.parametrize(("group", "status"), [("operator", 403), ("supervisor", 302)])
def test_streams_are_edited_by_supervisors(
    logged_in: Callable[..., Client], group: str, status: int
) -> None:
    stream = Stream.objects.create(name="main", preset="owncast", url="https://cdn.example")
    form = {
        "title": "New",
        "preset": "owncast",
        "url": "https://cdn.example",
        "body_format": "json",
        "headers": "{}",
        "alert_rules-TOTAL_FORMS": "0",
        "alert_rules-INITIAL_FORMS": "0",
    }
    page = reverse("admin:webtv_stream_change", args=[stream.pk])
    assert logged_in(group).post(page, form).status_code == status
    assert Stream.objects.get(name="main").title == ("New" if status == 302 else "")


def schedule_form(row: PeriodicTask, **changed: Any) -> dict[str, Any]:
    return {
        "name": row.name, "task": row.task, "regtask": "", "interval": row.interval_id,
        "args": "[]", "kwargs": "{}", "enabled": "on", **changed,
    }  # fmt: skip


@pytest.mark.parametrize(
    "what",
    [
        {"task": "lotto.sync"},
        {"regtask": "lotto.sync"},
        {"args": '["x"]'},
        {"kwargs": '{"x": 1}'},
        {"name": "other"},
    ],
)
@pytest.mark.parametrize(("group", "may"), [("supervisor", False), ("admin", True)])
def test_a_supervisor_decides_when_a_task_runs_and_not_which(
    logged_in: Callable[..., Client], group: str, may: bool, what: dict[str, str]
) -> None:
    every = IntervalSchedule.objects.create(every=10, period="minutes")
    seldom = IntervalSchedule.objects.create(every=9, period="hours")
    task = PeriodicTask.objects.create(name="pull", task="webcom.pull_calls", interval=every)
    page = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])
    client = logged_in(group)
    assert client.get(page).status_code == 200
    form = schedule_form(task, interval=seldom.pk, enabled="", **what)
    response = client.post(page, form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    task.refresh_from_db()
    assert (task.interval, task.enabled) == (seldom, False)
    kept = (task.name, task.task, task.args, task.kwargs)
    assert (kept != ("pull", "webcom.pull_calls", "[]", "{}")) is may


def test_an_administrator_creates_no_superusers(
    logged_in: Callable[..., Client],
) -> None:
    client = logged_in("admin")
    me = User.objects.get(username="anna")
    form: dict[str, Any] = {
        "username": "anna",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "date_joined_0": "01/01/2026",
        "date_joined_1": "00:00",
    }
    assert client.post(reverse("admin:auth_user_change", args=[me.pk]), form).status_code == 302
    me.refresh_from_db()
    assert (me.is_superuser, me.is_staff) == (False, True)


def test_an_administrator_does_not_touch_superusers(logged_in: Callable[..., Client]) -> None:
    boss = User.objects.create_superuser("boss", password="x")
    client = logged_in("admin")
    for page in ("change", "delete", "password_change"):
        name = "auth_user_password_change" if page == "password_change" else f"auth_user_{page}"
        response = client.post(reverse(f"admin:{name}", args=[boss.pk]), {"post": "yes"})
        assert response.status_code == 403, page
    assert User.objects.filter(pk=boss.pk, is_superuser=True).exists()


def test_every_table_of_the_admin_is_decided_for_every_group() -> None:
    for model in admin.site._registry:
        for name, actions in groups.allowed(model).items():
            has = Permission.objects.filter(
                group__name=name,
                content_type__app_label=model._meta.app_label,
                content_type__model=model._meta.model_name,
            ).values_list("codename", flat=True)
            assert {code.partition("_")[0] for code in has} == actions, (name, model)


def test_every_table_of_the_admin_says_who_may_do_what() -> None:
    undeclared = {m._meta.label for m in admin.site._registry if table_of(m) is UNDECLARED}
    assert not undeclared
    assert {apps.get_model(label)._meta.label_lower for label in LIBRARIES} == set(LIBRARIES)


def test_permissions_that_staff_removed_stay_removed() -> None:
    operator = Group.objects.get(name="operator")
    operator.permissions.remove(*operator.permissions.filter(codename="add_listentry"))
    call_command("migrate", verbosity=0)
    assert not operator.permissions.filter(codename="add_listentry").exists()
    assert operator.permissions.filter(codename="view_listentry").exists()


def test_a_lost_group_is_made_and_filled_again() -> None:
    Group.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert set(Group.objects.values_list("name", flat=True)) == set(groups.GROUPS)
    assert Group.objects.get(name="operator").permissions.filter(codename="view_call").exists()
