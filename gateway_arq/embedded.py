"""The embedded profile: web server, sockets, tasks, schedule and listeners in one process."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from daphne.server import Server as DaphneServer
from django.conf import settings
from django.db import close_old_connections

from centralino.workers.ami_listener import run_ami_monitor
from centralino.workers.screener import run_screening
from core.lib.postgres.limits import Role, run_process_as
from core.realtime.publish import close as close_log
from core.workers.local_beat import run_beat
from core.workers.local_tasks import stop_pool
from gateway_arq.asgi import application, stop_threads
from gateway_arq.celery import run_tasks_here
from gateway_arq.checks import refuse_unsafe_production
from gateway_arq.schedule import WORKERS
from gateway_arq.web.connections import raise_file_limit
from gateway_arq.web.server import MAX_SHUTDOWN_S, build_server, end_now, end_within
from lotto.tasks import sync_on_start
from ocr.autobot.worker import run_autobot
from ocr.reader_process import stop_reader
from webcom.tasks import pull_on_start
from webcom.workers.push_listener import run_push_listener
from webtv.workers.poller import run_viewer_poller

LISTENERS: Final[dict[str, Callable[[threading.Event], None]]] = {
    "webcom-listener": run_push_listener,
    "ami-listener": run_ami_monitor,
    "call-screening": run_screening,
    "viewer-poller": run_viewer_poller,
    "autobot": run_autobot,
}
SHUTDOWN_S: Final = 1.5  # for listeners and tasks


def serve() -> None:
    """Run everything until SIGINT or SIGTERM, then stop it in order.

    First the web, then listeners and schedule, tasks, and the event log.
    """
    refuse_unsafe_production()
    run_process_as(Role.LISTENER)  # its pools of threads say what they are
    run_tasks_here()
    # uvicorn raises the signal once more when it has stopped: through the shutdown below.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), _background():
        _SERVERS[settings.ASGI_SERVER]()


@contextmanager
def _background() -> Iterator[None]:
    stopping = threading.Event()
    jobs = {"beat": partial(run_beat, workers=WORKERS), **LISTENERS}
    threads = [
        threading.Thread(target=_run, args=(job, stopping), name=name, daemon=True)
        for name, job in jobs.items()
    ]
    for thread in threads:
        thread.start()
    pull_on_start()
    sync_on_start()
    try:
        yield
    finally:
        end_within(MAX_SHUTDOWN_S)  # daphne's way here; uvicorn's clock has begun with the signal
        stopping.set()
        stop_reader()
        deadline = time.monotonic() + SHUTDOWN_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        ended = stop_pool(within_s=max(0.1, deadline - time.monotonic()))
        close_log()
        if not (stop_threads() and ended):
            end_now()  # something waits for a carrier that hangs, and the interpreter would for it


def _run(job: Callable[[threading.Event], None], stopping: threading.Event) -> None:
    try:
        job(stopping)
    finally:
        close_old_connections()


def _serve_uvicorn() -> None:
    build_server(application).run()


def _serve_daphne() -> None:
    raise_file_limit()  # it counts no connections, and gives each a minute
    DaphneServer(
        application=application,
        endpoints=[f"tcp:port={settings.PORT}:interface={settings.HOST}"],
        server_name=None,
        verbosity=0,
    ).run()


_SERVERS: Final = {"uvicorn": _serve_uvicorn, "daphne": _serve_daphne}
