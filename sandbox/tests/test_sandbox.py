"""The sandbox as a server and as a process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway_arq.tests.gateway import Processes
from sandbox.faults import KINDS
from sandbox.testing import RunningSandbox, running_sandbox

PROGRAM = (sys.executable, "-m", "sandbox")
QUICK = (*PROGRAM, "--port", "0", "--calls-per-day", "50")


@pytest.fixture(scope="module")
def _server() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(_server: RunningSandbox) -> Iterator[RunningSandbox]:
    yield _server
    _server.faults.clear()


def control(sandbox: RunningSandbox, path: str, **body: Any) -> requests.Response:
    return requests.post(sandbox.control_url + path, json=body, timeout=5)


def carrier(sandbox: RunningSandbox, path: str, token: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token or sandbox.token}"}
    return requests.get(sandbox.base_url + path, headers=headers, timeout=5)


def test_help_names_upstreams_controls_faults_and_routes(sandbox: RunningSandbox) -> None:
    help_page = requests.get(sandbox.control_url, timeout=5).json()
    assert help_page["upstreams"]["webcom"] == sandbox.base_url
    assert set(help_page["kinds"]) == set(KINDS)
    assert all(help_page["kinds"].values())
    assert "webcom.calls" in help_page["routes"]
    assert "POST /_sandbox/calls" in help_page["controls"]


@pytest.mark.parametrize(
    "path", ["/lines", "/calls", "/calls/active", "/calls/1", "/rebates", "/stream", "/none"]
)
def test_the_carrier_requires_its_token(sandbox: RunningSandbox, path: str) -> None:
    response = carrier(sandbox, path, token="wrong")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/none", 404),
        ("/calls/none", 404),
        ("/rebates?month=2025-13", 400),
        ("/rebates?month=2099-12", 404),
        ("/calls?since=yesterday", 400),
        ("/calls?since=0&limit=-1", 400),
        ("/calls?cursor=none", 410),
        ("/lines?page=none", 400),
        ("/lines?page=OTk5OQ==", 400),
    ],
)
def test_a_bad_request_is_an_error_by_the_contract(
    sandbox: RunningSandbox, path: str, status: int
) -> None:
    response = carrier(sandbox, path)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"code", "message"}


def test_calls_are_placed_on_request(sandbox: RunningSandbox) -> None:
    response = control(
        sandbox, "/calls", caller="339000111", line="Sickprod28GN", talk_s=5, count=3
    )
    assert response.status_code == 201
    first = carrier(sandbox, f"/calls/{response.json()['placed'][0]}").json()
    assert (first["caller"], first["lineID"], first["state"]) == (
        "339000111",
        "Sickprod28GN",
        "Ringing",
    )
    assert len(response.json()["placed"]) == 3


@pytest.mark.parametrize(
    "body", [{"line": "none"}, {"talk_s": "long"}, {"ring_s": []}, {"count": "x"}]
)
def test_a_call_that_cannot_be_placed_is_a_400(
    sandbox: RunningSandbox, body: dict[str, Any]
) -> None:
    assert control(sandbox, "/calls", **body).status_code == 400


def test_controls_read_json_only_so_that_no_web_page_can_use_them(sandbox: RunningSandbox) -> None:
    response = requests.post(
        sandbox.control_url + "/calls", data="{}", headers={"Content-Type": "text/plain"}, timeout=5
    )
    assert response.status_code == 400


def test_a_line_is_renamed(sandbox: RunningSandbox) -> None:
    assert control(sandbox, "/lines", line="Sickprod28GN", name="Reception").status_code == 200
    lines = carrier(sandbox, "/lines").json()["lines"]
    assert {line["name"] for line in lines if line["lineId"] == "Sickprod28GN"} == {"Reception"}
    assert control(sandbox, "/lines", line="none", name="x").status_code == 400


def test_a_fault_meets_its_route_as_often_as_set(sandbox: RunningSandbox) -> None:
    assert (
        control(
            sandbox, "/faults", kind="answer", route="webcom.lines", status=503, times=2
        ).status_code
        == 201
    )
    assert [carrier(sandbox, "/lines").status_code for _ in range(3)] == [503, 503, 200]
    assert carrier(sandbox, "/calls/active").status_code == 200


def test_faults_are_listed_and_cleared(sandbox: RunningSandbox) -> None:
    control(sandbox, "/faults", kind="html", times=0)
    assert (
        requests.get(sandbox.control_url + "/faults", timeout=5).json()["faults"][0]["kind"]
        == "html"
    )
    requests.delete(sandbox.control_url + "/faults", timeout=5)
    assert carrier(sandbox, "/lines").status_code == 200


@pytest.mark.parametrize("body", [{"kind": "none"}, {}, {"kind": "slow", "speed": 3}])
def test_a_fault_that_does_not_exist_is_a_400(
    sandbox: RunningSandbox, body: dict[str, Any]
) -> None:
    assert control(sandbox, "/faults", **body).status_code == 400


@pytest.mark.parametrize("kind", ["drop", "close", "silence", "speak", "frame"])
def test_the_push_is_disturbed_on_request(sandbox: RunningSandbox, kind: str) -> None:
    assert control(sandbox, "/stream", kind=kind).json() == {"clients": 0}


def test_an_unknown_disturbance_is_a_400(sandbox: RunningSandbox) -> None:
    assert control(sandbox, "/stream", kind="none").status_code == 400


# --- The process ----------------------------------------------------------------------------------
def address(log: Any) -> str:
    found = re.search(r"help=(http://127\.0\.0\.1:\d+)/_sandbox", log.readline())
    assert found
    return found[1]


def gone(pid: int) -> bool:
    """Whether a process that is not our child has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_within_a_second(
    processes: Processes, number: signal.Signals
) -> None:
    with processes.running(*QUICK, stderr=subprocess.PIPE) as running:
        url = address(running.stderr)
        assert requests.get(url + "/_sandbox", timeout=5).status_code == 200
        began = time.monotonic()
        running.send_signal(number)
        assert running.wait(5) == 0
        assert time.monotonic() - began < 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")
def test_it_dies_with_its_parent(processes: Processes) -> None:
    command = [*QUICK, "--die-with-parent"]
    code = (
        f"import subprocess; c = subprocess.Popen({command!r}); print(c.pid, flush=True); c.wait()"
    )
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with processes.running(sys.executable, "-c", code, **pipes) as parent:
        pid = int(parent.stdout.readline())
        address(parent.stderr)
        assert not gone(pid)
        parent.kill()
        parent.communicate()  # returns when the sandbox too has closed its end of the pipes
    deadline = time.monotonic() + 5
    while not gone(pid):
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_port_in_use_is_reported_in_one_line(processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = processes.run(*QUICK, "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 1
    assert "sandbox.not_started" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_webhook_without_a_secret_is_refused(processes: Processes) -> None:
    ended = processes.run(*PROGRAM, "--webhook-url", "http://127.0.0.1/")
    assert ended.returncode == 2
    assert "WEBCOM_WEBHOOK_SECRET" in ended.stderr


def test_it_does_not_need_django(processes: Processes) -> None:
    code = "import sys, sandbox.cli; sys.exit('django' in sys.modules)"
    assert processes.run(sys.executable, "-c", code).returncode == 0
