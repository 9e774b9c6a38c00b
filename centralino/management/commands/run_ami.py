from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from centralino.workers.ami_listener import run_ami_monitor
from core.workers.listening import run_until_stopped


class Command(BaseCommand):
    help = (
        "Follow the events of every Asterisk (AMI) until SIGINT or SIGTERM. "
        "Any number of replicas: one listens to a server at a time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        run_until_stopped(run_ami_monitor)
