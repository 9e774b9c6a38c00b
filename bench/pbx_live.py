"""From a real Asterisk's event to a dashboard's socket, 200 dialled calls/s: milliseconds, losses.

Asterisk is the one of `tests/asterisk`, the gateway the embedded one with SQLite. A second
manager session records what Asterisk sent and when (its own `Timestamp`, one clock for all); a
WebSocket client records what came, and when.
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
from websockets.sync.client import ClientConnection

from bench.kit import events_socket, heading, line, percentile

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
            sent, received, lags = measured(bed)
        finally:
            gateway.terminate()
            try:
                gateway.wait(10)
            except subprocess.TimeoutExpired:
                gateway.kill()
    report(sent, received, lags)


def started_bed() -> dict[str, str]:
    """Start Asterisk with timestamps on its events; returns the settings that `up` prints."""
    printed = subprocess.run(
        ["./up"],
        cwd=BED,
        env={**os.environ, "BED_AMI_TIMESTAMP": "yes"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout
    return dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)"?$', printed))


TimedEvent = tuple[tuple[str, ...], float]  # identity, epoch seconds


def measured(bed: Mapping[str, str]) -> tuple[list[TimedEvent], list[TimedEvent], list[float]]:
    """Asterisk's events, those of a dashboard's socket, and a bare session's delays (s)."""
    sent: list[TimedEvent] = []
    lags: list[float] = []
    received: list[TimedEvent] = []
    stopping = threading.Event()
    recorder = threading.Thread(target=record_ami, args=(bed, sent, lags, stopping), daemon=True)
    with events_socket(PORT, KEY) as socket:
        threading.Thread(target=record_socket, args=(socket, received), daemon=True).start()
        time.sleep(WARM_UP_S)  # the manager session comes up
        recorder.start()
        time.sleep(1)
        try:
            dial()
        finally:
            time.sleep(DRAIN_S)
            stopping.set()
            recorder.join(10)
    return sent, received, lags


def dial() -> None:
    """Place all calls; those that Asterisk dropped under the load are reported."""
    call = ["./call", "--seconds", "1", "--spread", "--rate", str(PER_S)]
    call += ["--count", str(PER_S * SECONDS)]
    done = subprocess.run(
        call, cwd=BED, capture_output=True, text=True, check=False, timeout=SECONDS * 2 + 60
    )
    for name in ("Successful call", "Failed call"):
        found = re.findall(rf"{name} .*\|\s+(\d+)", done.stderr)
        line(name.lower() + "s", f"{int(found[-1]):,}" if found else "unknown")


def record_socket(socket: ClientConnection, received: list[TimedEvent]) -> None:
    while True:
        try:
            frame = socket.recv()
        except ConnectionClosed:
            return
        at = time.time()
        event = json.loads(frame)
        if event["type"] == "asterisk_event":
            received.append((identity(event), at))


def record_ami(
    bed: Mapping[str, str], sent: list[TimedEvent], lags: list[float], stopping: threading.Event
) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_arq.settings")
    import django

    django.setup()
    from centralino.clients.build import build_ami
    from centralino.event_fields import DOCUMENTED, flat_event
    from centralino.types import AmiAddress, AmiMessage

    address = AmiAddress(
        "127.0.0.1", int(bed["BED_AMI_PORT"]), bed["BED_AMI_USER"], bed["BED_AMI_SECRET"]
    )
    ami = build_ami("asyncio")(address)
    for batch in ami.events(idle_s=0.2):
        for message in batch or ():
            if isinstance(message, AmiMessage) and message["event"] in DOCUMENTED:
                event = flat_event("", message, 0)
                sent.append((identity(event), float(message["timestamp"])))
                lags.append(time.time() - sent[-1][1])
        if stopping.is_set():
            break
    ami.close()


def identity(event: Mapping[str, Any]) -> tuple[str, ...]:
    """The identity of an event within its channel; equal ones are matched by their order."""
    names = ("event", "uniqueid", "state", "destuniqueid", "dialstatus")
    return tuple(event.get(name, "") for name in names)


def report(sent: list[TimedEvent], received: list[TimedEvent], lags: list[float]) -> None:
    came: dict[tuple[str, ...], deque[float]] = defaultdict(deque)
    for event, at in received:
        came[event].append(at)
    lost, delays_ms = 0, []
    for event, at in sent:
        if came[event]:
            delays_ms.append((came[event].popleft() - at) * 1000)
        else:
            lost += 1
    begun = {event[1] for event, _ in received if event[0] == "Newchannel"}
    ended = {event[1] for event, _ in received if event[0] == "Hangup"}
    span_s = max(at for _, at in sent) - min(at for _, at in sent)
    line("events", f"{len(sent):,}", f"{len(sent) / span_s:,.0f}/s", f"{lost} lost")
    line("channels", f"{len(begun):,}", f"{len(begun - ended)} without an end")
    line("to the socket", f"p50 {median(delays_ms):.1f} p99 {percentile(delays_ms, 0.99):.1f} ms")
    bare = [lag * 1000 for lag in lags]
    line("to a bare AMI session", f"p50 {median(bare):.1f} p99 {percentile(bare, 0.99):.1f} ms")
