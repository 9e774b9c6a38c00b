from __future__ import annotations

import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from core.lib.rejected_lines import EXIT_CODES, UNREADABLE, add_partial_ok, exit_code
from core.lib.table_files import UnreadableFile
from webcom.call_files import BrokenFile
from webcom.imports import RejectedRecord, import_calls

MAX_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Import calls from a file of JSON (a call a line, or an array) or CSV (.csv), "
        "plain or gzip. "
        "An interrupted run resumes where it stopped; "
        "importing a file twice changes nothing. "
    ) + EXIT_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--restart",
            action="store_true",
            help="begin at the first line again",
        )
        add_partial_ok(parser)
        parser.add_argument(
            "--report",
            type=Path,
            metavar="FILE",
            help="write every rejected line's number and reason",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        began = time.monotonic()
        rejected: list[RejectedRecord] = []
        with ExitStack() as stack:
            out = None
            try:
                if options["report"]:
                    out = stack.enter_context(options["report"].open("w"))
                size = path.stat().st_size
            except OSError as exc:
                raise CommandError(f"{exc.filename}: {exc.strerror}") from exc
            quiet = options["verbosity"] == 0
            bar = stack.enter_context(
                tqdm(total=size, unit="B", unit_scale=True, desc=path.name, disable=quiet or None)
            )

            def note(line: RejectedRecord) -> None:
                if len(rejected) < MAX_SHOWN:
                    rejected.append(line)
                if out:
                    out.write(f"{line.line}\t{line.reason}\n")

            def move(position: int) -> None:
                bar.update(position - bar.n)

            try:
                report = import_calls(
                    path,
                    restart=options["restart"],
                    on_rejected=note,
                    on_progress=move,
                )
            except UnreadableFile as exc:
                code = 1 if isinstance(exc, BrokenFile) else UNREADABLE
                raise CommandError(str(exc), returncode=code) from exc
        stored = report.stored
        if report.resumed_after:
            self.stdout.write(f"Resumed after line {report.resumed_after:,}.")
        self.stdout.write(
            f"{stored.created:,} new, {stored.changed:,} changed, "
            f"{stored.unchanged:,} already known, {report.rejected:,} rejected, "
            f"in {time.monotonic() - began:.1f} s."
        )
        for line in rejected:
            self.stderr.write(f"line {line.line}: {line.reason}")
        if report.rejected > len(rejected):
            self.stderr.write(
                f"... and {report.rejected - len(rejected):,} more (--report FILE lists them all)."
            )
        exit_code(
            accepted=report.accepted,
            rejected=report.rejected,
            partial_ok=options["partial_ok"],
        )
