"""A whole house as `make run` starts it, in processes of its own, for the tests that need one."""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from standardwebhooks import Webhook

from gateway_arq.bootstrap import next_free_port

ROOT = Path(__file__).resolve().parents[2]
WEBHOOK_SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
STARTS_WITHIN_S = 30  # on a machine that is busy with the other tests


@dataclass
class House:
    """`manage.py up`: gateway and sandbox, whose processes and output can be looked at."""

    process: subprocess.Popen[str]
    port: int
    output: Path

    def get(self, path: str, *, key: str = "") -> tuple[int, str]:
        """Status and body of one GET. OSError when the house is not there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"X-API-Key": key} if key else {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        """Return when the gateway answers. AssertionError with its output when it never does."""
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get("/livez")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.output.read_text())

    def wait_for_lines(self, key: str = "") -> None:
        """Return when the first pull is stored: the house answers before that."""
        deadline = time.monotonic() + STARTS_WITHIN_S
        while json.loads(self.get("/api/webcom/lines", key=key)[1])["count"] == 0:
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)

    def deliver(self, **call: Any) -> None:
        """The carrier's webhook, signed with WEBHOOK_SECRET, tells of a call."""
        now = datetime.now(tz=UTC)
        facts = {
            "lineID": "Sickprod90TLW",
            "direction": "Entering",
            "caller": "331234567",
            "timestamp": int(now.timestamp()),
        }
        body = json.dumps({"events": [{"type": "call", "call": facts | call}]})
        delivery = f"test-{secrets.token_hex(8)}"
        answer = requests.post(
            f"http://127.0.0.1:{self.port}/api/webcom/events",
            data=body,
            headers={
                "content-type": "application/json",
                "webhook-id": delivery,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(WEBHOOK_SECRET).sign(delivery, now, body),
            },
            timeout=10,
        )
        assert answer.json()["created"] == 1, answer.text

    def children(self) -> list[int]:
        """Process ids of the direct children, the sandbox among them."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def stop(self) -> float:
        """Send SIGTERM and return how many seconds the end took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STARTS_WITHIN_S)
        return time.monotonic() - started


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """What a house of its own in `folder` needs: nothing of ours but the test's `extra`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    ports = {"PORT": str(_port()), "SANDBOX_PORT": str(_port())}
    return {
        **kept,
        "DOTENV": str(folder / ".env"),
        "DATA_DIR": str(folder / "var"),
        **ports,
        **extra,
    }


@contextmanager
def running(folder: Path, env: dict[str, str]) -> Iterator[House]:
    """A house that answers; whatever is left of it is killed at the end."""
    output = folder / f"output-{time.monotonic_ns()}"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=env,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    house = House(process, int(env["PORT"]), output)
    try:
        house.wait_until_ready()
        yield house
    finally:
        if process.poll() is None:
            house.stop()


def _port() -> int:
    """A port that is likely to stay free: each test process looks in a range of its own."""
    worker = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
    _taken[0] = next_free_port("127.0.0.1", max(_taken[0] + 1, 21_000 + 500 * worker))
    return _taken[0]


_taken = [0]
