from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from core.lib.rejected_lines import EXIT_CODES, add_partial_ok
from core.lib.upstream import NotConfigured, UpstreamError
from lotto import imports
from lotto.management.commands.import_lotto import report


class Command(BaseCommand):
    help = (
        "Download the operator's archive and bring ours in step: missing draws are added, other "
        "numbers of people or the OCR are corrected, equal ones are verified. "
    ) + EXIT_CODES

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_partial_ok(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["verbosity"] == 0
        progress: Any = partial(tqdm, unit=" lines", desc="archive", disable=quiet or None)
        try:
            done = imports.sync(progress=lambda lines: _closed(progress(lines)))
        except (imports.Busy, NotConfigured, UpstreamError) as exc:
            raise CommandError(str(exc)) from exc
        report(self, done, partial_ok=options["partial_ok"])


def _closed(lines: Any) -> Iterable[bytes]:
    """The lines; the progress bar is always closed after them."""
    with lines:
        yield from lines
