"""`manage.py restore`: refused in time, all or nothing, and what was there before is kept."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg
import pytest

from gateway_arq.backup.archive import MANIFEST, Manifest, json_bytes, opened, written
from gateway_arq.backup.tests.places import Place
from gateway_arq.tests.gateway import Processes

pytestmark = pytest.mark.timeout(300)  # several commands, on a machine that is busy


@pytest.fixture
def filled(place: Callable[..., Place], migrated_data_dir: Path, processes: Processes) -> Place:
    """A gateway on SQLite with a user."""
    made = place("filled")
    shutil.copytree(migrated_data_dir, made.data)
    add_user(made, "anna")
    return made


def add_user(place: Place, name: str) -> None:
    with sqlite3.connect(place.data / "gateway.sqlite3") as database:
        database.execute(
            "INSERT INTO auth_user (username, password, first_name, last_name, email, is_active, "
            "is_staff, is_superuser, date_joined) VALUES (?, '', '', '', '', 1, 1, 1, "
            "'2026-01-31 12:00:00.120000')",
            [name],
        )


def users(file: Path) -> list[str]:
    with sqlite3.connect(file) as database:
        return [name for (name,) in database.execute("SELECT username FROM auth_user ORDER BY 1")]


def with_a_row_twice(path: Path) -> Path:
    """The same backup, well-formed, but with a row that no table accepts."""
    broken = path.with_name("broken.tar.gz")
    with written(broken, "") as writer:
        for name, content in opened(path, ""):
            read = content.read()
            if name == "tables/auth_user/000000.copy":
                read += read
            if name == MANIFEST:
                manifest = msgspec.json.decode(read, type=Manifest)
                read = json_bytes(msgspec.structs.replace(manifest, members={**writer.members}))
            writer.add(name, read)
    return broken


def test_a_restore_that_fails_midway_has_changed_nothing(filled: Place) -> None:
    path, _ = filled.backup()
    add_user(filled, "bruno")
    before = {file.name for file in filled.data.iterdir()}
    code, output = filled.manage("restore", str(with_a_row_twice(path)), "--replace")
    assert code == 1
    assert "auth_user cannot be restored" in output
    assert users(filled.data / "gateway.sqlite3") == ["anna", "bruno"]
    assert {file.name for file in filled.data.iterdir()} - {"gateway.lock"} == before


def test_what_was_there_before_is_kept_and_a_running_gateway_is_left_alone(filled: Place) -> None:
    path, _ = filled.backup()
    add_user(filled, "bruno")
    code, output = filled.manage("restore", str(path))
    assert code == 1
    assert "not empty (auth_user)" in output
    with (filled.data / "gateway.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, output = filled.manage("restore", str(path), "--replace")
    assert code == 1
    assert "Another gateway" in output
    code, output = filled.manage("restore", str(path), "--replace")
    assert code == 0, output
    assert users(filled.data / "gateway.sqlite3") == ["anna"]
    assert users(filled.data / "gateway.sqlite3.before-restore") == ["anna", "bruno"]
    assert str(filled.data / "gateway.sqlite3.before-restore") in output


def test_a_broken_database_is_replaced_by_its_backup(filled: Place) -> None:
    path, _ = filled.backup()
    (filled.data / "gateway.sqlite3").write_bytes(b"SQLite format 3\0" + bytes(5000))
    code, output = filled.manage("restore", str(path), "--replace")
    assert code == 0, output
    assert users(filled.data / "gateway.sqlite3") == ["anna"]


def test_a_backup_of_an_older_version_is_brought_up_to_date(
    filled: Place, place: Callable[..., Place]
) -> None:
    code, output = filled.manage("migrate", "centralino", "0003", "--verbosity=0")
    assert code == 0, output
    path, manifest = filled.backup()
    assert ("centralino", "0004_one_notation") not in manifest.migrations
    other = place("other")
    code, output = other.manage("restore", str(path))
    assert code == 0, output
    assert other.manage("migrate", "--check")[0] == 0
    assert users(other.data / "gateway.sqlite3") == ["anna"]


def test_on_postgresql_too_all_or_nothing(
    filled: Place, place: Callable[..., Place], database: Callable[[], str]
) -> None:
    path, _ = filled.backup()
    url = database()
    full = place("full", url)
    code, output = full.manage("restore", str(path))
    assert code == 0, output
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("UPDATE auth_user SET username = 'bruno'")
        code, output = full.manage("restore", str(path), "--replace")
        assert code == 1
        assert "The database is in use by" in output
    code, output = full.manage("restore", str(with_a_row_twice(path)), "--replace")
    assert code == 1
    assert users_of(url) == ["bruno"]
    assert schemas(url) == ["gateway_before_restore", "public"]
    code, output = full.manage("restore", str(path), "--replace")
    assert code == 0, output
    assert users_of(url) == ["anna"]
    assert users_of(url, "gateway_before_restore") == ["bruno"]


def users_of(url: str, schema: str = "public") -> list[str]:
    with psycopg.connect(url) as database:
        rows = database.execute(f"SELECT username FROM {schema}.auth_user ORDER BY 1")
        return [name for (name,) in rows]


def schemas(url: str) -> list[str]:
    with psycopg.connect(url) as database:
        rows = database.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|info)'")
        return sorted(name for (name,) in rows)
