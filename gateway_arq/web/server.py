"""uvicorn as we run it, safe without any proxy before it: `manage.py run_web`, and embedded."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any, Final

import uvicorn
from django.conf import settings

from core.lib.postgres.limits import Role, run_process_as
from gateway_arq.web.connections import (
    RESERVED_FILES,
    Connections,
    raise_file_limit,
)
from gateway_arq.web.protocols import protocols
from ocr.reader_process import stop_reader

logger = logging.getLogger(__name__)

GRACEFUL_S: Final = 1.5  # for requests in flight
SWITCH_S: Final = 0.001  # the loop waits for a thread that computes: five times as long by default
MAX_SHUTDOWN_S: Final = 3.5  # then the process ends, whatever is running


class Server(uvicorn.Server):
    """uvicorn, which sweeps the table of its connections."""

    def __init__(self, config: uvicorn.Config, table: Connections) -> None:
        super().__init__(config)
        self._table = table

    async def on_tick(self, counter: int) -> bool:
        self._table.sweep()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        end_within(MAX_SHUTDOWN_S)
        super().handle_exit(sig, frame)


def build_server(application: Any) -> Server:
    """The server on HOST and PORT; the limit of open files is raised for it."""
    sys.setswitchinterval(SWITCH_S)
    files = raise_file_limit()
    total = min(settings.MAX_CONNECTIONS, max(10, files - RESERVED_FILES))
    if total < settings.MAX_CONNECTIONS:
        logger.warning("connections.limited most=%d open_files=%d", total, files)
    table = Connections(
        total=total,
        per_address=settings.MAX_CONNECTIONS_PER_ADDRESS,
        trusted=settings.TRUSTED_PROXIES,
    )
    http, socket = protocols(table)
    return Server(
        uvicorn.Config(
            application,
            host=settings.HOST,
            port=settings.PORT,
            http=http,
            ws=socket,
            ws_per_message_deflate=False,
            ws_max_size=65_536,
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_S,  # type: ignore[arg-type]  # asyncio takes a float
        ),
        table,
    )


def end_within(seconds: float) -> None:
    """End this process after so long, unless it has ended by then."""
    timer = threading.Timer(seconds, end_now)
    timer.daemon = True
    timer.start()


def end_now() -> None:
    """End this process though threads still work.

    One that waits for a database, an upstream or a decoder cannot be stopped; what it has stored
    is committed, and its connections are closed with the process.
    """
    logger.warning("gateway.left_work_behind")
    logging.shutdown()
    os._exit(0)


def serve() -> None:
    """The web alone, until SIGINT or SIGTERM: for the full profile."""
    from gateway_arq.asgi import (
        application,
        stop_threads,
    )  # late: it sets Django up, and refuses bad settings

    run_process_as(Role.WEB)
    # uvicorn raises the signal once more when it has stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        build_server(application).run()
    stop_reader()
    if not stop_threads():
        end_now()
