from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from core.workers.listening import run_until_stopped
from webtv.workers.poller import run_viewer_poller


class Command(BaseCommand):
    help = (
        "Poll the viewers of the streaming servers, every WEBTV_INTERVAL_S seconds, until SIGINT "
        "or SIGTERM. Any number of replicas: one polls at a time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        run_until_stopped(run_viewer_poller)
