"""The code that `/docs` and `docs/clients.md` show, run as it stands against a live house."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway_arq.apidocs import snippets, sockets
from gateway_arq.tests.house import ROOT, WEBHOOK_SECRET, House, environment, running

pytestmark = [pytest.mark.once, pytest.mark.node, pytest.mark.xdist_group("house")]

TEST_KEY = "sk_live_arq_test_key_of_the_snippets"
DRAW = {"data": "2025/12/07", "wheels": {"BA": [12, 45, 67, 23, 89]}, "source": "manual"}
NUMBER = {"number": "3331234567", "hours": 24}
CLIENTS = ROOT / "tests" / "clients"
WITHOUT = {"webcom_events"}  # the carrier's webhook: it takes no key


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("snippets")
    env = environment(
        folder,
        API_KEY_1=TEST_KEY,
        WEBCOM_WEBHOOK_SECRET=WEBHOOK_SECRET,
        RATE_LIMIT_PER_MINUTE="0",
    )
    (folder / "var" / "lotto" / "import").mkdir(parents=True)
    (folder / "var" / "lotto" / "import" / "storico.tsv").write_text(
        "2025/12/04\tBA\t1\t2\t3\t4\t5\n"
    )
    with running(folder, env) as house:
        house.wait_for_lines(TEST_KEY)
        yield house


@pytest.fixture(scope="module")
def document(house: House) -> Any:
    return json.loads(house.get("/docs/openapi.json")[1])


def ask(house: House, method: str, path: str, **options: Any) -> requests.Response:
    url = f"http://127.0.0.1:{house.port}{path}"
    return requests.request(method, url, headers={"X-API-Key": TEST_KEY}, timeout=20, **options)


def make_true(house: House, operation: str) -> None:
    """Let there be what the operation's example speaks of."""
    if operation.startswith("lotto_date"):
        ask(house, "POST", "/api/lotto/save-full?overwrite=true", json=DRAW).raise_for_status()
    if operation == "lotto_save":
        ask(house, "DELETE", "/api/lotto/date/2025/12/07/BA")
    if operation == "lotto_save_full":
        ask(house, "DELETE", "/api/lotto/date/2025/12/07")
    if operation == "ocr_autobot_start":
        ask(house, "POST", "/api/ocr/autobot/stop").raise_for_status()
    if operation == "ocr_autobot_stop":
        ask(house, "POST", "/api/ocr/autobot/start")
    if operation in ("jpbx_blacklist_remove", "jpbx_allowlist_remove"):
        kind = operation.split("_")[1]
        ask(house, "POST", f"/jpbx-api/api/{kind}", json=NUMBER).raise_for_status()


def filled_in(source: str, house: House) -> str:
    """As the page shows it to the owner of the key, but for a call that the house has."""
    address = f"127.0.0.1:{house.port}"
    source = source.replace("localhost:8000", address).replace(snippets.KEY, TEST_KEY)
    if "/api/webcom/calls/" in source:
        [call] = ask(house, "GET", "/api/webcom/calls?state=Ok&limit=1").json()["calls"]
        source = re.sub(r"(/api/webcom/calls/)\w+", rf"\g<1>{call['id']}", source)
    return source


def run(command: list[str], source: str = "") -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "")}
    result = subprocess.run(
        command, input=source, env=environ, cwd=CLIENTS, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr + source
    return result.stdout


def operations(document: Any) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def test_every_operation_has_its_snippets(document: Any) -> None:
    without = {op["operationId"] for op in operations(document) if "x-codeSamples" not in op}
    assert without == WITHOUT


@pytest.mark.timeout(300)  # some sixty programs, one after the other
@pytest.mark.parametrize("label", ["curl", "fetch", "axios", "Python"])
def test_every_snippet_gets_a_good_answer(
    node: str, house: House, document: Any, label: str
) -> None:
    program = {"curl": ["sh", "-e"], "Python": [sys.executable, "-"]}.get(label, [node, "-"])
    wrong = []
    for operation in operations(document):
        for sample in operation.get("x-codeSamples", []):
            if sample["label"] != label:
                continue
            make_true(house, operation["operationId"])
            said = run(program, filled_in(sample["source"], house))
            if not said.strip() or re.search(r"\bdetail['\"]?:", said):
                wrong.append(f"{operation['operationId']}: {said}")
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, _ in sockets.SNIPPETS])
def test_the_sockets_snippets_hear_calls(node: str, house: House, name: str) -> None:
    source = filled_in(dict(sockets.SNIPPETS)[name], house)
    browser = "const WebSocket = globalThis.WebSocket ?? require('ws');\n"
    command = [sys.executable, "-u", "-"] if "Python" in name else [node, "-"]
    process = subprocess.Popen(
        command,
        env={"PATH": os.environ["PATH"]},
        cwd=CLIENTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with ThreadPoolExecutor(1) as pool:
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(browser + source if name == "Browser" else source)
            process.stdin.close()
            calls = (line for line in process.stdout if line.startswith("call_event_realtime"))
            heard = pool.submit(next, calls)
            while not wait([heard], timeout=0.5).done:  # at night the sandbox has one a minute
                house.deliver(id=secrets.token_hex(12), state="Pending", cost=0.15)
            assert heard.result()
        finally:
            process.kill()
            process.wait()


def test_the_generated_client_works_as_its_page_says(house: House, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "clients.md").read_text()
    generate = re.search(r"openapi-python-client (generate .*)", page)
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert generate
    assert program
    options = filled_in(generate[1], house).split()
    tool = [sys.executable, "-m", "openapi_python_client"]
    subprocess.run([*tool, *options], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    (tmp_path / "program.py").write_text(filled_in(program[1], house))
    result = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert "lines: 59\n" in result.stdout
    assert "last draw: 20" in result.stdout
    assert "listed until 20" in result.stdout
    assert "refused: True" in result.stdout
