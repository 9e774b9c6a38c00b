"""The first page, the sidebar, and what every page of the admin has."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from unfold.admin import ModelAdmin

from core.admin.base import BaseAdmin
from core.auth import services as keys
from core.workers import services as workers
from gateway_arq import schedule
from webcom.ingest import store_unreadable

pytestmark = pytest.mark.django_db

ENGLISH = {"accept-language": "en"}
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


def test_the_first_page_says_what_is_wrong(admin_client: Client) -> None:
    page = admin_client.get("/admin/", headers=ENGLISH).content.decode()
    assert "None: all is well." in page
    workers.failed("webcom.calls", OSError("no route to the carrier"))
    store_unreadable({"id": None}, source="changes", reason="id")
    keys.create_key(name="old", expires_at=timezone.now() + timedelta(days=2))
    page = admin_client.get("/admin/", headers=ENGLISH).content.decode()
    for text in (
        "1 worker is in trouble",
        "1 payload of the carrier could not be read since yesterday",
        "1 API key expires within a week",
        "no route to the carrier",
    ):
        assert text in page, text


def test_problems_are_listed_for_staff_who_may_see_them(logged_in: Callable[..., Client]) -> None:
    keys.create_key(name="old", expires_at=timezone.now() + timedelta(days=2))
    page = logged_in("operator").get("/admin/", headers=ENGLISH).content.decode()
    assert "API key expires" not in page


def test_the_first_page_leads_to_dashboard_and_documentation(admin_client: Client) -> None:
    page = admin_client.get("/admin/").content.decode()
    assert 'href="/dashboard/"' in page
    assert 'href="/docs"' in page


@pytest.mark.parametrize(
    ("group", "subjects"),
    [
        ("operator", ["Calls", "Web TV", "Switchboard", "Lotto", "System"]),
        ("admin", ["Calls", "Web TV", "Switchboard", "Lotto", "System"]),
        ("nobody", []),
    ],
)
def test_the_sidebar_has_the_subjects_of_the_reader(
    logged_in: Callable[..., Client], group: str, subjects: list[str]
) -> None:
    page = logged_in(group).get("/admin/", headers=ENGLISH)
    titles = [part["title"] for part in page.context["sidebar_navigation"] if "title" in part]
    assert titles == subjects


def test_the_sidebar_shows_every_table_once(admin_client: Client) -> None:
    groups = admin_client.get("/admin/").context["sidebar_navigation"]
    links = [item["link"] for group in groups for item in group["items"]]
    lists = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in REGISTERED
    }
    assert len(links) == len(set(links))
    assert lists <= set(links)


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_every_list_is_a_base_admin_and_counts_no_table(admin_client: Client, model: Any) -> None:
    assert isinstance(admin.site._registry[model], ModelAdmin)
    assert isinstance(admin.site._registry[model], BaseAdmin)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    with CaptureQueriesContext(connection) as queries:
        assert admin_client.get(reverse(name)).status_code == 200
    table = connection.ops.quote_name(model._meta.db_table)
    counts = [
        q["sql"] for q in queries if q["sql"].startswith("SELECT COUNT(") and table in q["sql"]
    ]
    assert [sql for sql in counts if "LIMIT" not in sql] == []


@pytest.mark.parametrize(
    "address",
    ["/admin/", "/admin/login/", "/admin/second-factor/", "/admin/webtv/stream/add/"],
)
def test_pages_run_under_a_policy_without_scripts_in_them(
    admin_client: Client, address: str
) -> None:
    response = (Client() if "login" in address else admin_client).get(address)
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "default-src 'none'" in policy
    scripts = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", response.content.decode())
    assert [kind for kind in scripts if 'type="application/json"' not in kind] == []
    assert not re.search(r"\son(click|load|submit|change)=", response.content.decode())


def test_the_sandbox_is_labelled(admin_client: Client, client: Client, settings: Any) -> None:
    settings.SANDBOX = True
    assert "SANDBOX: dati di prova" in admin_client.get("/admin/webcom/call/").content.decode()
    assert "SANDBOX: dati di prova" in client.get("/admin/login/").content.decode()
    assert "[SANDBOX]" in client.get("/admin/login/").content.decode()


def test_an_unfiltered_list_does_not_offer_to_show_all(admin_client: Client) -> None:
    plain = admin_client.get("/admin/auth/user/", headers=ENGLISH).content.decode()
    assert "Show all" not in plain
    found = admin_client.get("/admin/auth/user/?q=nobody", headers=ENGLISH).content.decode()
    assert "Show all" in found


def test_our_periodic_tasks_are_switched_off_and_not_deleted(
    logged_in: Callable[..., Client],
) -> None:
    schedule.apply()
    client = logged_in("admin")
    ours = PeriodicTask.objects.get(name="WebCom: calls")
    theirs = PeriodicTask.objects.create(name="mine", task="webcom.prune", interval=ours.interval)
    for task, status in ((ours, 403), (theirs, 302)):
        address = reverse("admin:django_celery_beat_periodictask_delete", args=[task.pk])
        assert client.post(address, {"post": "yes"}).status_code == status
    assert PeriodicTask.objects.filter(pk=ours.pk).exists()
    assert not PeriodicTask.objects.filter(pk=theirs.pk).exists()
