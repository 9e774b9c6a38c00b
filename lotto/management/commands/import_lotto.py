from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from lotto import files, ingest
from lotto.types import Source

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Import draws from the operator's archive: text, gzip or ZIP. Draws that are stored stay "
        "as they are; wrong lines are reported and do not stop the others."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="for example storico.zip")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        began = time.monotonic()
        quiet = options["verbosity"] == 0
        try:
            with path.open("rb") as file:
                lines = tqdm(
                    files.lines_of(file), unit=" lines", desc=path.name, disable=quiet or None
                )
                report = ingest.store_lines(lines, source=Source.IMPORT)
        except OSError as exc:
            raise CommandError(f"{path}: {exc.strerror}") from exc
        except files.Unreadable as exc:
            raise CommandError(f"{path}: {exc}") from exc
        self.stdout.write(
            f"{report.inserted:,} new, {report.skipped:,} already known, "
            f"{report.rejected:,} rejected, in {time.monotonic() - began:.1f} s."
        )
        for error in report.errors[:SHOWN]:
            self.stderr.write(f"line {error.line}: {error.reason}")
        if report.rejected > SHOWN:
            self.stderr.write(f"... and {report.rejected - SHOWN:,} more.")
