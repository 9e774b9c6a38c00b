"""`manage.py restore`: a backup in the place of the database, all of it or nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from gateway_arq.backup.archive import BackupError, verified
from gateway_arq.backup.keys import read_key
from gateway_arq.backup.restore import restore
from gateway_arq.bootstrap import CannotStart, hold_data_dir


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty database, of either profile, once everything that writes "
        "is stopped. The file is verified first; until the last step nothing is touched."
    )
    requires_system_checks = ()  # a database that is broken must not keep it from starting

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--identity", type=Path, help="the file with the key of an encrypted one"
        )
        parser.add_argument(
            "--replace", action="store_true", help="also when the database is not empty"
        )
        parser.add_argument(
            "--check", action="store_true", help="only verify the file, and say what it holds"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            identity = read_key(options["identity"]) if options["identity"] else ""
            if options["check"]:
                manifest, kept = verified(path, identity), ""
            else:
                hold_data_dir(settings.DATA_DIR)
                manifest, kept = restore(path, identity=identity, replace=options["replace"])
        except (BackupError, CannotStart, OSError, Error) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(
            f"{path.name}: gateway {manifest.version} on {manifest.profile}, "
            f"{manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, {manifest.rows:,} rows of "
            f"{len(manifest.tables)} tables: {'whole' if options['check'] else 'restored'}."
        )
        if kept:
            self.stdout.write(f"What was there before: {kept}.")
