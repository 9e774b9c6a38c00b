"""A database that a release made becomes one of today, with what is in it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings

from gateway_arq.management.commands.freeze_release import FROZEN, digest, migration_files
from gateway_arq.tests.gateway import Processes, environment

RELEASES = sorted(path.stem for path in FROZEN.glob("*.json"))
# Migrates to the release, adds its rows, migrates on, and counts them.
UPGRADE = """
import json, sys
import django; django.setup()
from django.core.management import call_command
from django.db import connection, transaction
frozen, rows = json.load(open(sys.argv[1])), open(sys.argv[2]).read()
tables = sys.argv[3].split(",")
newest = {}
for name in frozen:
    app, migration = name.split(".")
    newest[app] = max(migration, newest.get(app, ""))
for app, migration in newest.items():
    call_command("migrate", app, migration, verbosity=0, skip_checks=True)
with transaction.atomic(), connection.cursor() as cursor:
    for statement in rows.splitlines():
        cursor.execute(statement)
call_command("migrate", verbosity=0, skip_checks=True)
with connection.cursor() as cursor:
    for table in tables:
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        print(table, cursor.fetchone()[0])
"""


@contextmanager
def database(profile: str) -> Iterator[str]:
    """DATABASE_URL of an empty database of this deployment profile."""
    if profile != "full":
        yield ""
        return
    base, name = settings.DATABASE_URL.rpartition("/")[0], f"release_{uuid4().hex[:12]}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{base}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_there_is_a_frozen_release() -> None:
    assert RELEASES


@pytest.mark.parametrize("version", RELEASES)
def test_migrations_of_a_release_are_not_edited(version: str) -> None:
    frozen = json.loads((FROZEN / f"{version}.json").read_text())
    present = migration_files()
    assert frozen == {name: digest(present[name]) for name in frozen if name in present}


@pytest.mark.both_profiles
@pytest.mark.parametrize("version", RELEASES)
def test_a_release_s_database_is_upgraded_with_its_rows(
    version: str, processes: Processes, tmp_path: Path
) -> None:
    rows = (FROZEN / f"{version}.sql").read_text()
    tables = re.findall(r'(?m)^INSERT INTO "(\w+)"', rows)
    with database(settings.TEST_PROFILE) as url:
        env = environment(tmp_path) | {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "DOTENV": ""}
        env["DJANGO_SETTINGS_MODULE"] = "gateway_arq.settings"
        files = [str(FROZEN / f"{version}.{kind}") for kind in ("json", "sql")]
        ended = processes.run(
            sys.executable, "-c", UPGRADE, *files, ",".join(sorted(set(tables))), env=env
        )
    assert ended.returncode == 0, ended.stderr
    counts = dict(line.split() for line in ended.stdout.splitlines())
    assert len(counts) > 20
    for table, count in counts.items():
        assert int(count) >= tables.count(table), table
