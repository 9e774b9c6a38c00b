"""Who changed what: written once, by whom, and without secrets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from auditlog.models import LogEntry
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from centralino.models import ListEntry
from centralino.services import lists
from core.auth.models import ApiKey
from gateway_arq.staff.audit import masked
from lotto import ingest
from lotto.models import Extraction
from lotto.types import Draw, Source
from webtv.models import Stream

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


def trail(model: type[Any]) -> list[LogEntry]:
    """The entries of a table, oldest first."""
    name = model._meta.model_name
    return list(LogEntry.objects.filter(content_type__model=name).order_by("pk"))


def test_a_number_listed_in_the_admin_is_its_lister_s(logged_in: Callable[..., Client]) -> None:
    client = logged_in("operator")
    client.post("/admin/centralino/listentry/add/", {"number": "3331234567", "note": "rings"})
    (entry,) = trail(ListEntry)
    assert (entry.actor.username, entry.action) == ("anna", LogEntry.Action.CREATE)
    assert entry.remote_addr == "127.0.0.1"
    assert entry.changes["number"] == ["None", "+393331234567"]
    assert entry.changes["note"][1] == "rings"
    assert "hits" not in entry.changes


def test_an_api_key_is_named_where_there_is_no_user(api: Any) -> None:
    response = api.post(
        "/jpbx-api/api/blacklist", {"number": "3331234567", "hours": 24}, format="json"
    )
    assert response.status_code == 200, response.content
    (entry,) = trail(ListEntry)
    assert (entry.actor, entry.additional_data) == (None, {"key": "API_KEY_1"})


def test_what_jobs_do_is_not_written() -> None:
    lists.blacklist_number("+393331234567", hours=24, reason="answered-24h")
    lists.prolong("+393331234567", hours=24)
    assert not LogEntry.objects.exists()


def test_a_key_is_made_and_revoked_without_its_secret(logged_in: Callable[..., Client]) -> None:
    client = logged_in("admin")
    client.post("/admin/api_keys/apikey/add/", {"name": "Wall", "scope": "read"})
    key = ApiKey.objects.get()
    data = {"action": "revoke", "_selected_action": [key.pk]}
    client.post("/admin/api_keys/apikey/", data)
    made, revoked = trail(ApiKey)
    assert (made.action, made.changes["name"]) == (LogEntry.Action.CREATE, ["None", "Wall"])
    assert key.digest not in str(made.changes)
    assert revoked.changes.keys() == {"revoked_at"}


def test_a_schedule_s_changes_are_written_but_not_its_runs(admin_client: Client) -> None:
    every, _ = IntervalSchedule.objects.get_or_create(every=10, period="minutes")
    task = PeriodicTask.objects.create(name="pull", task="webcom.pull_calls", interval=every)
    form = {
        "name": "pull", "task": "webcom.pull_calls", "regtask": "", "interval": every.pk,
        "args": "[]", "kwargs": "{}", "headers": "{}", "enabled": "",
    }  # fmt: skip
    page = f"/admin/django_celery_beat/periodictask/{task.pk}/change/"
    response = admin_client.post(page, form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    (entry,) = trail(PeriodicTask)
    assert entry.changes == {"enabled": ["True", "False"]}
    assert entry.actor.username == "admin"


def test_groups_given_and_passwords_changed_are_written_without_passwords(
    logged_in: Callable[..., Client], member: Callable[..., User]
) -> None:
    member("operator", name="berta")
    berta = User.objects.get(username="berta")
    client = logged_in("admin")
    supervisor = Group.objects.get(name="supervisor")
    form = {
        "username": "berta", "is_active": "on", "is_staff": "on", "groups": [supervisor.pk],
        "date_joined_0": "01/01/2026", "date_joined_1": "00:00:00",
    }  # fmt: skip
    page = f"/admin/auth/user/{berta.pk}"
    assert client.post(f"{page}/change/", form).status_code == 302
    changes = [change for entry in trail(User) for change in (entry.changes or {}).items()]
    groups = [values for name, values in changes if name == "groups"]
    assert {"add", "delete"} == {values["operation"] for values in groups}
    new = "another good password"
    form = {"password1": new, "password2": new, "usable_password": "true"}
    assert client.post(f"{page}/password/", form).status_code == 302
    assert trail(User)[-1].changes == {"password": ["•••", "•••"]}


def test_a_stream_s_address_and_headers_are_written_without_what_opens_them(
    admin_client: Client,
) -> None:
    form = {
        "name": "main", "preset": "owncast", "url": "https://cdn.example/live?token=s3cret",
        "body_format": "json", "headers": '{"X-Auth": "s3cret"}',
        "alert_rules-TOTAL_FORMS": "0", "alert_rules-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert admin_client.post("/admin/webtv/stream/add/", form).status_code == 302
    (entry,) = trail(Stream)
    assert entry.changes["url"][1] == "https://cdn.example/live?•••"
    assert "s3cret" not in str(entry.changes)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ("pbkdf2$x", "•••"),
        ("None", "•••"),
        ("https://cdn.example:8080/a", "https://cdn.example:8080/a"),
        pytest.param("rtmp://user@cdn.example/a", "rtmp://cdn.example/a?•••", id="a user"),
        ("http://[bad", "•••"),
        ("http://cdn.example:99999/", "•••"),
    ],
)
def test_secrets_are_masked(value: str, shown: str) -> None:
    assert masked(value) == shown


def test_what_services_write_in_bulk_is_noted_too(logged_in: Callable[..., Client]) -> None:
    ingest.save([Draw(date(2026, 5, 30), "BA", (1, 2, 3, 4, 5))], source=Source.SYNC)
    draw = Extraction.objects.get()
    client = logged_in("supervisor")
    page = f"/admin/lotto/extraction/{draw.pk}"
    client.post(f"{page}/change/", {f"n{n}": n + 10 for n in range(1, 6)})
    client.post(f"{page}/delete/", {"post": "yes"})
    changed, deleted = trail(Extraction)
    assert (changed.action, changed.actor.username) == (LogEntry.Action.UPDATE, "anna")
    assert changed.additional_data["message"]
    assert deleted.action == LogEntry.Action.DELETE


def test_unlocking_is_written(logged_in: Callable[..., Client]) -> None:
    attempt = AccessAttempt.objects.create(
        username="berta",
        ip_address="192.0.2.1",
        failures_since_start=5,
        attempt_time=timezone.now(),
    )
    data = {"action": "unlock", "_selected_action": [attempt.pk]}
    logged_in("supervisor").post("/admin/axes/accessattempt/", data)
    (entry,) = trail(AccessAttempt)
    assert (entry.action, entry.actor.username) == (LogEntry.Action.DELETE, "anna")


def test_the_trail_is_read_and_never_changed(
    admin_client: Client, logged_in: Callable[..., Client]
) -> None:
    logged_in("operator").post(
        "/admin/centralino/listentry/add/", {"number": "3331234567", "note": "<b>rings</b>"}
    )
    (entry,) = trail(ListEntry)
    page = admin_client.get("/admin/auditlog/logentry/").content.decode()
    assert "anna" in page
    assert "&lt;b&gt;rings&lt;/b&gt;" in page
    one = f"/admin/auditlog/logentry/{entry.pk}"
    assert admin_client.get(f"{one}/change/").status_code == 200
    assert admin_client.post(f"{one}/change/", {"object_repr": "x"}).status_code == 403
    assert admin_client.post(f"{one}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get("/admin/auditlog/logentry/add/").status_code == 403
