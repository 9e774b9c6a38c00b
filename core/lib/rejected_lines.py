"""The exit code of a command that imports lines, some of which it rejected."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Final

from django.core.management.base import CommandError

EXIT_CODES: Final = "Exit code 1: a line was rejected; 2: all were, or the file cannot be read."
UNREADABLE: Final = 2


def add_partial_ok(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--partial-ok",
        action="store_true",
        help="exit with 0 although lines were rejected, unless all were",
    )


def exit_code(*, accepted: int, rejected: int, partial_ok: bool) -> None:
    """Leave with 1 when lines were rejected (unless `partial_ok`), with 2 when all were.

    By CommandError; returns otherwise.
    """
    if rejected and not accepted:
        raise CommandError("Every line was rejected.", returncode=UNREADABLE)
    if rejected and not partial_ok:
        raise CommandError("Lines were rejected, the others are stored.", returncode=1)
