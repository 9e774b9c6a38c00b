"""Strangers and keys that want the gateway to stand still: others are answered meanwhile.

`make bench ARGS=attacks` has the figures; here the bounds are wide, for machines that are busy.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from gateway_arq.tests import attacks
from gateway_arq.tests.gateway import (
    API_KEY,
    WEBHOOK_SECRET,
    Processes,
    RunningGateway,
    StartGateway,
    environment,
)
from gateway_arq.tests.test_gateway_up import gone
from webcom.tests.factories import ended_payload

pytestmark = pytest.mark.xdist_group("attacks")
CALLS: Final = 60_000  # 8 MB of CSV: more than the kernel holds for a connection
CALLS_CSV: Final = "/api/webcom/calls?format=csv&from=2020-01-01"
PER_ADDRESS: Final = 80
PROBES: Final = 20
ON_TIME_S: Final = 0.5  # the attack, and other tests, want the same processors
MEMORY_MB: Final = 150  # threads, their database caches, bodies of images
Start = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def attacked(
    tmp_path_factory: pytest.TempPathFactory,
    migrated_data_dir: Path,
    start_gateway: StartGateway,
    processes: Processes,
) -> RunningGateway:
    """A gateway with CALLS calls, and few connections for each address."""
    folder = tmp_path_factory.mktemp("attacked")
    shutil.copytree(migrated_data_dir, folder / "var")
    env = environment(
        folder,
        API_KEY_3=API_KEY,
        RATE_LIMIT_PER_MINUTE="0",
        MAX_CONNECTIONS_PER_ADDRESS=str(PER_ADDRESS),
        WEBCOM_WEBHOOK_SECRET=WEBHOOK_SECRET,
    )
    file = folder / "calls.jsonl"
    with file.open("w") as out:
        out.writelines(f"{json.dumps(ended_payload())}\n" for _ in range(CALLS))
    imported = processes.run(sys.executable, "manage.py", "import_calls", str(file), env=env)
    assert imported.returncode == 0, imported.stderr
    return start_gateway(env)


def memory_mb(gateway: RunningGateway) -> int:
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def assert_others_are_served(gateway: RunningGateway) -> None:
    """/livez at once, an ordinary request soon, and a call is stored."""
    delays = []
    for _ in range(PROBES):
        began = time.monotonic()
        assert gateway.get("/livez")[0] == 200
        delays.append(time.monotonic() - began)
        time.sleep(0.05)
    assert statistics.median(delays) < ON_TIME_S
    assert gateway.get("/health", key=API_KEY)[0] == 200
    gateway.deliver(id=f"{time.time_ns():x}", state="Pending")


ATTACKS: Final[dict[str, Start]] = {
    "bodies of a login": attacks.slow_bodies,
    "bodies of a webhook": partial(attacks.slow_bodies, path="/api/webcom/events"),
    "heads": attacks.slow_heads,
    "handshakes": partial(attacks.slow_heads, more=attacks.HANDSHAKE),
    "half-open": attacks.half_open,
    "endless headers": attacks.endless_heads,
    "endless trailers": attacks.endless_trailers,
    "slow readers": partial(attacks.slow_readers, path=CALLS_CSV, key=API_KEY),
    "fragments": partial(attacks.empty_fragments, key=API_KEY),
    "pongs": partial(attacks.unread_pongs, key=API_KEY),
    "archives": partial(attacks.archives, key=API_KEY, count=1),
    "scans": partial(attacks.pictures, key=API_KEY, file=attacks.many_scans(20_000)),
}


# One of each kind of bound in every run: a body, an open connection, a head, a reader.
OFTEN: Final = ("bodies of a webhook", "half-open", "endless headers", "slow readers")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(start, id=name, marks=() if name in OFTEN else pytest.mark.exhaustive)
        for name, start in ATTACKS.items()
    ],
)
def test_others_are_served_during_an_attack(attacked: RunningGateway, start: Start) -> None:
    before = memory_mb(attacked)
    with start(attacked.port):
        assert_others_are_served(attacked)
        assert memory_mb(attacked) < before + MEMORY_MB


def test_a_slow_body_is_a_408_and_an_open_head_is_closed(attacked: RunningGateway) -> None:
    with (
        attacks.slow_bodies(attacked.port, count=2) as bodies,
        attacks.half_open(attacked.port, count=PER_ADDRESS) as heads,
    ):
        time.sleep(0.5)  # until those beyond the limit are refused
        assert sum(map(attacks.is_open, heads)) == PER_ADDRESS - 2  # the bodies are of it, too
        answers = [answer_of(each) for each in (*bodies, heads[0])]
        deadline = time.monotonic() + 10
        while any(map(attacks.is_open, heads)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(map(attacks.is_open, heads))
    assert answers == [
        *[(408, "The request's body took too long to arrive.")] * 2,
        (408, "The request took too long to arrive."),
    ]


def answer_of(connection: Any) -> tuple[int, str]:
    connection.settimeout(15)
    answer = b""
    while piece := connection.recv(65_536):
        answer += piece
    return attacks.detail_of(answer)


@pytest.mark.exhaustive  # `ocr/tests/test_reader_process.py` has a full queue in every run
def test_pictures_beyond_the_queue_get_the_documented_503(attacked: RunningGateway) -> None:
    file = attacks.plain_picture(1_000)
    with attacks.pictures(attacked.port, API_KEY, file, count=16) as statuses:
        assert_others_are_served(attacked)
        deadline = time.monotonic() + 30
        while {*statuses} != {200, 503} and time.monotonic() < deadline:
            time.sleep(0.1)
    assert {*statuses} == {200, 503}


@pytest.mark.exhaustive  # `ocr/tests/test_images.py` refuses them in every run
def test_scans_are_refused_wherever_a_picture_is_decoded(attacked: RunningGateway) -> None:
    for path in ("process", "ai/validate"):
        with attacks.pictures(
            attacked.port, API_KEY, attacks.many_scans(100), count=1, path=path
        ) as statuses:
            deadline = time.monotonic() + 20
            while not statuses and time.monotonic() < deadline:
                time.sleep(0.05)
        assert {*statuses} == {400}


def test_sigterm_ends_it_within_five_seconds_whatever_is_running(attacked: RunningGateway) -> None:
    """The last one here: the gateway has ended after it."""
    port, large = attacked.port, attacks.plain_picture(2_000)
    with ExitStack() as stack:
        for attack in (
            attacks.pictures(port, API_KEY, large, count=4),
            attacks.archives(port, API_KEY, count=1),
            attacks.slow_readers(port, CALLS_CSV, API_KEY, count=4),
            attacks.slow_bodies(port, count=4),
            attacks.slow_heads(port, count=4, more=attacks.HANDSHAKE),
            attacks.unread_pongs(port, API_KEY, count=1),
        ):
            stack.enter_context(attack)
        time.sleep(2)  # all of it is running
        children = attacked.children()
        assert attacked.stop() < 5
        assert attacked.process.returncode == 0, attacked.output.read_text()
        assert all(gone(pid, within_s=1) for pid in children)
