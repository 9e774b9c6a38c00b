"""Odd settings are reported with a hint; production does not start with unsafe ones."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway_arq import checks
from gateway_arq.tests.gateway import Processes

KEY = "sk_live_arq_7Qm2vX9tLwZr4Kc8"
GOOD: dict[str, Any] = {
    "PRODUCTION": True,
    "DEBUG": False,
    "SECRET_KEY": "x7!kQ2@wLz9#mN4$vB8%cR1^tY6&uI3*oP5(aS0)dF_gH-jK+eW=",
    "API_KEYS": {"API_KEY_1": KEY},
    "ALLOWED_HOSTS": ["gateway.example"],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
    "DATABASE_URL": "postgres://gateway:secret@postgres/gateway",
    "DATABASE_REPLICA_URL": "postgres://gateway:secret@replica/gateway",
    "REDIS_URL": "redis://redis/0",
    "KEYLESS_READ_NETWORKS": [],
    "WEBCOM_URL": "https://carrier.example/v1",
    "WEBCOM_PUSH_URL": "wss://carrier.example/v1/stream",
    "WEBCOM_TOKEN": "token",
    "WEBCOM_WEBHOOK_SECRET": "whsec_" + "QUJD" * 8,
    "GATEWAY_TIME_ZONE": "Europe/Rome",
    "LEGACY_DATABASE_URL": "mysql://gateway_reader:p%40ss@old.example/legacy",
    "LEGACY_TIMEOUT_S": 3.0,
}


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Sets good production settings with some changes, in the checks' own view of the settings."""

    def configure(**changes: Any) -> None:
        from types import SimpleNamespace

        monkeypatch.setattr(
            checks, "settings", SimpleNamespace(**{**GOOD, "DATA_DIR": tmp_path, **changes})
        )

    return configure


def _ids() -> list[str]:
    found = checks.check_settings()
    assert all(message.hint for message in found)
    return [str(message.id) for message in found]


def test_good_production_is_clean(configured: Any) -> None:
    configured()
    assert _ids() == []
    checks.refuse_unsafe_production()


UNSAFE = [
    ({"DEBUG": True}, "gateway.E001"),
    ({"SECRET_KEY": ""}, "gateway.E002"),
    ({"SECRET_KEY": "short"}, "gateway.E002"),
    ({"SECRET_KEY": "ab" * 40}, "gateway.E002"),
    ({"SECRET_KEY": "django-insecure-" + GOOD["SECRET_KEY"]}, "gateway.E002"),
    ({"SECRET_KEY": "CHANGE_ME" + GOOD["SECRET_KEY"]}, "gateway.E002"),
    ({"SECRET_KEY": "development-only-secret-key-never-used-in-production"}, "gateway.E002"),
    ({"API_KEYS": {"API_KEY_2": "sk_live_arq_2024_production_key_change_me"}}, "gateway.E003"),
    ({"API_KEYS": {"API_KEY_1": KEY, "API_KEY_2": "short"}}, "gateway.E004"),
    ({"API_KEYS": {"API_KEY_1": "a" * 30}}, "gateway.E004"),
    ({"ALLOWED_HOSTS": ["gateway.example", "*"]}, "gateway.E005"),
    ({"ALLOWED_HOSTS": []}, "gateway.E005"),
]
ODD = [
    ({"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}}, "gateway.W006"),
    ({"REDIS_URL": ""}, "gateway.W007"),
    ({"KEYLESS_READ_NETWORKS": [ipaddress.ip_network("10.0.0.0/8")]}, "gateway.W008"),
    ({"API_KEYS": {}}, "gateway.W009"),
    ({"API_KEYS": {"API_KEY_1": KEY + " \u00e9"}}, "gateway.E010"),
    ({"WEBCOM_TOKEN": ""}, "gateway.E011"),
    ({"WEBCOM_URL": ""}, "gateway.E012"),
    ({"WEBCOM_URL": "carrier.example"}, "gateway.E013"),
    ({"WEBCOM_PUSH_URL": "https://carrier.example"}, "gateway.E013"),
    ({"WEBCOM_URL": "http://carrier.example/v1"}, "gateway.W014"),
    ({"WEBCOM_PUSH_URL": "ws://192.0.2.1/v1"}, "gateway.W014"),
    ({"WEBCOM_WEBHOOK_SECRET": "whsec_not base64!"}, "gateway.E015"),
    ({"WEBCOM_WEBHOOK_SECRET": "whsec_QUJD"}, "gateway.E015"),
    ({"GATEWAY_TIME_ZONE": "Europe/Roma"}, "gateway.E016"),
    ({"GATEWAY_TIME_ZONE": "../etc/passwd"}, "gateway.E016"),
    ({"DATABASE_URL": ""}, "gateway.W037"),
    ({"LEGACY_DATABASE_URL": "postgres://reader:x@old.example/legacy"}, "gateway.W018"),
    ({"LEGACY_DATABASE_URL": "mysql://reader:x@old.example"}, "gateway.W018"),
    ({"LEGACY_DATABASE_URL": "mysql://reader:x@old.example:port/legacy"}, "gateway.W018"),
    ({"LEGACY_DATABASE_URL": "mysql://root:x@old.example/legacy"}, "gateway.W019"),
]


@pytest.mark.parametrize(("changes", "id_"), UNSAFE + ODD)
def test_odd_setting_is_reported(configured: Any, changes: dict[str, Any], id_: str) -> None:
    configured(**changes)
    assert _ids() == [id_]


@pytest.mark.parametrize(("changes", "id_"), UNSAFE)
def test_production_refuses_to_start_unsafe_and_says_why(
    configured: Any, changes: dict[str, Any], id_: str
) -> None:
    configured(**changes)
    with pytest.raises(ImproperlyConfigured, match=id_) as refused:
        checks.refuse_unsafe_production()
    assert GOOD["SECRET_KEY"] not in str(refused.value)


@pytest.mark.parametrize(("changes", "id_"), UNSAFE[:1] + UNSAFE[7:] + ODD[:3])
def test_a_laptop_may_be_unsafe(configured: Any, changes: dict[str, Any], id_: str) -> None:
    configured(PRODUCTION=False, **changes)
    assert _ids() == []
    checks.refuse_unsafe_production()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_plain_http_to_this_machine_is_fine(configured: Any, host: str) -> None:
    configured(WEBCOM_URL=f"http://{host}:8100/v1", WEBCOM_PUSH_URL=f"ws://{host}:8100/v1/stream")
    assert _ids() == []


def test_data_dir_may_be_made_later_but_must_be_writable(configured: Any, tmp_path: Path) -> None:
    configured(DATA_DIR=tmp_path / "a" / "b")
    assert _ids() == []
    blocker = tmp_path / "file"
    blocker.touch()
    configured(DATA_DIR=blocker / "var")
    assert _ids() == ["gateway.E017"]


def _production(data_dir: Path, **environment: str) -> dict[str, str]:
    production = {
        "DJANGO_SETTINGS_MODULE": "gateway_arq.settings",
        "DOTENV": "",
        "GATEWAY_ENV": "production",
        "SECRET_KEY": str(GOOD["SECRET_KEY"]),
        "API_KEY_1": KEY,
        "ALLOWED_HOSTS": "gateway.example",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DATA_DIR": str(data_dir),
        "PATH": os.environ["PATH"],
    }
    return production | environment


def test_web_process_does_not_start_with_the_key_of_the_documentation(
    tmp_path: Path, processes: Processes
) -> None:
    key = "sk_live_arq_2024_production_key_change_me"
    env = _production(tmp_path, API_KEY_2=key)
    ended = processes.run(sys.executable, "-c", "import gateway_arq.wsgi", env=env)
    assert ended.returncode != 0
    assert "gateway.E003: API_KEY_2 contains change_me." in ended.stderr
    assert key not in ended.stderr


def test_deployment_check_of_a_good_production_is_clean(
    tmp_path: Path, processes: Processes
) -> None:
    command = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    ended = processes.run(sys.executable, *command, env=_production(tmp_path))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "no issues (0 silenced)" in ended.stdout
