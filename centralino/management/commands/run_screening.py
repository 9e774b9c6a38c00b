from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from centralino.workers.screener import run_screening
from core.workers.listening import run_until_stopped


class Command(BaseCommand):
    help = (
        "Screen the callers of every Asterisk (ARI) until SIGINT or SIGTERM. "
        "Any number of replicas: one screens at a time, another takes over."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        run_until_stopped(run_screening)
