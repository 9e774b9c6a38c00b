"""The gateway in processes of its own, as `make run` starts it, and whatever else is a process.

Fixtures of every app's tests: `gateway` is one that runs for all who only ask it, `start_gateway`
starts others, `processes` starts any program.
"""

from __future__ import annotations

import base64
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from standardwebhooks import Webhook

from core.tests.tcp import Proxy
from gateway_arq.bootstrap import next_free_port

ROOT: Final = Path(__file__).resolve().parents[2]
START_TIMEOUT_S: Final = 30  # on a machine that is busy with the other tests
STOP_TIMEOUT_S: Final = 30
WEBHOOK_SECRET: Final = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
API_KEY: Final = "sk_live_arq_test_key_of_the_gateway"
DOCUMENTED_KEY: Final = "sk_live_arq_2024_production_key_change_me"  # of the API reference
KEYLESS_ADDRESS: Final = "127.0.0.2"  # loopback, too, but only used on purpose
DRAWS: Final = "2025/12/04\tBA\t1\t2\t3\t4\t5\n"


def deliver(url: str, delivery: str, *, timeout_s: float = 10, **call: Any) -> requests.Response:
    """The response to the carrier's webhook about a call, signed with WEBHOOK_SECRET."""
    now = datetime.now(tz=UTC)
    facts = {
        "lineID": "Sickprod90TLW",
        "direction": "Entering",
        "caller": "331234567",
        "timestamp": int(now.timestamp()),
    }
    body = json.dumps({"events": [{"type": "call", "call": facts | call}]})
    headers = {
        "content-type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(WEBHOOK_SECRET).sign(delivery, now, body),
    }
    return requests.post(f"{url}/api/webcom/events", data=body, headers=headers, timeout=timeout_s)


class Processes:
    """Starts programs in the project's folder, with the environment of the tests or `env`."""

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program that ends by itself; it may fail."""
        usual: dict[str, Any] = {"cwd": ROOT, "capture_output": True, "timeout": 60}
        return subprocess.run(command, text=True, check=False, **(usual | options))

    @contextmanager
    def running(self, *command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Run a program for the block, then kill it."""
        usual: dict[str, Any] = {"cwd": ROOT}
        with subprocess.Popen(command, text=True, **(usual | options)) as process:
            try:
                yield process
            finally:
                process.kill()


@dataclass
class RunningGateway:
    """`manage.py up`: gateway and sandbox, with their processes and output."""

    process: subprocess.Popen[str]
    port: int
    output: Path
    keyless_port: int = 0  # connections to it come from KEYLESS_ADDRESS

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, *, key: str = "") -> tuple[int, str]:
        """Status and body of one GET. OSError when the gateway is not running."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"X-API-Key": key} if key else {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """The response to a request with API_KEY."""
        headers = {"X-API-Key": API_KEY}
        return requests.request(method, self.url + path, headers=headers, timeout=20, **options)

    def wait_until_ready(self) -> None:
        """Return when the gateway responds. AssertionError with its output when it never does."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get("/livez")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.output.read_text())

    def wait_for_lines(self, key: str) -> None:
        """Return when the first pull is stored: the gateway responds before that."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while json.loads(self.get("/api/webcom/lines", key=key)[1])["count"] == 0:
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)

    def deliver(self, **call: Any) -> None:
        """The carrier's webhook reports a call that is not stored yet."""
        response = deliver(self.url, f"test-{secrets.token_hex(8)}", **call)
        assert response.json()["created"] == 1, response.text

    def children(self) -> list[int]:
        """Process ids of the direct children, the sandbox among them."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def stop(self) -> float:
        """Send SIGTERM and return how many seconds the end took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_TIMEOUT_S)
        return time.monotonic() - started

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait()


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """The environment of a separate gateway in `folder`: nothing inherited, plus the `extra`."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **inherited,
        "DOTENV": str(folder / ".env"),
        "DATA_DIR": str(folder / "var"),
        "PORT": str(_port()),
        "SANDBOX_PORT": str(_port()),
        "LOTTO_DRAW_TIME": "00:00",  # or AutoBOT would wait for the evening
        **extra,
    }


@contextmanager
def _running(env: dict[str, str]) -> Iterator[RunningGateway]:
    """A gateway that is ready; it is stopped at the end if it still runs."""
    output = Path(env["DOTENV"]).with_name(f"output-{time.monotonic_ns()}")
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=env,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    gateway = RunningGateway(process, int(env["PORT"]), output)
    try:
        gateway.wait_until_ready()
        yield gateway
    finally:
        if process.poll() is None:
            gateway.stop()


def _port() -> int:
    """A port that is likely to stay free: each test process looks in a range of its own."""
    worker = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
    _last_port[0] = next_free_port("127.0.0.1", max(_last_port[0] + 1, 21_000 + 500 * worker))
    return _last_port[0]


_last_port = [0]
StartGateway = Callable[[dict[str, str]], RunningGateway]


@pytest.fixture(scope="session")
def processes() -> Processes:
    """Starts programs; tests that need them request this fixture, so that the suite knows."""
    return Processes()


@pytest.fixture(scope="session")
def migrated_data_dir(tmp_path_factory: pytest.TempPathFactory, processes: Processes) -> Path:
    """A DATA_DIR with a migrated database, to be copied; made once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made, making = shared / "migrated", shared / "migrating"
    with (shared / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            making.mkdir(exist_ok=True)
            env = environment(making) | {"DOTENV": "", "DATA_DIR": str(making)}
            command = (sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks")
            ended = processes.run(*command, env=env)
            assert ended.returncode == 0, ended.stderr
            making.rename(made)
    return made


@pytest.fixture(scope="module")
def start_gateway() -> Iterator[StartGateway]:
    """Starts a gateway with this `environment`; those that still run are stopped in the end."""
    with ExitStack() as stack:
        yield lambda env: stack.enter_context(_running(env))


@pytest.fixture(scope="session")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, migrated_data_dir: Path
) -> Iterator[RunningGateway]:
    """The shared gateway, with its sandbox, of all tests that only send requests.

    It has the keys of the reference, of the documentation and API_KEY, and requires one, except
    from KEYLESS_ADDRESS, where the reference's examples without a key are run.
    """
    folder = tmp_path_factory.mktemp("gateway")
    shutil.copytree(migrated_data_dir, folder / "var")
    imported = folder / "var" / "lotto" / "import"
    imported.mkdir(parents=True)
    (imported / "storico.tsv").write_text(DRAWS)
    env = environment(
        folder,
        API_KEY_1=DOCUMENTED_KEY,
        API_KEY_2="YOUR_API_KEY",
        API_KEY_3=API_KEY,
        KEYLESS_READ_NETWORKS=f"{KEYLESS_ADDRESS}/32",
        RATE_LIMIT_PER_MINUTE="0",
        WEBCOM_WEBHOOK_SECRET=WEBHOOK_SECRET,
    )
    with _running(env) as gateway, Proxy(("127.0.0.1", gateway.port), KEYLESS_ADDRESS) as keyless:
        gateway.keyless_port = keyless.port
        gateway.wait_for_lines(API_KEY)
        yield gateway
