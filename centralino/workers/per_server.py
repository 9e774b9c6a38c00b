"""A thread per enabled switchboard, for the endless jobs that follow each one by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Final

from django.db import Error as DatabaseAway
from django.db import connection, connections
from django.forms.models import model_to_dict

from centralino.models import PbxServer
from centralino.services.servers import add_configured_servers, enabled_servers
from core.lib.outage import Outage
from core.workers import services as workers

LOOK_AGAIN_S: Final = 5.0  # whether staff changed the servers
LEAVES_WITHIN_S: Final = 2.0

Job = Callable[[PbxServer, threading.Event], None]


def run_per_server(
    name: str,
    job: Job,
    stopping: threading.Event,
    *,
    concerns: Callable[[PbxServer], bool] = lambda server: True,
    forget_others: Callable[[Collection[str]], None],
) -> None:
    """Do `job(server, stopping)` in a thread for each enabled server until `stopping` is set.

    Staff may change the servers meanwhile: whose settings changed begins anew, and of servers that
    it no longer `concerns` the state is forgotten. `name` is the worker's that does nothing when
    there is no server; each server's own is `name.server`.
    """
    threads: dict[str, _Thread] = {}
    database = Outage(f"{name}.database")
    configured = False
    try:
        while not stopping.is_set():
            try:
                if not configured:
                    add_configured_servers()
                    configured = True
                wanted = {server.name: server for server in enabled_servers() if concerns(server)}
                _follow(wanted, threads, job, name)
                workers.retire(f"{name}.", keep={f"{name}.{server}" for server in wanted})
                forget_others(wanted)
                if not wanted:
                    workers.disabled(name)
                database.over()
            except DatabaseAway as exc:
                database.began(exc)
                connection.close()
            stopping.wait(LOOK_AGAIN_S)
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
        self._thread.join(LEAVES_WITHIN_S)

    def _run(self, server: PbxServer, job: Job) -> None:
        try:
            job(server, self._stopping)
        finally:
            connections.close_all()
