"""From a real Asterisk's event to a dashboard's socket, 200 dialled calls/s: milliseconds, losses.

Asterisk is the one of `tests/asterisk`, the gateway the embedded one with SQLite. A second
manager session tells what Asterisk said and when (its own `Timestamp`, one clock for all); a
WebSocket client tells what came, and when.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bench.kit import heading, line, percentile

ROOT = Path(__file__).parent.parent
BED = ROOT / "tests" / "asterisk"
PORT = 8793
KEY = "sk_bench_pbx_key_0123456789abcdefghij"
PER_S = int(os.environ.get("BENCH_CALLS_PER_S", "200"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "60"))
WARM_UP_S, DRAIN_S = 5, 10


def main() -> None:
    if os.geteuid() != 0:
        heading("Asterisk to dashboard: only root can start it")
        return
    heading(f"Asterisk to dashboard at {PER_S} dialled calls/s, {SECONDS} s")
    bed = started_bed()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "SANDBOX": "false",
            "DATA_DIR": folder,
            "PORT": str(PORT),
            "API_KEY_1": KEY,
            "ASTERISK_1_HOST": "127.0.0.1",
            "ASTERISK_1_AMI_PORT": bed["BED_AMI_PORT"],
            "ASTERISK_1_AMI_USER": bed["BED_AMI_USER"],
            "ASTERISK_1_AMI_SECRET": bed["BED_AMI_SECRET"],
            "ASTERISK_1_ARI_URL": "",
            "LOG_LEVEL": "ERROR",
        }
        manage = [sys.executable, "manage.py"]
        subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        gateway = subprocess.Popen([*manage, "gateway"], cwd=ROOT, env=environment)
        try:
            said, heard, lags = measured(bed)
        finally:
            gateway.terminate()
            try:
                gateway.wait(10)
            except subprocess.TimeoutExpired:
                gateway.kill()
    tell(said, heard, lags)


def started_bed() -> dict[str, str]:
    """Asterisk, telling the time of its events; what `up` says of it."""
    told = subprocess.run(
        ["./up"],
        cwd=BED,
        env={**os.environ, "BED_AMI_TIMESTAMP": "yes"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout
    return dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)"?$', told))


Timed = tuple[tuple[str, ...], float]  # which event, epoch seconds


def measured(bed: Mapping[str, str]) -> tuple[list[Timed], list[Timed], list[float]]:
    """What Asterisk said, what a dashboard heard, and how late a bare session was told (s)."""
    said: list[Timed] = []
    lags: list[float] = []
    heard: list[Timed] = []
    stopping = threading.Event()
    witness = threading.Thread(target=witnessed, args=(bed, said, lags, stopping), daemon=True)
    with dashboard() as socket:
        threading.Thread(target=listen, args=(socket, heard), daemon=True).start()
        time.sleep(WARM_UP_S)  # the manager session comes up
        witness.start()
        time.sleep(1)
        try:
            dial()
        finally:
            time.sleep(DRAIN_S)
            stopping.set()
            witness.join(10)
    return said, heard, lags


def dial() -> None:
    """Place all calls; those that Asterisk dropped under the load are told, not hidden."""
    call = ["./call", "--seconds", "1", "--spread", "--rate", str(PER_S)]
    call += ["--count", str(PER_S * SECONDS)]
    done = subprocess.run(
        call, cwd=BED, capture_output=True, text=True, check=False, timeout=SECONDS * 2 + 60
    )
    for name in ("Successful call", "Failed call"):
        found = re.findall(rf"{name} .*\|\s+(\d+)", done.stderr)
        line(name.lower() + "s", f"{int(found[-1]):,}" if found else "unknown")


def dashboard() -> ClientConnection:
    """A socket on /ws, once the gateway is up."""
    for _ in range(100):
        try:
            return connect(f"ws://127.0.0.1:{PORT}/ws?api_key={KEY}")
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the gateway does not come up")


def listen(socket: ClientConnection, heard: list[Timed]) -> None:
    while True:
        try:
            frame = socket.recv()
        except ConnectionClosed:
            return
        at = time.time()
        event = json.loads(frame)
        if event["type"] == "asterisk_event":
            heard.append((which(event), at))


def witnessed(
    bed: Mapping[str, str], said: list[Timed], lags: list[float], stopping: threading.Event
) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_arq.settings")
    import django

    django.setup()
    from centralino.channel_table import DOCUMENTED, flat_event
    from centralino.clients.build import build_ami
    from centralino.types import AmiAddress, AmiMessage

    address = AmiAddress(
        "127.0.0.1", int(bed["BED_AMI_PORT"]), bed["BED_AMI_USER"], bed["BED_AMI_SECRET"]
    )
    ami = build_ami("asyncio")(address)
    for batch in ami.events(idle_s=0.2):
        for message in batch or ():
            if isinstance(message, AmiMessage) and message["event"] in DOCUMENTED:
                event = flat_event("", message, 0)
                said.append((which(event), float(message["timestamp"])))
                lags.append(time.time() - said[-1][1])
        if stopping.is_set():
            break
    ami.close()


def which(event: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells an event from the others of its channel; equal ones are told by their order."""
    names = ("event", "uniqueid", "state", "destuniqueid", "dialstatus")
    return tuple(event.get(name, "") for name in names)


def tell(said: list[Timed], heard: list[Timed], lags: list[float]) -> None:
    came: dict[tuple[str, ...], deque[float]] = defaultdict(deque)
    for event, at in heard:
        came[event].append(at)
    lost, taken = 0, []
    for event, at in said:
        if came[event]:
            taken.append((came[event].popleft() - at) * 1000)
        else:
            lost += 1
    begun = {event[1] for event, _ in heard if event[0] == "Newchannel"}
    ended = {event[1] for event, _ in heard if event[0] == "Hangup"}
    span_s = max(at for _, at in said) - min(at for _, at in said)
    line("events", f"{len(said):,}", f"{len(said) / span_s:,.0f}/s", f"{lost} lost")
    line("channels", f"{len(begun):,}", f"{len(begun - ended)} without an end")
    line("to the socket", f"p50 {median(taken):.1f} p99 {percentile(taken, 0.99):.1f} ms")
    bare = [lag * 1000 for lag in lags]
    line("to a bare AMI session", f"p50 {median(bare):.1f} p99 {percentile(bare, 0.99):.1f} ms")
