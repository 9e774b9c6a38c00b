"""`make run` with an old database that accepts connections and says nothing."""

from __future__ import annotations

import re
import socket
import threading
import time
from pathlib import Path

import pytest

from gateway_arq.tests.house import environment, running

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("house")]

TIMEOUT_S = 4
ASKERS = 8  # twice the threads that answer HTTP


def test_no_other_request_waits_for_a_silent_legacy_database(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:  # which never accepts
        extra = {
            "LEGACY_DATABASE_URL": f"mysql://reader@127.0.0.1:{silent.getsockname()[1]}/legacy",
            "LEGACY_TIMEOUT_S": str(TIMEOUT_S),
            "RATE_LIMIT_PER_MINUTE": "0",
        }
        with running(tmp_path, environment(tmp_path, **extra)) as house:
            key = re.search(r"(?m)^API_KEY_1=(.+)$", (tmp_path / ".env").read_text())[1]
            answered: list[int] = []
            stopping = threading.Event()

            def ask() -> None:
                while not stopping.is_set():
                    answered.append(house.get("/api/ocr/riscontri2/riscontri", key=key)[0])

            askers = [threading.Thread(target=ask) for _ in range(ASKERS)]
            for asker in askers:
                asker.start()
            longest, until = 0.0, time.monotonic() + TIMEOUT_S
            while time.monotonic() < until:
                began = time.monotonic()
                assert house.get("/readyz")[0] == 200
                assert house.get("/health", key=key)[0] == 200
                longest = max(longest, time.monotonic() - began)
            stopping.set()
            for asker in askers:
                asker.join()
    assert longest < TIMEOUT_S / 2
    assert set(answered) == {503}
    assert len(answered) > 10 * ASKERS  # all but two were refused at once
