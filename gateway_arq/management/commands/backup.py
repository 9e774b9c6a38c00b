"""`manage.py backup`: the whole gateway in one file, while it runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from gateway_arq.backup.archive import BackupError
from gateway_arq.backup.keys import make_key


class Command(BaseCommand):
    help = (
        "Write a backup of the database and of the gateway's files to BACKUP_DIR, encrypted for "
        "BACKUP_RECIPIENT if that is set. Settings and secrets (.env) are not in it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", type=Path, help="another folder, which is not pruned")
        parser.add_argument(
            "--new-key",
            type=Path,
            metavar="FILE",
            help="instead, write a new key to FILE and print its BACKUP_RECIPIENT",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from gateway_arq.backup.services import take  # late: a key needs no database

        try:
            if options["new_key"]:
                self.stdout.write(f"BACKUP_RECIPIENT={make_key(options['new_key'])}")
                return
            made = take(options["to"])
        except (BackupError, OSError, Error) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(
            f"{made.name}: {made.rows:,} rows, {made.size_bytes:,} bytes, {made.duration_s:.1f} s"
            f"{', encrypted' if made.is_encrypted else ''}"
        )
