from __future__ import annotations

import argparse
import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from lotto.rules import format_day
from ocr import selectors
from ocr.autobot import services
from ocr.serializers.autobot import status_document
from ocr.types import RunBusy, RunRefused


class Command(BaseCommand):
    help = (
        "Start or stop AutoBOT, which reads the draw off the live stream, or show its status. "
        "The work is done by the gateway, or by `manage.py run_autobot`."
    )

    def add_arguments(self, parser: Any) -> None:
        does = parser.add_subparsers(dest="does", required=True, metavar="start|stop|status")
        start = does.add_parser("start", help="watch the stream now, as the schedule does")
        start.add_argument(
            "--extraordinary", action="store_true", help="a draw is due though it is no draw day"
        )
        for name, text in {
            "ai-validation": "ask the AI where the OCR is in doubt",
            "telegram-notify": "notify staff on Telegram",
            "auto-upload": "upload to the Lotto site",
            "save-to-db": "save to the archive",
        }.items():
            start.add_argument(
                f"--{name}",
                action=argparse.BooleanOptionalAction,
                help=f"{text} (default: as configured)",
            )
        does.add_parser("stop", help="end the run at once; what was read stays in the admin")
        does.add_parser("status", help="show the state of the last run")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['does']}")(options)

    def _start(self, options: dict[str, Any]) -> None:
        try:
            run = services.start(
                by=_me(),
                extraordinary=options["extraordinary"],
                options={name: options[name] for name in services.OPTIONS},
            )
        except RunBusy as exc:
            raise CommandError(f"{exc} State: {exc.state}.") from exc
        except RunRefused as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(f"Run {run.pk} started for {format_day(run.day)}.")

    def _stop(self, options: dict[str, Any]) -> None:
        before, run = services.stop(by=_me())
        self.stdout.write(f"Run {run.pk} stopped ({before})." if run else "AutoBOT is idle.")

    def _status(self, options: dict[str, Any]) -> None:
        status = status_document(selectors.latest())
        self.stdout.write(f"{status.status}: {status.wheels_completed}/{status.total_wheels}")
        wheels = (f"{wheel} {' '.join(numbers)}" for wheel, numbers in status.wheels.items())
        for line in (status.message, *wheels):
            if line:
                self.stdout.write(f"  {line}")
        for name, step in status.steps.items():
            self.stdout.write(f"  {name}: {step.state} {step.error}".rstrip())


def _me() -> str:
    return f"command ({getpass.getuser()})"
