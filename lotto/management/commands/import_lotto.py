from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from core.lib.rejected_lines import EXIT_CODES, UNREADABLE, add_partial_ok, exit_code
from lotto import files, imports
from lotto.models import Intake

MAX_SHOWN: Final = 20


class Command(BaseCommand):
    help = (
        "Import draws from the operator's archive or another: text, gzip or ZIP. Draws that are "
        "stored stay as they are; wrong lines are reported and do not stop the others. "
    ) + EXIT_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="for example storico.zip")
        add_partial_ok(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        quiet = options["verbosity"] == 0
        try:
            with (
                path.open("rb") as file,
                tqdm(
                    files.lines_of(file), unit=" lines", desc=path.name, disable=quiet or None
                ) as lines,
            ):
                done = imports.import_draws(lines, name=path.name)
        except OSError as exc:
            raise CommandError(f"{path}: {exc.strerror}", returncode=UNREADABLE) from exc
        except files.UnreadableArchive as exc:
            raise CommandError(f"{path}: {exc}", returncode=UNREADABLE) from exc
        report(self, done, partial_ok=options["partial_ok"])


def report(command: BaseCommand, done: Intake, *, partial_ok: bool) -> None:
    """Print the result of a file's lines: the counts, and the first rejected ones.

    Raises CommandError when there are such, as `exit_code`.
    """
    counts = [
        (done.inserted, "new"),
        (done.skipped, "already known"),
        (done.verified, "verified"),
        (done.corrected, "corrected"),
        (done.rejected, "rejected"),
    ]
    always = ("new", "already known", "rejected")
    summary = ", ".join(f"{n:,} {what}" for n, what in counts if n or what in always)
    command.stdout.write(f"{summary}, in {done.duration_s:.1f} s.")
    for error in done.errors[:MAX_SHOWN]:
        command.stderr.write(f"line {error['line']}: {error['reason']}")
    if done.rejected > MAX_SHOWN:
        command.stderr.write(f"... and {done.rejected - MAX_SHOWN:,} more.")
    exit_code(
        accepted=done.inserted + done.skipped + done.corrected,
        rejected=done.rejected,
        partial_ok=partial_ok,
    )
