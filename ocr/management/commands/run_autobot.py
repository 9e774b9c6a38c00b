from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from core.workers.listening import run_until_stopped
from ocr.autobot.worker import run_autobot


class Command(BaseCommand):
    help = (
        "Work on AutoBOT's runs (started by the schedule, the API, the admin or `manage.py "
        "autobot start`) until SIGINT or SIGTERM. Any number of replicas: one works at a time, "
        "and another continues within 10 s when it is killed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        run_until_stopped(run_autobot)
