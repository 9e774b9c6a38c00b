"""A thread per enabled PBX server, for the endless jobs that follow each one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Final

from django.db import connections
from django.forms.models import model_to_dict

from centralino.models import PbxServer
from centralino.services.servers import add_configured_servers, enabled_servers
from core.workers import services as workers
from core.workers.alive import report_alive
from core.workers.database import DatabaseGuard

RELOAD_EVERY_S: Final = 5.0  # the servers, which staff may change
STOP_WITHIN_S: Final = 2.0

Job = Callable[[PbxServer, threading.Event], None]


def run_per_server(
    name: str,
    job: Job,
    stopping: threading.Event,
    *,
    applies: Callable[[PbxServer], bool] = lambda server: True,
    forget_others: Callable[[Collection[str]], None],
) -> None:
    """Run `job(server, stopping)` in a thread for each enabled server until `stopping` is set.

    Staff may change the servers meanwhile: a changed one is restarted, and the state of those to
    which the job no longer `applies` is deleted. The worker `name` is disabled when there is no
    server; each server has its own, `name.server`.
    """
    threads: dict[str, _Thread] = {}
    database = DatabaseGuard(name)

    def reload() -> None:
        wanted = {server.name: server for server in enabled_servers() if applies(server)}
        _follow(wanted, threads, job, name)
        workers.retire(f"{name}.", keep={f"{name}.{server}" for server in wanted})
        forget_others(wanted)
        if not wanted:
            workers.disabled(name)

    configured = False
    try:
        while not stopping.is_set():
            report_alive()
            configured = configured or database.run(add_configured_servers)
            if configured:
                database.run(reload)
            stopping.wait(RELOAD_EVERY_S)
    finally:
        for thread in threads.values():
            thread.end()
        connections.close_all()


def _follow(wanted: dict[str, PbxServer], threads: dict[str, _Thread], job: Job, name: str) -> None:
    for server in [*threads]:
        if server not in wanted or threads[server].settings != model_to_dict(wanted[server]):
            threads.pop(server).end()
    for server in wanted.keys() - threads.keys():
        threads[server] = _Thread(wanted[server], job, name)


class _Thread:
    """The thread of one server, with the settings that it began with."""

    def __init__(self, server: PbxServer, job: Job, name: str) -> None:
        self.settings = model_to_dict(server)
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(server, job), name=f"{name}.{server.name}", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        self._stopping.set()
        self._thread.join(STOP_WITHIN_S)

    def _run(self, server: PbxServer, job: Job) -> None:
        try:
            job(server, self._stopping)
        finally:
            connections.close_all()
