from __future__ import annotations

import threading
from typing import Any

from django.core.management.base import BaseCommand

from core.workers.listening import run_until_stopped
from webcom.tasks import pull_on_start
from webcom.workers.push_listener import run_push_listener


class Command(BaseCommand):
    help = (
        "Listen to the carrier's push until SIGINT or SIGTERM. "
        "Any number of replicas: one listens at a time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        run_until_stopped(_listen)


def _listen(stopping: threading.Event) -> None:
    pull_on_start()
    run_push_listener(stopping)
