"""What is a disk's fault, by the errors that the system and the databases really raise."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection

from core.lib.storage import storage_reason

FULL = "The disk of the database is full."


def raised(script: str, statement: str) -> DatabaseError:
    """What Django raises where SQLite refuses this statement."""
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(script)
        with pytest.raises(sqlite3.Error) as refusal:
            connection.execute(statement)
    error = OperationalError(*refusal.value.args)
    error.__cause__ = refusal.value
    return error


def test_a_full_disk_is_known_whoever_finds_it() -> None:
    small = "PRAGMA page_size=512; PRAGMA max_page_count=3; CREATE TABLE t (x)"
    assert storage_reason(raised(small, "INSERT INTO t VALUES (zeroblob(10000))")) == FULL
    assert storage_reason(OSError(errno.ENOSPC, "")) == "The disk is full."


def test_a_read_only_database_is_known() -> None:
    script = "CREATE TABLE t (x); PRAGMA query_only=1"
    assert (
        storage_reason(raised(script, "INSERT INTO t VALUES (1)")) == "The database is read-only."
    )


def test_postgresql_says_it_by_its_code() -> None:
    cause = type("DiskFull", (Exception,), {"sqlstate": "53100"})()
    error = OperationalError("could not extend file")
    error.__cause__ = cause
    assert storage_reason(error) == FULL


@pytest.mark.parametrize(
    "error",
    [None, OSError("?"), FileNotFoundError(errno.ENOENT, ""), OperationalError("away"),
     ConnectionRefusedError(errno.ECONNREFUSED, ""), ValueError()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_other_errors_are_none_of_a_disk(error: BaseException | None) -> None:
    assert storage_reason(error) is None


@pytest.mark.embedded_only
@pytest.mark.django_db
def test_the_api_says_so_and_goes_on_reading(api: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only=1")
        try:
            refused = api.post("/jpbx-api/api/blacklist", {"number": "3331234567"}, format="json")
            listed = api.get("/jpbx-api/api/blacklist")
        finally:
            cursor.execute("PRAGMA query_only=0")
    assert (refused.status_code, refused.json()) == (
        507, {"detail": "The database is read-only. Nothing was stored."}
    )  # fmt: skip
    assert (listed.status_code, listed.json()["count"]) == (200, 0)


def test_another_error_of_sqlite_is_none_of_a_disk() -> None:
    assert storage_reason(raised("", "SELECT * FROM nowhere")) is None
