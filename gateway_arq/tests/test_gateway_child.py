from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

import pytest

from gateway_arq import child
from gateway_arq.child import SupervisedChild

pytestmark = pytest.mark.usefixtures("processes")

NOTES_ITS_PID = """
import os, pathlib, sys, time
with pathlib.Path(sys.argv[1]).open("a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(60)
"""


def pids(path: Path, count: int) -> list[int]:
    """The first `count` process ids that the child noted; waits for them, up to 10 s."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= count:
            return [int(line) for line in lines]
        time.sleep(0.02)
    raise AssertionError(
        f"{count} starts expected, noted: {path.read_text() if path.exists() else 'none'}"
    )


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_child_that_dies_is_restarted_and_logged(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(child, "RESTART_AFTER_S", 0.01)
    notes = tmp_path / "pids"
    with (
        caplog.at_level(logging.ERROR),
        SupervisedChild("demo", [sys.executable, "-c", NOTES_ITS_PID, str(notes)]),
    ):
        (first,) = pids(notes, 1)
        os.kill(first, 9)
        second = pids(notes, 2)[1]
        assert is_alive(second)
    assert "child.died name=demo code=-9" in caplog.text
    assert not is_alive(second)


def test_child_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "STOP_WITHIN_S", 0.3)
    notes = tmp_path / "pids"
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{NOTES_ITS_PID}"
    with SupervisedChild("stubborn", [sys.executable, "-c", stubborn, str(notes)]):
        (pid,) = pids(notes, 1)
    assert not is_alive(pid)


def test_child_that_never_listens_is_given_up():
    with SupervisedChild("deaf", [sys.executable, "-c", "import time; time.sleep(60)"]) as deaf:
        assert not deaf.listens(1, within_s=0.2)
