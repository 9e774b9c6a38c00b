from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Run the sandbox (the outside world, with invented data) on 127.0.0.1 until it is stopped."
    )
    requires_system_checks = ()  # it starts with the gateway, which has checked already

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.SANDBOX_PORT)
        parser.add_argument("--seed", type=int, default=1, help="another seed, another world")
        parser.add_argument("--calls-per-day", type=float)
        parser.add_argument(
            "--webhook-url", default="", help="push to this address as well, signed"
        )
        parser.add_argument("--die-with-parent", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The sandbox does not run where GATEWAY_ENV=production.")
        arguments = ["-m", "sandbox", f"--port={options['port']}", f"--seed={options['seed']}"]
        if options["calls_per_day"]:
            arguments.append(f"--calls-per-day={options['calls_per_day']}")
        if settings.LEGACY_FILE:
            arguments.append(f"--legacy-file={settings.LEGACY_FILE}")
        if options["webhook_url"]:
            arguments.append(f"--webhook-url={options['webhook_url']}")
        if options["die_with_parent"]:
            arguments.append("--die-with-parent")
        # The same process goes on without Django, which the sandbox does not need: signals reach it
        # directly.
        os.chdir(settings.BASE_DIR)
        os.execve(sys.executable, [sys.executable, *arguments], _environment())


def _environment() -> dict[str, str]:
    secrets = {
        "WEBCOM_TOKEN": settings.WEBCOM_TOKEN,
        "WEBCOM_WEBHOOK_SECRET": settings.WEBCOM_WEBHOOK_SECRET,
    }
    return {**os.environ, **secrets}
