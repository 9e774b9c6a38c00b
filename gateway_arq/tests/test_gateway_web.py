"""The web servers of the full profile, without nginx before them: safe, or refused."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from core.tests.tcp import free_port
from gateway_arq.tests import attacks
from gateway_arq.tests.gateway import API_KEY, Processes, RunningGateway, environment
from gateway_arq.tests.test_checks import GOOD

pytestmark = pytest.mark.xdist_group("servers")
RUN_WEB = ("manage.py", "run_web")
GRANIAN = ("-m", "granian", "--interface", "wsgi", "--blocking-threads", "4", "--host", "127.0.0.1")


@pytest.fixture
def production(tmp_path: Path, migrated_data_dir: Path) -> dict[str, str]:
    shutil.copytree(migrated_data_dir, tmp_path / "var")
    return environment(
        tmp_path,
        DJANGO_SETTINGS_MODULE="gateway_arq.settings",
        DOTENV="",
        GATEWAY_ENV="production",
        SECRET_KEY=str(GOOD["SECRET_KEY"]),
        ALLOWED_HOSTS="127.0.0.1,localhost",
        HTTPS="false",
        API_KEY_1=API_KEY,
        RATE_LIMIT_PER_MINUTE="0",
        PORT=str(free_port()),
    )


@contextmanager
def running(processes: Processes, env: dict[str, str], *command: str) -> Iterator[RunningGateway]:
    output = Path(env["DATA_DIR"]) / "output"
    with (
        output.open("w") as out,
        processes.running(sys.executable, *command, env=env, stdout=out, stderr=out) as process,
    ):
        server = RunningGateway(process, int(env["PORT"]), output)
        server.wait_until_ready()
        try:
            yield server
        finally:  # kill would leave granian's workers behind
            if process.poll() is None:
                server.stop()


def test_run_web_is_safe_alone(processes: Processes, production: dict[str, str]) -> None:
    with running(processes, production, *RUN_WEB) as server:
        address = f"ws://127.0.0.1:{server.port}/ws?api_key={API_KEY}"
        with attacks.slow_bodies(server.port), connect(address) as client:
            assert '"system"' in client.recv(timeout=10)
            began = time.monotonic()
            assert server.get("/health", key=API_KEY)[0] == 200
            assert server.get("/livez")[0] == 200
            assert time.monotonic() - began < 2
            assert server.stop() < 5
        assert server.process.returncode == 0
        assert "Traceback" not in server.output.read_text()


def test_granian_without_a_proxy_does_not_start(
    processes: Processes, production: dict[str, str]
) -> None:
    ended = processes.run(sys.executable, "-c", "import gateway_arq.wsgi", env=production)
    assert ended.returncode != 0
    assert "gateway.E030" in ended.stderr
    assert "run_web" in ended.stderr


def test_granian_answers_its_proxy_though_strangers_send_slow_bodies(
    processes: Processes, production: dict[str, str]
) -> None:
    env = production | {"TRUSTED_PROXIES": "127.0.0.1/32"}
    command = (*GRANIAN, "--port", env["PORT"], "gateway_arq.wsgi:application")
    with running(processes, env, *command) as server, attacks.slow_bodies(server.port) as bodies:
        began = time.monotonic()
        assert server.get("/health", key=API_KEY)[0] == 200
        assert time.monotonic() - began < 2
        assert attacks.detail_of(bodies[0].recv(65_536)) == (
            403,
            "This server answers its proxy only.",
        )
