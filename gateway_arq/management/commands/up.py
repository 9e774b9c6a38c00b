"""`make run`: prepare what is missing, then run the gateway, with the sandbox next to it."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from contextlib import ExitStack, suppress
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from gateway_arq.bootstrap import SANDBOX_HOST
from gateway_arq.child import SupervisedChild

SANDBOX_TIMEOUT_S = 30


class Command(BaseCommand):
    help = (
        "Prepares the database and a staff user, "
        "then runs the gateway, and the sandbox if SANDBOX is on."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        # SIGTERM stops it in order from the start.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt), ExitStack() as stack:
            sandbox = stack.enter_context(sandbox_process()) if settings.SANDBOX else None
            # WhiteNoise warns of a missing one, used or not.
            settings.STATIC_ROOT.mkdir(exist_ok=True)
            migrate()
            password = create_staff_user()
            if sandbox and not sandbox.listens(settings.SANDBOX_PORT, within_s=SANDBOX_TIMEOUT_S):
                raise CommandError(
                    f"The sandbox does not answer on port {settings.SANDBOX_PORT}; see above."
                )
            self.stdout.write(welcome(password))
            self.stdout.flush()
            call_command("gateway")
        self.stdout.write("Stopped.")


def sandbox_process() -> SupervisedChild:
    """The sandbox; it also ends when this process is killed."""
    options = ["--port", str(settings.SANDBOX_PORT), "--die-with-parent", str(os.getpid())]
    switchboard = settings.ASTERISK_SERVERS.get("asterisk_1", {})
    if switchboard.get("HOST") == SANDBOX_HOST:
        options += ["--ami-port", switchboard["AMI_PORT"]]
    if settings.LEGACY_FILE:
        options += ["--legacy-file", str(settings.LEGACY_FILE)]
    return SupervisedChild(
        "sandbox", [sys.executable, "-m", "sandbox", *options], folder=settings.BASE_DIR
    )


def migrate() -> None:
    """Apply pending migrations; the check takes a tenth of the time of the command."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def create_staff_user() -> str | None:
    """The password of a new user `admin`, or None when there is a staff user already."""
    users = get_user_model().objects
    if users.filter(is_staff=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    users.create_superuser("admin", password=password)
    return password


def welcome(password: str | None) -> str:
    """One screen: where everything is, and how to stop it."""
    host = "localhost" if settings.HOST in ("127.0.0.1", "0.0.0.0", "::1", "::") else settings.HOST
    site = f"{'https' if settings.HTTPS else 'http'}://{host}:{settings.PORT}"
    lines = [
        ("Dashboard", f"{site}/dashboard/"),
        ("Admin", f"{site}/admin/"),
        ("API docs", f"{site}/docs"),
        ("Live events", f"{site.replace('http', 'ws', 1)}/ws?api_key=..."),
        (
            "Staff user",
            f"admin, password {password}  (shown only now)" if password else "as you made it",
        ),
        ("API keys", "API_KEY_1, API_KEY_2, ... in .env"),
    ]
    if settings.SANDBOX:
        key = next(iter(settings.API_KEYS.values()), "...")
        lines += [
            ("Try", f'curl -H "X-API-Key: {key}" {site}/metrics'),
            ("Sandbox", f"http://localhost:{settings.SANDBOX_PORT}  (the data is not real)"),
        ]
    lines.append(("Stop", "Ctrl-C"))
    return "\n".join(
        ["", "  Gateway ARQ", "", *(f"  {name:<13}{text}" for name, text in lines), ""]
    )
