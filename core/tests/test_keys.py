"""Keys of the database: made, kept as a hash, known in memory, revoked everywhere."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from core.auth import keyring as module
from core.auth import services
from core.auth.keyring import Keyring
from core.auth.models import ApiKey
from core.auth.types import Caller, Scope, digest_of

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The keyring's monotonic clock, to set by hand."""
    now = [1000.0]
    monkeypatch.setattr("core.auth.keyring.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def ring(clock: list[float]) -> Keyring:
    return Keyring()


def _unavailable(*_args: object, **_kwargs: object) -> Any:
    raise OperationalError("connection refused")


def test_only_a_hash_of_the_key_is_stored() -> None:
    row, key = services.create_key(name="dashboard")
    assert key.startswith(f"arq_{row.prefix}_")
    assert len(key.removeprefix(f"arq_{row.prefix}_")) == 32
    stored = ApiKey.objects.filter(pk=row.pk).values().get()
    assert stored["digest"] == digest_of(key)
    assert not any(key in str(value) for value in stored.values())


def test_key_is_found_with_its_name_and_scopes(ring: Keyring) -> None:
    row, key = services.create_key(name="dashboard", scope=Scope.WRITE)
    found = ring.find(key)
    assert found == Caller("dashboard", frozenset({"read", "write"}), key_id=f"db:{row.pk}")
    assert ring.find(key + "x") is None
    assert ring.find(key[:-1]) is None
    assert ring.find("") is None


def test_keys_of_the_environment_have_every_scope(ring: Keyring, api_key: str) -> None:
    found = ring.find(api_key)
    assert found is not None
    assert found.key_id == "env:API_KEY_1"
    assert found.scopes == {"read", "write"}


def test_a_key_of_the_scope_that_is_gone_goes_on_as_write(ring: Keyring) -> None:
    row, key = services.create_key(name="old")
    ApiKey.objects.filter(pk=row.pk).update(scope="admin")
    ring.reload()
    assert ring.find(key) is None  # and the others are still read
    migration = import_module("core.auth.migrations.0002_admin_keys_write")
    migration.write(apps, SimpleNamespace(connection=connection))
    ring.reload()
    found = ring.find(key)
    assert found is not None
    assert found.scopes == {"read", "write"}


def test_database_is_read_at_most_once_a_second(
    ring: Keyring, clock: list[float], api_key: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):  # keys and staff
        ring.find(api_key)
        clock[0] += 0.9
        ring.find(api_key)
    clock[0] += 0.2
    with django_assert_num_queries(2):
        ring.find(api_key)


def test_new_key_works_within_a_second(ring: Keyring, clock: list[float], api_key: str) -> None:
    ring.find(api_key)
    _, key = services.create_key(name="new")
    clock[0] += 1.1
    assert ring.find(key) is not None


def test_revoked_key_is_inactive_after_the_next_reading(ring: Keyring) -> None:
    row, key = services.create_key(name="lost")
    caller = ring.find(key)
    assert caller is not None
    assert ring.is_active(caller)
    ApiKey.objects.filter(pk=row.pk).update(revoked_at=datetime.now(UTC))
    ring.reload()
    assert not ring.is_active(caller)
    assert ring.find(key) is None


def test_key_expires_in_memory_too(ring: Keyring) -> None:
    end = datetime(2030, 1, 1, tzinfo=UTC)
    with time_machine.travel(end - timedelta(seconds=1), tick=False) as now:
        _, key = services.create_key(name="guest", expires_at=end)
        caller = ring.find(key)
        assert caller is not None
        now.shift(1)
        assert not ring.is_active(caller)
        assert ring.find(key) is None


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"scope": "read"},
        {"revoked_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_who_was_let_in_by_a_key_that_may_less_now_is_inactive(
    ring: Keyring, change: dict[str, Any]
) -> None:
    row, key = services.create_key(name="screen", scope=Scope.WRITE)
    caller = ring.find(key)
    assert caller is not None
    ApiKey.objects.filter(pk=row.pk).update(**change)
    ring.reload()
    assert not ring.is_active(caller)


def test_who_was_let_in_by_a_key_that_may_more_now_stays(ring: Keyring) -> None:
    row, key = services.create_key(name="screen")
    caller = ring.find(key)
    assert caller is not None
    ApiKey.objects.filter(pk=row.pk).update(scope="write", name="wall")
    ring.reload()
    assert ring.is_active(caller)


def test_dismissed_staff_is_inactive(ring: Keyring, django_user_model: type[User]) -> None:
    anna = django_user_model.objects.create_user("anna", is_staff=True)
    caller = Caller("anna", frozenset({"read"}), user_id=anna.pk)
    ring.reload()
    assert ring.is_active(caller)
    django_user_model.objects.filter(pk=anna.pk).update(is_staff=False)
    ring.reload()
    assert not ring.is_active(caller)


def test_known_keys_stay_valid_while_the_database_is_away(
    ring: Keyring, clock: list[float], api_key: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, key = services.create_key(name="dashboard")
    assert ring.find(key) is not None
    with patch.object(module, "_from_database", _unavailable), caplog.at_level(logging.INFO):
        for _ in range(3):
            clock[0] += module.DATABASE_PAUSE_S + 1
            assert ring.find(key) is not None
            assert ring.find(api_key) is not None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    clock[0] += module.DATABASE_PAUSE_S + 1
    with caplog.at_level(logging.INFO):
        ring.find(key)
    assert "keys.database_recovered" in caplog.text


def test_environment_keys_work_when_the_database_was_never_there(
    ring: Keyring, api_key: str
) -> None:
    with patch.object(module, "_from_database", _unavailable):
        assert ring.find(api_key) is not None
        with pytest.raises(OperationalError, match="could not be read yet"):
            ring.find("perhaps one of the database's")


def test_last_use_is_written_at_most_once_a_minute(ring: Keyring, clock: list[float]) -> None:
    row, key = services.create_key(name="dashboard")
    with patch("core.auth.keyring.timezone.now", return_value=datetime(2030, 1, 1, tzinfo=UTC)):
        ring.find(key)
    row.refresh_from_db()
    assert row.last_used_at == datetime(2030, 1, 1, tzinfo=UTC)
    later = datetime(2030, 1, 1, 0, 1, tzinfo=UTC)
    with patch("core.auth.keyring.timezone.now", return_value=later):
        clock[0] += 59
        ring.find(key)
        row.refresh_from_db()
        assert row.last_used_at != later
        clock[0] += 1
        ring.find(key)
    row.refresh_from_db()
    assert row.last_used_at == later


def test_use_that_cannot_be_written_does_not_refuse_the_key(ring: Keyring) -> None:
    _, key = services.create_key(name="dashboard")
    ring.reload()
    with patch.object(ApiKey.objects, "filter", _unavailable):
        assert ring.find(key) is not None


@pytest.mark.parametrize("change", ["create", "save", "revoke", "delete"])
def test_every_process_hears_of_a_change_once_it_is_committed(
    change: str, django_capture_on_commit_callbacks: Any
) -> None:
    row, _ = services.create_key(name="dashboard")
    changes = {
        "create": lambda: services.create_key(name="other"),
        "save": row.save,
        "revoke": lambda: services.revoke_keys([row]),
        "delete": row.delete,
    }
    with patch("core.auth.signals.announce") as announce:
        with django_capture_on_commit_callbacks(execute=True):
            changes[change]()
            announce.assert_not_called()
        announce.assert_called_once_with("keys.changed")


def test_revoking_twice_changes_nothing() -> None:
    row, _ = services.create_key(name="dashboard")
    assert services.revoke_keys([row]) == 1
    first = ApiKey.objects.get().revoked_at
    assert services.revoke_keys(ApiKey.objects.all()) == 0
    assert ApiKey.objects.get().revoked_at == first


def _made_in_the_admin(admin_client: Client) -> str:
    form = {"name": "dashboard", "scope": "write", "expires_at_0": "", "expires_at_1": ""}
    response = admin_client.post(
        "/admin/api_keys/apikey/add/", form, follow=True, headers={"accept-language": "en"}
    )
    [message] = [
        str(m) for m in response.context["messages"] if "arq_" in str(m) and "never shown" in str(m)
    ]
    return next(word for word in message.split() if word.startswith("arq_"))


def test_admin_shows_a_new_key_once(admin_client: Client, client: Client) -> None:
    key = _made_in_the_admin(admin_client)
    assert client.get("/version", headers={"X-API-Key": key}).status_code == 200
    row = ApiKey.objects.get()
    assert row.created_by is not None
    for page in ("/admin/api_keys/apikey/", f"/admin/api_keys/apikey/{row.pk}/change/"):
        shown = admin_client.get(page).content.decode()
        assert row.prefix in shown
        assert key not in shown
        assert row.digest not in shown


def test_admin_edits_name_and_expiry_but_never_the_secret(admin_client: Client) -> None:
    row, _ = services.create_key(name="dashboard")
    form = {
        "name": "renamed",
        "scope": "read",
        "expires_at_0": "",
        "expires_at_1": "",
        "digest": "0" * 64,
    }
    admin_client.post(f"/admin/api_keys/apikey/{row.pk}/change/", form)
    changed = ApiKey.objects.get()
    assert (changed.name, changed.digest, changed.prefix) == ("renamed", row.digest, row.prefix)


def test_admin_revokes_selected_keys(admin_client: Client, client: Client) -> None:
    row, key = services.create_key(name="dashboard")
    admin_client.post("/admin/api_keys/apikey/", {"action": "revoke", "_selected_action": [row.pk]})
    assert client.get("/version", headers={"X-API-Key": key}).status_code == 401
