"""The list endpoints over HTTP: ours on granian, FastAPI + asyncpg, and stock DRF on daphne.

Every server runs alone on one core with the same PostgreSQL and the same rows; `wrk` (Debian
package) loads it from the other core. Ours checks the key and counts the rate limit in Redis for
every request.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.kit import (
    LOAD_CORE,
    SERVER_CORE,
    bench_database,
    call_payload,
    heading,
    interleaved,
    line,
)

ROOT = Path(__file__).parent.parent
KEY = "sk_bench_rest_key_0123456789abcdef"
# Below the eight databases that the test suite may be using.
REDIS = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/7")
SECONDS, CONNECTIONS, ROUNDS = 3, 16, 3
PORT = 8790
CALLS = "/api/webcom/calls?limit=50"
LISTS = (
    "/api/webcom/lines",
    "/api/webcom/rebates",
    "/api/webcom/stats/daily",
    "/api/webcom/stats/hourly",
)
PEERS = {
    "FastAPI + asyncpg, uvicorn": [
        "-m",
        "uvicorn",
        "bench.peers.fastapi_calls:app",
        "--no-access-log",
    ],
    "FastAPI + asyncpg, granian": [
        "-m",
        "granian",
        "--interface",
        "asgi",
        "bench.peers.fastapi_calls:app",
    ],
    "stock DRF, daphne": ["-m", "daphne", "-v0", "bench.peers.stock_drf:application"],
    "gateway, granian": [
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--blocking-threads",
        "4",
        "--no-ws",
        "gateway_arq.wsgi:application",
    ],
    "gateway, embedded (uvicorn)": ["manage.py", "run_web"],
}
OURS, FASTAPI, STOCK = "gateway, granian", "FastAPI + asyncpg, uvicorn", "stock DRF, daphne"


def main() -> None:
    if shutil.which("wrk") is None:
        print("rest: needs wrk (apt-get install wrk)")
        return
    with bench_database() as url:
        fill()
        environment = server_environment(url)
        heading("GET /api/webcom/calls, 50 rows, requests/s on one core")
        figures = interleaved(
            {
                name: lambda command=command: rate(command, environment, CALLS)
                for name, command in PEERS.items()
            },
            rounds=ROUNDS,
        )
        for name, figure in figures.items():
            line(
                name,
                f"{figure:,.0f}/s",
                *(f"{figure / figures[p]:.2f}x {p}" for p in (FASTAPI, STOCK)),
            )
        heading("Every other list endpoint, requests/s on one core")
        for path in LISTS:
            pair = interleaved(
                {name: partial(rate, PEERS[name], environment, path) for name in (STOCK, OURS)},
                rounds=2,
            )
            line(
                path, f"{pair[OURS]:,.0f}/s", f"{pair[OURS] / pair[STOCK]:.1f}x stock DRF on daphne"
            )


def fill() -> None:
    """60 lines, 80 calls in progress, 20,000 finished ones of the last week, a month of rebates."""
    from django.utils import timezone

    from webcom import ingest, rollups
    from webcom.types import LineRecord, RebateRecord, RebateRow, parse_call

    now = int(time.time())
    done = [parse_call(call_payload(n, now=now, days=7)) for n in range(20_000)]
    live = [
        {**call_payload(n, now=now, days=0.01), "state": "Pending", "endedAt": None}
        for n in range(20_000, 20_080)
    ]
    ingest.store_calls(done + [parse_call(call) for call in live], announce=False)
    ingest.store_lines(
        [
            LineRecord(
                line_id=f"Sickprod{n}TLW",
                number=f"899{n:06d}",
                line_type="Vas",
                group="Vas",
                relations=["Read"],
            )
            for n in range(60)
        ]
    )
    rows = [RebateRow(type="Vas", operator=f"OP{n}", cost=n, counter=n) for n in range(20)]
    ingest.store_rebates(
        RebateRecord(month=f"{timezone.localdate():%Y-%m}", updated_at=now, rebates=rows)
    )
    while rollups.recount():
        continue


def server_environment(database_url: str) -> dict[str, str]:
    """The environment of a server that is measured on that database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": REDIS,
        "API_KEY_1": KEY,
        "RATE_LIMIT_PER_MINUTE": "1000000000",
        "LOG_LEVEL": "ERROR",
        "HOST": "127.0.0.1",
        "PORT": str(PORT),
    }


def rate(command: list[str], environment: dict[str, str], path: str) -> float:
    """Requests/s of the server that `command` starts, after a warm-up."""
    with running(command, environment, path) as base:
        load(base + path, 1)
        return load(base + path, SECONDS)


@contextmanager
def running(command: list[str], environment: dict[str, str], path: str = CALLS) -> Iterator[str]:
    """The address of the server that `command` starts, once it serves `path`."""
    if "manage.py" in command:
        where, port = [], []  # from its settings
    elif "granian" in command or "uvicorn" in command:
        where, port = ["--host", "127.0.0.1"], ["--port", str(PORT)]
    else:
        where, port = ["-b", "127.0.0.1"], ["-p", str(PORT)]
    started = [
        "taskset",
        "-c",
        str(SERVER_CORE),
        sys.executable,
        *command[:2],
        *where,
        *port,
        *command[2:],
    ]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(started, cwd=ROOT, env=environment, stdout=log, stderr=log)
        base = f"http://127.0.0.1:{PORT}"
        try:
            if not is_up(base + path):
                log.seek(0)
                raise RuntimeError(f"{' '.join(started)} does not respond:\n{log.read()}")
            yield base
        finally:
            server.terminate()
            server.wait(10)


def is_up(url: str) -> bool:
    request = urllib.request.Request(url, headers={"X-API-Key": KEY})
    for _ in range(300):
        try:
            return bool(urllib.request.urlopen(request, timeout=2).status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    return False


def load(url: str, seconds: int) -> float:
    """Requests/s that `wrk` measured; every response must be a 200."""
    wrk = [
        "taskset",
        "-c",
        str(LOAD_CORE),
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "-H",
        f"X-API-Key: {KEY}",
        url,
    ]
    printed = subprocess.run(wrk, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in printed:
        raise RuntimeError(f"{url}: {printed}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    assert found, printed
    return float(found[1])


if __name__ == "__main__":
    main()
