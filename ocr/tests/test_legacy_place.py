"""Where the old database is, and what Django may do there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import NotSupportedError, router

from ocr.legacy.models import LegacyPrediction
from ocr.legacy.place import NOWHERE, BadUrl, at_url, in_file, place

URL = "mysql://reader:p%40ss%2F@old.example:3307/old%20db"


def test_url_has_everything() -> None:
    entry = at_url(URL, timeout_s=2.5)
    assert {name: entry[name] for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")} == {
        "HOST": "old.example",
        "PORT": 3307,
        "NAME": "old db",
        "USER": "reader",
        "PASSWORD": "p@ss/",
    }
    assert entry["OPTIONS"] == {"connect_timeout": 2.5, "read_timeout": 2.5, "write_timeout": 2.5}


def test_port_and_scheme_may_be_the_usual_ones() -> None:
    entry = at_url("mariadb://reader@[::1]/legacy", timeout_s=1)
    assert (entry["HOST"], entry["PORT"], entry["PASSWORD"]) == ("::1", 3306, "")


def test_encryption_holds_the_server_to_its_certificate() -> None:
    options = at_url(f"{URL}?ssl_ca=/etc/ca.pem", timeout_s=1)["OPTIONS"]
    assert (options["ssl_ca"], options["ssl_verify_identity"]) == ("/etc/ca.pem", True)


@pytest.mark.parametrize(
    "url",
    [
        "legacy", "mysql://", "mysql:///legacy", "mysql://root@127.0.0.1:3306/", "mysql://host/a/b",
        "mysql://host:99999/legacy", "mysql://host:x/legacy", "mysql://[::1/legacy",
        "sqlite:///old.sqlite3", f"{URL}?init_command=DROP", f"{URL}?read_timeout=999",
    ],
    ids=lambda url: url.replace(URL, "..."),
)  # fmt: skip
def test_bad_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BadUrl) as refused:
        at_url(url, timeout_s=1)
    assert "p%40ss" not in str(refused.value)
    assert place(url, None, timeout_s=1) == NOWHERE
    assert place(url, Path("/old.sqlite3"), timeout_s=1) == NOWHERE


def test_a_file_stands_in_for_the_url(tmp_path: Path) -> None:
    path = tmp_path / "a ?#%é.sqlite3"
    assert place("", None, timeout_s=1) == NOWHERE
    assert place("", path, timeout_s=1) == in_file(path, timeout_s=1)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (n)")
    name = in_file(path, timeout_s=1)["NAME"]
    with closing(sqlite3.connect(name, uri=True)) as database:
        assert database.execute("SELECT * FROM t").fetchall() == []
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            database.execute("INSERT INTO t VALUES (1)")


def test_the_suite_has_no_legacy_database() -> None:
    assert settings.DATABASES["legacy"]["ENGINE"] == NOWHERE["ENGINE"]


def test_only_models_of_the_old_database_are_read_there() -> None:
    assert router.db_for_read(LegacyPrediction) == "legacy"
    assert router.db_for_read(User) == router.db_for_write(User) == "default"
    with pytest.raises(NotSupportedError):
        router.db_for_write(LegacyPrediction)


@pytest.mark.parametrize(
    ("alias", "app", "may"),
    [("default", "auth", True), ("legacy", "auth", False), ("default", "legacy", False)],
)
def test_nothing_is_migrated_there(alias: str, app: str, may: Any) -> None:
    assert router.allow_migrate(alias, app) is may
