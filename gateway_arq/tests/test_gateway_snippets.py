"""The code that `/docs` and `docs/clients.md` show, run as it stands against a live gateway."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.tests.runners import CLIENTS, quiet_curl, runner
from gateway_arq.apidocs import snippets, sockets
from gateway_arq.tests.gateway import API_KEY, ROOT, Processes, RunningGateway

NUMBERS = [12, 45, 67, 23, 89]
DRAW = {"data": "2025/12/07", "wheels": {"BA": NUMBERS, "RM": NUMBERS}, "source": "manual"}
NUMBER = {"number": "3331234567", "hours": 24}
WITHOUT = {"webcom_events"}  # the carrier's webhook: it takes no key


@pytest.fixture(scope="module")
def document(gateway: RunningGateway) -> Any:
    return json.loads(gateway.get("/docs/openapi.json")[1])


def prepare(gateway: RunningGateway, operation: str) -> None:
    """Create what the operation's example refers to."""
    if operation.startswith("lotto_date") or operation == "lotto_check":
        gateway.request("POST", "/api/lotto/save-full?overwrite=true", json=DRAW).raise_for_status()
    if operation == "lotto_save":
        gateway.request("DELETE", "/api/lotto/date/2025/12/07/BA")
    if operation == "lotto_save_full":
        gateway.request("DELETE", "/api/lotto/date/2025/12/07")
    if operation == "ocr_autobot_start":
        gateway.request("POST", "/api/ocr/autobot/stop").raise_for_status()
    if operation == "ocr_autobot_stop":
        gateway.request("POST", "/api/ocr/autobot/start")
    if operation in ("jpbx_blacklist_remove", "jpbx_allowlist_remove"):
        kind = operation.split("_")[1]
        gateway.request("POST", f"/jpbx-api/api/{kind}", json=NUMBER).raise_for_status()


def filled_in(source: str, gateway: RunningGateway) -> str:
    """The snippet with the address and the key, and for a call that the gateway has."""
    address = f"127.0.0.1:{gateway.port}"
    source = source.replace("localhost:8000", address).replace(snippets.KEY, API_KEY)
    if "/api/webcom/calls/" in source:
        [call] = gateway.request("GET", "/api/webcom/calls?state=Ok&limit=1").json()["calls"]
        source = re.sub(r"(/api/webcom/calls/)\w+", rf"\g<1>{call['id']}", source)
    return source


def operations(document: Any) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def test_every_operation_has_its_snippets(document: Any) -> None:
    without = {op["operationId"] for op in operations(document) if "x-codeSamples" not in op}
    assert without == WITHOUT


@pytest.mark.parametrize("label", ["curl", "fetch", "axios", "Python"])
def test_every_snippet_gets_a_good_answer(
    node: str,
    gateway: RunningGateway,
    document: Any,
    processes: Processes,
    tmp_path: Path,
    label: str,
) -> None:
    in_node = [node, str(CLIENTS / "run_snippets.js")]
    command = {"curl": ["sh"], "Python": [sys.executable, str(CLIENTS / "run_snippets.py")]}
    env = {"PATH": os.environ["PATH"], **quiet_curl(tmp_path)}
    wrong = []
    with runner(processes, command.get(label, in_node), **env) as language:
        for operation in operations(document):
            for sample in operation.get("x-codeSamples", []):
                if sample["label"] != label:
                    continue
                prepare(gateway, operation["operationId"])
                said, error = language.run(filled_in(sample["source"], gateway))
                if error or not said.strip() or re.search(r"\bdetail['\"]?:", said):
                    wrong.append(f"{operation['operationId']}: {said}{error}")
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, _ in sockets.SNIPPETS])
def test_the_sockets_snippets_receive_calls(
    node: str, gateway: RunningGateway, processes: Processes, name: str
) -> None:
    source = filled_in(dict(sockets.SNIPPETS)[name], gateway)
    if name == "Browser":
        source = f"const WebSocket = globalThis.WebSocket ?? require('ws');\n{source}"
    command = [sys.executable, "-u", "-"] if "Python" in name else [node, "-"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    env = {"PATH": os.environ["PATH"]}
    with processes.running(*command, cwd=CLIENTS, env=env, **pipes) as process:
        guard = threading.Timer(20, process.kill)
        guard.start()
        process.stdin.write(source)
        process.stdin.close()
        assert next(process.stdout).startswith("system")  # it listens
        gateway.deliver(id=secrets.token_hex(12), state="Pending", cost=0.15)
        assert any(line.startswith("call_event_realtime") for line in process.stdout)
        guard.cancel()


def test_the_generated_client_works_as_its_page_says(
    gateway: RunningGateway, processes: Processes, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "clients.md").read_text()
    generate = re.search(r"openapi-python-client (generate .*)", page)
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert generate
    assert program
    options = filled_in(generate[1], gateway).split()
    tool = (sys.executable, "-m", "openapi_python_client")
    generated = processes.run(*tool, *options, cwd=tmp_path)
    assert generated.returncode == 0, generated.stderr
    (tmp_path / "program.py").write_text(filled_in(program[1], gateway))
    result = processes.run(sys.executable, "program.py", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "lines: 59\n" in result.stdout
    assert "last draw: 20" in result.stdout
    assert "listed until 20" in result.stdout
    assert "refused: True" in result.stdout
