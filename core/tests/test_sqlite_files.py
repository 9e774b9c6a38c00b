from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db.backends.signals import connection_created

from core.lib.sqlite_files import keep_private


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o600])
def test_the_files_of_a_database_are_their_owner_s_alone(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "gateway.sqlite3"
    database = sqlite3.connect(file)
    database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1);")
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    for one in files:
        one.chmod(mode)
    keep_private(SimpleNamespace(vendor="sqlite", settings_dict={"NAME": file}))
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
    database.close()


def test_a_database_in_memory_has_no_files() -> None:
    keep_private(SimpleNamespace(vendor="sqlite", settings_dict={"NAME": ":memory:"}))


def test_every_connection_is_looked_at() -> None:
    assert keep_private in [receiver() for _, receiver, *_ in connection_created.receivers]
