"""bin/check-advisories, against a source on loopback."""

from __future__ import annotations

import json
import runpy
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "bin" / "check-advisories"
PINS = "# comment\ndjango==5.2.1 ; python_version > '3'\nOdd_Name[extra]==1.0rc1  # why\n-e .\n"
Answer = Callable[[list[Any]], tuple[int, bytes]]


@pytest.fixture
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.fixture
def requirements(tmp_path: Path) -> str:
    path = tmp_path / "requirements.txt"
    path.write_text(PINS)
    return str(path)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Answer]]:
    """What the source answers to the queries is put in here."""
    answers: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = answers[0](json.loads(body)["queries"])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: Any) -> None:
            """Be silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setenv("ADVISORIES_URL", f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield answers
        server.shutdown()
        thread.join()


def results(*ids: str) -> Answer:
    """An answer that has these advisories on the package django."""

    def answer(queries: list[Any]) -> tuple[int, bytes]:
        found = [
            {"vulns": [{"id": each} for each in ids]}
            if query["package"]["name"] == "django"
            else {}
            for query in queries
        ]
        return 200, json.dumps({"results": found}).encode()

    return answer


def test_every_pin_is_read_once(script: dict[str, Any], requirements: str) -> None:
    found = script["pins_in"]([Path(requirements), Path(requirements)])
    assert [tuple(pin) for pin in found] == [("Odd_Name", "1.0rc1"), ("django", "5.2.1")]
    assert len(script["pins_in"]([SCRIPT.parents[1] / name for name in script["FILES"]])) > 100


def test_pins_without_an_advisory_pass(
    script: dict[str, Any], requirements: str, source: list[Answer], capsys: Any
) -> None:
    source.append(results())
    assert script["main"]([requirements]) == 0
    assert capsys.readouterr().out == "Advisories: 2 pins checked, 0 open, 0 accepted.\n"


def test_an_advisory_fails_until_it_is_accepted(
    script: dict[str, Any], requirements: str, source: list[Answer], capsys: Any
) -> None:
    source.append(results("GHSA-1", "PYSEC-2"))
    script["ACCEPTED"]["PYSEC-2"] = "not the part that we use"
    assert script["main"]([requirements]) == 1
    output = capsys.readouterr().out
    assert "django 5.2.1: GHSA-1, see https://osv.dev/vulnerability/GHSA-1" in output
    assert "1 open, 1 accepted" in output
    script["ACCEPTED"]["GHSA-1"] = "nor that"
    assert script["main"]([requirements]) == 0


@pytest.mark.parametrize(
    "answer",
    [(503, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b'{"results": [1, 2]}'),
     (200, b'{"results": []}'), (200, b'{"results": [{"vulns": [{}]}, {}]}')],
    ids=["error", "html", "list", "empty", "numbers", "too few", "no id"],
)  # fmt: skip
def test_where_no_source_answers_that_is_reported_and_nothing_fails(
    script: dict[str, Any], requirements: str, source: list[Answer], capsys: Any,
    answer: tuple[int, bytes],
) -> None:  # fmt: skip
    source.append(lambda _queries: answer)
    assert script["main"]([requirements]) == 0
    assert "NOT CHECKED" in capsys.readouterr().out


def test_where_there_is_no_network_nothing_fails(
    script: dict[str, Any], requirements: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("ADVISORIES_URL", "http://127.0.0.1:1/")
    assert script["main"]([requirements]) == 0
    assert "NOT CHECKED" in capsys.readouterr().out
