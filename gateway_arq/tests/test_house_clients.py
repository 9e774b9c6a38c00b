"""The client examples of the API reference, run as they are documented against a live house."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from gateway_arq.tests.house import ROOT, WEBHOOK_SECRET, House, environment, running

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("house")]

CLIENTS = ROOT / "tests" / "clients"
DOCUMENTED = CLIENTS / "documented"
DOCUMENTED_CALL = "691880b00a5a19c9db354ac8"
DOCUMENTED_KEY = "sk_live_arq_2024_production_key_change_me"

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


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    """A house with the reference's keys; some examples send none, so we may read without."""
    folder = tmp_path_factory.mktemp("clients")
    env = environment(
        folder,
        API_KEY_1=DOCUMENTED_KEY,
        API_KEY_2="YOUR_API_KEY",
        WEBCOM_WEBHOOK_SECRET=WEBHOOK_SECRET,
        KEYLESS_READ_NETWORKS="127.0.0.0/8",
        RATE_LIMIT_PER_MINUTE="0",
    )
    with running(folder, env) as house:
        house.wait_for_lines()
        house.deliver(id=DOCUMENTED_CALL, state="Ok", duration=45, cost=0.15)
        yield house


def node_environment(house: House) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "GATEWAY_PORT": str(house.port)}


def test_every_documented_example_is_run():
    names = {path.name for path in DOCUMENTED.iterdir()}
    assert {name for name in names if name.endswith((".mjs", ".node.js"))} == SAYS.keys() | {
        "ws.node.js"
    }
    assert {name for name in names if name.endswith(".browser.js")} == {"ws.browser.js"}


@pytest.mark.node
@pytest.mark.parametrize("name", sorted(SAYS))
def test_documented_fetch_and_axios_examples_run_unchanged(node, house, name):
    result = subprocess.run(
        [node, "--require", str(CLIENTS / "to_test_server.js"), str(DOCUMENTED / name)],
        env=node_environment(house),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert SAYS[name] in result.stdout + result.stderr
    assert "undefined" not in result.stdout
    assert "NaN" not in result.stdout


@pytest.mark.node
def test_documented_ws_example_shows_calls(node, house):
    process = subprocess.Popen(
        [node, "--require", str(CLIENTS / "to_test_server.js"), str(DOCUMENTED / "ws.node.js")],
        env=node_environment(house),
        stdout=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(20, process.kill)
    guard.start()
    try:
        assert process.stdout.readline() == "Connected to Gateway ARQ\n"
        house.deliver(id="live-call-1", state="Pending", cost=0.15)
        while (line := process.stdout.readline()) and line != "Call live-call-1: Pending\n":
            continue  # calls of the sandbox
        assert process.stdout.readline() == "  Caller: 331234567\n"
        assert process.stdout.readline() == "  Cost: €0.15\n"
    finally:
        guard.cancel()
        process.kill()
        process.wait()


@pytest.mark.parametrize("path", sorted(DOCUMENTED.glob("*.sh")), ids=lambda path: path.name)
def test_documented_curl_examples_run_unchanged(house, tmp_path, path: Path):
    (tmp_path / ".curlrc").write_text(
        f"connect-to = localhost:8000:127.0.0.1:{house.port}\nsilent\n"
    )
    result = subprocess.run(
        ["sh", "-e", str(path)],
        env={"PATH": os.environ["PATH"], "CURL_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "detail" not in json.loads(result.stdout)


@pytest.mark.browser
def test_documented_browser_example_shows_events(chromium, house):
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    example = (DOCUMENTED / "ws.browser.js").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                f"--host-resolver-rules=MAP localhost:8000 127.0.0.1:{house.port}",
            ],
        )
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"http://127.0.0.1:{house.port}/version")
        with page.expect_console_message(
            lambda message: message.text.startswith("Event received"), timeout=20_000
        ):
            page.evaluate(example)
        browser.close()
    assert "Connected to Gateway ARQ" in said


def test_requests_works_as_the_reference_shows_it(house):
    response = requests.get(
        f"http://127.0.0.1:{house.port}/api/webcom/lines",
        headers={"X-API-Key": DOCUMENTED_KEY},
        timeout=5,
    )
    data = response.json()
    assert data["count"] == len(data["lines"]) == 59


def test_a_client_of_the_switchboard_sees_what_it_does(house):
    address = f"127.0.0.1:{house.port}"

    def ask(method: str, path: str, **options: Any) -> Any:
        url = f"http://{address}/jpbx-api/api/{path}"
        answer = requests.request(
            method, url, headers={"X-API-Key": DOCUMENTED_KEY}, timeout=10, **options
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    with connect(f"ws://{address}/jpbx-ws?api_key={DOCUMENTED_KEY}") as ws:
        assert json.loads(ws.recv())["type"] == "system"
        types = "blacklist_added", "blacklist_removed"
        told = (event for event in map(json.loads, ws) if event["type"] in types)
        assert ask("GET", "status")["ws_clients"] == 1
        added = ask("POST", "blacklist", json={"number": "+39 333 1234567", "hours": 24})
        event = next(told)
        assert event["type"] == "blacklist_added"
        listed = ask("GET", "blacklist")["blacklist"]
        assert {name: event[name] for name in listed[0]} == listed[0]
        assert (event["number"], event["expires_at"]) == (added["number"], added["expires_at"])
        ask("DELETE", "blacklist/00393331234567")
        event = next(told)
        assert (event["type"], event["reason"]) == ("blacklist_removed", "released")
