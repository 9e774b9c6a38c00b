"""Writes down what a release's database looks like, so that later ones are tested to upgrade it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers import sort_dependencies
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

FROZEN = Path(settings.BASE_DIR) / "tests" / "releases"
ROWS, SEEN = 3, 200  # of each table are written, are looked at


def is_ours(label: str) -> bool:
    """Whether the app with this label is a folder of the project."""
    path = Path(apps.get_app_config(label).path)
    return path.is_relative_to(settings.BASE_DIR) and ".venv" not in path.parts


def migration_files() -> dict[str, Path]:
    """`<app label>.<migration>` and its file, for our own apps."""
    loader = MigrationLoader(None)
    return {
        f"{label}.{name}": Path(apps.get_app_config(label).path) / "migrations" / f"{name}.py"
        for label, name in sorted(loader.disk_migrations)
        if is_ours(label)
    }


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Command(BaseCommand):
    help = "Write the present migrations and some rows of each of our tables to tests/releases."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version")

    def handle(self, *args: Any, version: str, **options: Any) -> None:
        FROZEN.mkdir(exist_ok=True)
        frozen = {name: digest(path) for name, path in migration_files().items()}
        (FROZEN / f"{version}.json").write_text(json.dumps(frozen, indent=2) + "\n")
        lines = list(_inserts())
        (FROZEN / f"{version}.sql").write_text("\n".join(lines) + "\n")
        self.stdout.write(f"{len(frozen)} migrations and {len(lines)} rows of {version}.")


def _inserts() -> Iterator[str]:
    """INSERT statements that both databases read, each row after those that it refers to."""
    written: set[tuple[type[Model], Any]] = set()
    for model in sort_dependencies([(app, None) for app in apps.get_app_configs()]):
        meta = model._meta
        if meta.proxy or not meta.managed or not is_ours(meta.app_label):
            continue
        fields = [field for field in meta.concrete_fields if not field.generated]
        names = ", ".join(f'"{field.column}"' for field in fields)
        rows = model._base_manager.order_by("pk")[:SEEN]
        whole = (row for row in rows if all(ref in written for ref in _references(row)))
        for row in islice(whole, ROWS):
            written.add((model, row.pk))
            values = ", ".join(
                _literal(field.get_db_prep_save(getattr(row, field.attname), connection))
                for field in fields
            )
            yield f'INSERT INTO "{meta.db_table}" ({names}) VALUES ({values});'


def _references(row: Model) -> Iterator[tuple[type[Model], Any]]:
    for field in row._meta.concrete_fields:
        key = getattr(row, field.attname)
        if field.related_model and key is not None:
            yield field.related_model, key


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime | date):
        value = value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return "'" + str(value).replace("'", "''") + "'"
