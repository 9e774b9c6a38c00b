from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the whole gateway in this process: web, sockets, tasks, schedule and listeners."

    def handle(self, *args: Any, **options: Any) -> None:
        from gateway_arq.embedded import serve  # late: other commands need no web server

        serve()
