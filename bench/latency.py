"""Milliseconds from the carrier's push to a dashboard's socket, embedded gateway, 200 events/s.

The carrier is the sandbox in this process, the gateway a process of its own with SQLite; the peer
is the mean round trip of the same message echoed by a bare `websockets` server, the least that two
hops can take.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from websockets.sync.client import connect
from websockets.sync.server import serve

from bench.kit import call_payload, events_socket, heading, line, percentile

ROOT = Path(__file__).parent.parent
PORT = 8791
KEY = "sk_bench_latency_key_0123456789abcdef"
PER_S, SECONDS = 200, 20


def main() -> None:
    from sandbox.testing import running_sandbox

    heading(f"Carrier push to dashboard message at {PER_S} events/s, {SECONDS} s (milliseconds)")
    with (
        running_sandbox(now=time.time(), per_day=1) as carrier,
        tempfile.TemporaryDirectory() as folder,
    ):
        environment = {
            **os.environ,
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "DATA_DIR": folder,
            "PORT": str(PORT),
            "API_KEY_1": KEY,
            "WEBCOM_URL": carrier.base_url,
            "WEBCOM_PUSH_URL": carrier.push_url,
            "WEBCOM_TOKEN": carrier.token,
            "LOG_LEVEL": "ERROR",
        }
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True
        )
        gateway = subprocess.Popen(
            [sys.executable, "manage.py", "gateway"], cwd=ROOT, env=environment
        )
        try:
            figures = measured(carrier.send_frame)
        finally:
            gateway.terminate()
            gateway.wait(10)
    base = echo()
    line("bare echo", f"p50 {median(base):.1f} p99 {percentile(base, 0.99):.1f}")
    line(
        "gateway",
        f"p50 {median(figures):.1f} p99 {percentile(figures, 0.99):.1f}",
        f"{len(figures)} of {PER_S * SECONDS}",
    )


def measured(send_frame: Callable[[str], None]) -> list[float]:
    """Milliseconds from the carrier's push of a call to its event on /ws, by event."""
    sent_at: dict[str, float] = {}
    delays_ms: list[float] = []
    with events_socket(PORT, KEY) as socket:

        def listen() -> None:
            for frame in socket:
                event = json.loads(frame)
                if (began := sent_at.get(event.get("id", ""))) is not None:
                    delays_ms.append((time.perf_counter() - began) * 1000)

        reader = threading.Thread(target=listen, daemon=True)
        reader.start()
        time.sleep(3)  # the gateway's push connection comes up
        now, began = int(time.time()), time.perf_counter()
        for number in range(PER_S * SECONDS):
            time.sleep(max(0.0, began + number / PER_S - time.perf_counter()))
            call = call_payload(number, now=now, days=0.001)
            sent_at[call["id"]] = time.perf_counter()
            send_frame(json.dumps({"type": "call", "call": call}))
        time.sleep(1)
    return delays_ms


def echo() -> list[float]:
    with serve(lambda socket: [socket.send(frame) for frame in socket], "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        delays_ms = []
        with connect(f"ws://127.0.0.1:{port}") as socket:
            for _ in range(1_000):
                began = time.perf_counter()
                socket.send("x" * 300)
                socket.recv()
                delays_ms.append((time.perf_counter() - began) * 1000)
        server.shutdown()
    return delays_ms
