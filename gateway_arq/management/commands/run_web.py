from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Serve HTTP and sockets on HOST and PORT, safe without a proxy before it. "
        "Tasks, schedule and listeners run elsewhere."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        from gateway_arq.web.server import serve  # late: other commands need no web server

        serve()
