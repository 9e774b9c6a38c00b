"""The full profile in processes of its own, traffic for it, and a client that resumes."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import requests
from django.conf import settings
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from core.tests import postgres_server
from core.tests.tcp import free_port
from gateway_arq.tests.gateway import API_KEY, ROOT, WEBHOOK_SECRET, deliver, environment
from sandbox.testing import RunningSandbox

WITHIN_S: Final = 30
wait_until: Final = partial(postgres_server.wait_until, within_s=WITHIN_S)
GRANIAN: Final = (
    "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--workers", "1",
    "--blocking-threads", "2", "gateway_arq.wsgi:application", "--port",
)  # fmt: skip
CELERY: Final = (
    "-m",
    "celery",
    "--app=gateway_arq",
    "worker",
    "--concurrency=1",
    "--without-mingle",
)


@dataclass
class Service:
    """One service of docker-compose.yml as a process, or two while a replica runs beside it."""

    command: tuple[str, ...]
    env: dict[str, str]
    port: int = 0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start a process, beside those that run."""
        # A session of its own: a container takes its children with it.
        self.processes.append(
            subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                env=self.env,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
            )
        )

    def end(self, number: int) -> None:
        """Send a signal to the oldest process, to all its children if it is SIGKILL, and wait."""
        process = self.processes.pop(0)
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        process.wait(WITHIN_S)

    def wait_until_ready(self) -> None:
        """Return when its port answers."""
        wait_until(self._answers)

    def _answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/livez", timeout=2).ok
        return False


class Deployment:
    """`http`, `sockets`, `listener` and `worker` on the test's database and Redis."""

    def __init__(self, folder: Path, carrier: RunningSandbox, redis_url: str) -> None:
        database = settings.DATABASE_URL.rpartition("/")[0]
        self._env = environment(
            folder,
            DATABASE_URL=f"{database}/{connection.settings_dict['NAME']}",
            REDIS_URL=redis_url,
            API_KEY_1=API_KEY,
            RATE_LIMIT_PER_MINUTE="0",
            WEBCOM_URL=carrier.base_url,
            WEBCOM_PUSH_URL=carrier.push_url,
            WEBCOM_TOKEN=carrier.token,
            WEBCOM_WEBHOOK_SECRET=WEBHOOK_SECRET,
            LOTTO_ARCHIVE_URLS="",
            LOG_LEVEL="ERROR",
        )
        http, sockets = free_port(), free_port()
        self.http = self._service(*GRANIAN, str(http), port=http)
        self.sockets = self._service("manage.py", "run_web", port=sockets, PORT=str(sockets))
        self.listener = self._service("manage.py", "run_webcom")
        self.worker = self._service(*CELERY)
        self.services = [self.http, self.sockets, self.listener, self.worker]

    def _service(self, *command: str, port: int = 0, **env: str) -> Service:
        return Service(command, self._env | env, port)

    def end(self) -> None:
        for service in self.services:
            while service.processes:
                service.end(signal.SIGKILL)


class Client:
    """A client as docs/events.md describes it; it also drops its connection now and then."""

    def __init__(self, port: int) -> None:
        self.received: Counter[tuple[str, int]] = Counter()  # of calls, by id and revision
        self.seqs: Counter[int] = Counter()
        self.resyncs = self.connections = 0
        self._last: dict[str, Any] | None = None
        self._url = f"ws://127.0.0.1:{port}/ws?api_key={API_KEY}"

    def follow(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            with suppress(OSError, ConnectionClosed, TimeoutError):
                self._connection(stopping)
            stopping.wait(0.1)

    def _connection(self, stopping: threading.Event) -> None:
        last = self._last
        resume = f"&since={last['seq']}&epoch={last['epoch']}" if last else ""
        drop_at = time.monotonic() + random.uniform(0.5, 3)
        with connect(self._url + resume, open_timeout=5, close_timeout=1) as socket:
            self.connections += 1
            while not stopping.is_set() and time.monotonic() < drop_at:
                with suppress(TimeoutError):
                    self._note(json.loads(socket.recv(timeout=0.2)))

    def _note(self, message: dict[str, Any]) -> None:
        if message["type"] == "call_event_realtime":
            self.received[message["id"], message["revision"]] += 1
            self.seqs[message["seq"]] += 1
        self.resyncs += message["type"] == "resync"
        if "seq" in message:
            self._last = message


class Traffic:
    """Calls by webhook, push and feed, each with one state."""

    def __init__(self, deployment: Deployment, carrier: RunningSandbox) -> None:
        self._deployment, self._carrier = deployment, carrier
        self.accepted: set[str] = set()  # webhooks that the gateway has answered with success

    def post(self, stopping: threading.Event) -> None:
        """Deliver webhooks; each is sent again until it is accepted, as the carrier does."""
        while not stopping.is_set():
            call_id, delivery = secrets.token_hex(12), secrets.token_hex(8)
            while not self._accepts(call_id, delivery):
                if stopping.wait(0.05):
                    return
            self.accepted.add(call_id)

    def _accepts(self, call_id: str, delivery: str) -> bool:
        with suppress(requests.RequestException):
            port = self._deployment.http.port
            return in_conversation(f"http://127.0.0.1:{port}", delivery, call_id).ok
        return False

    def place(self, stopping: threading.Event) -> None:
        """Calls that the carrier pushes, and lists for who asks."""
        while not stopping.wait(0.02):
            self._carrier.place_call()

    def pull(self, stopping: threading.Event) -> None:
        """Have a worker ask the carrier; of a worker's pulls and the push one is the first."""
        while not stopping.wait(0.1):
            pull_calls(self._deployment)


def pull_calls(deployment: Deployment) -> None:
    """Send the task that beat sends every two seconds."""
    from webcom.tasks import pull_calls as task

    task.apply_async(expires=2)


def in_conversation(url: str, delivery: str, call_id: str) -> requests.Response:
    """The response to the carrier's webhook about a call that is in conversation."""
    return deliver(url, delivery, id=call_id, state="Pending", revision=2)


@contextmanager
def running(*works: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run each in a thread until the block ends."""
    stopping = threading.Event()
    threads = [threading.Thread(target=work, args=(stopping,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(WITHIN_S)
