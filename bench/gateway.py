"""The embedded gateway as `make run` starts it, sandbox data moving: memory, processor, start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.kit import cpu_s, heading, line, rss_mb

ROOT = Path(__file__).parent.parent
PORT = 8792
KEY = "sk_bench_gateway_key_0123456789abcde"
SETTLE_S, WATCH_S = 15, 60


def main() -> None:
    heading(f"Embedded gateway with its sandbox, {WATCH_S} s")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first start", "warm start"):
            began = time.perf_counter()
            gateway = started(folder)
            line(name, f"{time.perf_counter() - began:.1f} s")
            if name == "warm start":
                watch(gateway.pid)
            began = time.perf_counter()
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(10)
        line("stop", f"{time.perf_counter() - began:.1f} s")


def started(data_dir: str, **more: str) -> subprocess.Popen[bytes]:
    """The embedded gateway and its sandbox, healthy; `more` are further settings."""
    settings = {
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "DATA_DIR": data_dir,
        "PORT": str(PORT),
        "API_KEY_1": KEY,
        "SANDBOX": "true",
        **more,
    }
    gateway = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until_healthy()
    except RuntimeError:
        gateway.kill()
        raise
    return gateway


def watch(pid: int) -> None:
    time.sleep(SETTLE_S)
    processes = family(pid)
    before = sum(map(cpu_s, processes))
    time.sleep(WATCH_S)
    share = (sum(map(cpu_s, processes)) - before) / WATCH_S
    for process in processes:
        line(f"memory of {name_of(process)}", f"{rss_mb(process):.0f} MB")
    line("memory in total", f"{sum(map(rss_mb, processes)):.0f} MB")
    line("processor", f"{share:.1%} of one core")


def family(pid: int) -> list[int]:
    children = " ".join(
        task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")
    ).split()
    return [pid, *(each for child in children for each in family(int(child)))]


def name_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return " ".join(Path(word).name for word in words[1:3])


def wait_until_healthy() -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/health", headers={"X-API-Key": KEY})
    for _ in range(600):
        try:
            if urllib.request.urlopen(request, timeout=1).status == 200:
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise RuntimeError("the gateway does not start")
