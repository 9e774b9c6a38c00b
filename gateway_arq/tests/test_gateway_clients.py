"""The client examples of the API reference, run as they are documented against a live gateway."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from core.tests.runners import CLIENTS, Runner, quiet_curl, runner
from gateway_arq.tests.gateway import DOCUMENTED_KEY, Processes, RunningGateway

DOCUMENTED = CLIENTS / "documented"
DOCUMENTED_CALL = "691880b00a5a19c9db354ac8"
TO_TEST_SERVER = CLIENTS / "to_test_server.js"

# What each example prints; one only returns the call.
SAYS = {
    "call.fetch.mjs": "Duration: 45s, Cost: €0.15",
    "call.node.js": "",
    "calls.fetch.mjs": "Active calls: ",
    "calls.node.js": "Found ",
    "health.fetch.mjs": "{ status: 'healthy' }",
    "health.node.js": "{ status: 'healthy' }",
    "lines.fetch.mjs": "Total lines: 59",
    "lines.node.js": "Total lines: 59",
    "metrics.node.js": "Cost today: €",
    "rebates.fetch.mjs": "Rebates for 2025-11",
    "rebates.node.js": "Rebates for 2025-10: ",
    "stats-5min.fetch.mjs": "Last 3h samples: 36",
    "version.fetch.mjs": "Version: 1.0.0",
}
SCRIPTS = sorted(path.name for path in DOCUMENTED.glob("*.sh"))


@pytest.fixture(scope="module", autouse=True)
def _documented_call(gateway: RunningGateway) -> None:
    gateway.deliver(id=DOCUMENTED_CALL, state="Ok", duration=45, cost=0.15)


@pytest.fixture(scope="module")
def node_environment(gateway: RunningGateway) -> dict[str, str]:
    """Most examples send no key, so they come from where nobody needs one."""
    return {"PATH": os.environ["PATH"], "GATEWAY_PORT": str(gateway.keyless_port)}


@pytest.fixture(scope="module")
def ran_in_node(
    node: str, node_environment: dict[str, str], processes: Processes
) -> dict[str, dict[str, str]]:
    """Output and error of each example; all of them are run in one process."""
    programs = {str(DOCUMENTED / name): name for name in SAYS}
    command = (node, "--require", str(TO_TEST_SERVER), str(CLIENTS / "run_examples.js"))
    ended = processes.run(*command, *programs, env=node_environment)
    assert ended.returncode == 0, ended.stderr
    return {programs[program]: ran for program, ran in json.loads(ended.stdout).items()}


@pytest.fixture(scope="module")
def shell(
    gateway: RunningGateway, processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runner]:
    place = f"connect-to = localhost:8000:127.0.0.1:{gateway.keyless_port}"
    curl = quiet_curl(tmp_path_factory.mktemp("curl"), place)
    with runner(processes, ["sh"], PATH=os.environ["PATH"], **curl) as running:
        yield running


def test_every_documented_example_is_run() -> None:
    names = {path.name for path in DOCUMENTED.iterdir()}
    assert names == {*SAYS, *SCRIPTS, "ws.node.js", "ws.browser.js"}


@pytest.mark.parametrize("name", sorted(SAYS))
def test_documented_fetch_and_axios_examples_run_unchanged(
    ran_in_node: dict[str, dict[str, str]], name: str
) -> None:
    ran = ran_in_node[name]
    assert ran["error"] == ""
    assert SAYS[name] in ran["output"]
    assert "undefined" not in ran["output"]
    assert "NaN" not in ran["output"]
    assert "Error" not in ran["output"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_documented_curl_examples_run_unchanged(shell: Runner, name: str) -> None:
    output, error = shell.run((DOCUMENTED / name).read_text())
    assert error == ""
    assert "detail" not in json.loads(output)


def test_documented_ws_example_shows_calls(
    node: str, gateway: RunningGateway, node_environment: dict[str, str], processes: Processes
) -> None:
    command = (node, "--require", str(TO_TEST_SERVER), str(DOCUMENTED / "ws.node.js"))
    with processes.running(*command, env=node_environment, stdout=subprocess.PIPE) as process:
        guard = threading.Timer(20, process.kill)
        guard.start()
        lines = iter(process.stdout)
        assert next(lines) == "Connected to Gateway ARQ\n"
        gateway.deliver(id="live-call-1", state="Pending", cost=0.15)
        assert "Call live-call-1: Pending\n" in lines  # after calls of the sandbox
        assert next(lines) == "  Caller: 331234567\n"
        assert next(lines) == "  Cost: €0.15\n"
        guard.cancel()


def test_documented_browser_example_shows_events(chromium: str, gateway: RunningGateway) -> None:
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    example = (DOCUMENTED / "ws.browser.js").read_text()
    place = f"127.0.0.1:{gateway.keyless_port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", f"--host-resolver-rules=MAP localhost:8000 {place}"],
        )
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"http://{place}/version")
        with page.expect_console_message(
            lambda message: message.text.startswith("Event received"), timeout=20_000
        ):
            page.evaluate(example)
        browser.close()
    assert "Connected to Gateway ARQ" in said


def test_requests_works_as_the_reference_shows_it(gateway: RunningGateway) -> None:
    response = requests.get(
        f"{gateway.url}/api/webcom/lines", headers={"X-API-Key": DOCUMENTED_KEY}, timeout=5
    )
    data = response.json()
    assert data["count"] == len(data["lines"]) == 59


def test_a_client_of_the_switchboard_sees_what_it_does(gateway: RunningGateway) -> None:
    def ask(method: str, path: str, **options: Any) -> Any:
        response = gateway.request(method, f"/jpbx-api/api/{path}", **options)
        assert response.status_code == 200, response.text
        return response.json()

    address = f"ws://127.0.0.1:{gateway.port}/jpbx-ws?api_key={DOCUMENTED_KEY}"
    with connect(address) as ws:
        assert json.loads(ws.recv())["type"] == "system"
        types = "blacklist_added", "blacklist_removed"
        heard = (event for event in map(json.loads, ws) if event["type"] in types)
        assert ask("GET", "status")["ws_clients"] == 1
        added = ask("POST", "blacklist", json={"number": "+39 333 1234567", "hours": 24})
        event = next(heard)
        assert event["type"] == "blacklist_added"
        listed = ask("GET", "blacklist")["blacklist"]
        assert {name: event[name] for name in listed[0]} == listed[0]
        assert (event["number"], event["expires_at"]) == (added["number"], added["expires_at"])
        ask("DELETE", "blacklist/00393331234567")
        event = next(heard)
        assert (event["type"], event["reason"]) == ("blacklist_removed", "released")
