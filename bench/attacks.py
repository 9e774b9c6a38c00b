"""Attacks on the embedded gateway: is it still there, how large is it, does it store calls?

Each attack runs against a gateway of its own, from one address, while another asks for /livez
twenty times a second and the carrier reports a call every second; then it is told to stop.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from bench.gateway import KEY, PORT, ROOT, family, started
from bench.kit import call_payload, heading, percentile, rss_mb
from gateway_arq.tests import attacks
from gateway_arq.tests.gateway import WEBHOOK_SECRET, RunningGateway

WATCH_S: Final = 12.0
SETTLE_S: Final = 2.0  # for the attack to have its effect
CALLS: Final = 50_000
CALLS_CSV: Final = "/api/webcom/calls?format=csv"
PROBE: Final = "127.0.0.2"
TIMEOUT_S: Final = 5.0
KILL_S: Final = 20.0
USUAL_FILES: Final = 1_024
Attack = Callable[[], AbstractContextManager[Any]]


def attack_by_name() -> dict[str, Attack]:
    """What is done to the gateway, as context managers."""
    on = partial(partial, port=PORT)
    return {
        "none": nullcontext,
        "40 slow bodies of a login": on(attacks.slow_bodies),
        "40 slow bodies of a webhook": on(attacks.slow_bodies, path="/api/webcom/events"),
        "100 slow heads": on(attacks.slow_heads),
        "100 slow handshakes": on(attacks.slow_heads, more=attacks.HANDSHAKE),
        "1,100 half-open requests": on(attacks.half_open),
        "endless headers": on(attacks.endless_heads),
        "endless trailers": on(attacks.endless_trailers),
        "12 slow readers of a CSV": on(attacks.slow_readers, path=CALLS_CSV, key=KEY),
        "sockets: empty fragments": on(attacks.empty_fragments, key=KEY),
        "sockets: unread pongs": on(attacks.unread_pongs, key=KEY),
        "12 pictures at once": on(attacks.pictures, key=KEY, file=attacks.plain_picture(2_000)),
        "JPEGs of 160,000 scans, read": on(attacks.pictures, key=KEY, file=attacks.many_scans()),
        "the same, for an AI": on(
            attacks.pictures, key=KEY, file=attacks.many_scans(), path="ai/validate"
        ),
        "JPEGs of 2,000,000 comments": on(
            attacks.pictures, key=KEY, file=attacks.many_segments(), count=4
        ),
        "gzip of 20,000,000 wrong lines": on(attacks.archives, key=KEY),
    }


def main() -> None:
    heading(f"/livez, memory and calls during attacks of {WATCH_S:.0f} s on the embedded gateway")
    chosen = os.environ.get("ATTACKS", "")
    with tempfile.TemporaryDirectory() as folder:
        filled = Path(folder) / "filled"
        fill(filled)
        for name, attack in attack_by_name().items():
            if chosen in name:
                shutil.copytree(filled, Path(folder) / "var")
                print(f"  {name:<34}{measured(attack, Path(folder) / 'var')}", flush=True)
                shutil.rmtree(Path(folder) / "var")


def fill(folder: Path) -> None:
    """A data folder with CALLS calls."""
    env = {**os.environ, "DATABASE_URL": "", "REDIS_URL": "", "DATA_DIR": str(folder)}
    folder.mkdir()
    calls = folder / "calls.jsonl.gz"
    now = int(time.time())
    with gzip.open(calls, "wt", 1) as file:
        for number in range(CALLS):
            file.write(json.dumps(call_payload(number, now=now, days=7)) + "\n")
    for command in (["migrate"], ["import_calls", str(calls)]):
        subprocess.run(
            [sys.executable, "manage.py", *command, "--verbosity", "0"],
            cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip


def measured(attack: Attack, folder: Path) -> str:
    """A line of figures."""
    settings = {"RATE_LIMIT_PER_MINUTE": "0", "WEBCOM_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with usual_file_limit():
        process = started(str(folder), **settings)
    gateway = RunningGateway(process, PORT, folder / "output")  # type: ignore[arg-type]
    with ExitStack() as stack:
        stack.callback(process.kill)
        time.sleep(SETTLE_S)
        before = memory(process.pid)
        stack.enter_context(attack())
        time.sleep(SETTLE_S)
        peaks = stack.enter_context(sampled(lambda: memory(process.pid)))
        stored = stack.enter_context(sampled(partial(is_stored, gateway), every_s=1.0))
        delays = probed(WATCH_S)
        calls = [*stored]
        stopped_s = stopped(process)
    p50, p99 = (percentile(delays, share) * 1_000 for share in (0.5, 0.99))
    return (
        f"livez p50 {p50:7,.1f} ms  p99 {p99:7,.1f} ms  "
        f"memory {before:4.0f} -> {max(peaks):5.0f} MB  "
        f"calls stored {sum(calls)}/{len(calls)}  ended in {stopped_s}"
    )


@contextmanager
def usual_file_limit() -> Iterator[None]:
    """What most systems give a process to begin with; those that start in the block inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL_FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def probed(seconds: float) -> list[float]:
    """How long /livez took, in seconds; TIMEOUT_S where it did not answer."""
    delays = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        connection = HTTPConnection("127.0.0.1", PORT, timeout=TIMEOUT_S, source_address=(PROBE, 0))
        is_alive = False
        with suppress(OSError):
            connection.request("GET", "/livez")
            is_alive = connection.getresponse().status == 200
        connection.close()
        delays.append(time.monotonic() - began if is_alive else TIMEOUT_S)
        time.sleep(0.05)
    return delays


def is_stored(gateway: RunningGateway) -> bool:
    """Whether a call that the carrier reports now is stored."""
    try:
        gateway.deliver(id=f"{time.time_ns():x}", state="Pending")
    except (OSError, ValueError, AssertionError):  # requests' errors are OSErrors
        return False
    return True


def memory(pid: int) -> float:
    """Of the gateway and its reading process, not of the sandbox; MB."""
    total = 0.0
    for each in family(pid):
        with suppress(OSError):  # it has ended
            command = Path(f"/proc/{each}/cmdline").read_text()
            total += 0 if "sandbox" in command else rss_mb(each)
    return total


@contextmanager
def sampled(work: Callable[[], Any], *, every_s: float = 0.2) -> Iterator[list[Any]]:
    """What `work` returns now and again while the block runs."""
    results: list[Any] = [work()]
    stopping = threading.Event()

    def repeat() -> None:
        while not stopping.wait(every_s):
            results.append(work())

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield results
    finally:
        stopping.set()


def stopped(process: subprocess.Popen[bytes]) -> str:
    """How long the gateway and its children took to end, the attack going on."""
    began = time.monotonic()
    children = family(process.pid)
    process.send_signal(signal.SIGTERM)
    while any(Path(f"/proc/{pid}/stat").exists() for pid in children):
        process.poll()
        if time.monotonic() - began > KILL_S:
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return f"over {KILL_S:.0f} s"
        time.sleep(0.02)
    return f"{time.monotonic() - began:.1f} s"


if __name__ == "__main__":
    main()
