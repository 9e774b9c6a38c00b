"""`manage.py import_calls` of 1,000,000 calls into PostgreSQL: speed and memory; then once more.

Peer: `psql`-like raw COPY of the same rows into the same table, made ready beforehand.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
import psycopg

from bench.kit import bench_database, call_payload, heading, line, peak_rss_mb

ROOT = Path(__file__).parent.parent
DAYS = 400
CALLS = int(os.environ.get("BENCH_IMPORT", "1000000"))


def main() -> None:
    heading(f"Import of {CALLS:,} calls (JSON Lines), PostgreSQL")
    with tempfile.TemporaryDirectory() as folder, bench_database() as url:
        path = Path(folder) / "calls.jsonl"
        write(path)
        copy_s = raw_copy(path, url)
        line("raw COPY", f"{CALLS / copy_s:,.0f}/s")
        for name in ("import_calls", "import_calls again"):
            seconds, peak_mb = run(path, url)
            line(
                name,
                f"{CALLS / seconds:,.0f}/s",
                f"{copy_s / seconds:.2f} of raw COPY",
                f"{peak_mb:.0f} MB at most",
            )


def write(path: Path) -> None:
    """Calls of 400 days in the order in which they came, as a carrier's log has them."""
    first = int(time.time()) - DAYS * 86_400
    with path.open("wb") as file:
        for number in range(CALLS):
            started = first + number * DAYS * 86_400 // CALLS
            call = call_payload(number, now=started)
            times = {"timestamp": started, "endedAt": started + call["duration"]}
            call |= times | {"id": f"{started:08x}{number:016x}"}
            file.write(orjson.dumps(call) + b"\n")


def run(path: Path, url: str) -> tuple[float, float]:
    """Seconds and peak resident memory (MB) of one import, in a process of its own."""
    command = [sys.executable, "manage.py", "import_calls", str(path), "-v0"]
    began, peak_mb = time.perf_counter(), 0.0
    environment = {**os.environ, "DATABASE_URL": url}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak_mb = peak_rss_mb(process.pid) or peak_mb
            time.sleep(0.1)
    if process.returncode:
        raise RuntimeError(f"import_calls ended with {process.returncode}")
    return time.perf_counter() - began, peak_mb


def raw_copy(path: Path, url: str) -> float:
    from bench.ingest import rows
    from webcom.call_rows import COLUMNS

    with psycopg.connect(url, autocommit=True) as connection:
        with path.open("rb") as file:
            ready = rows(file.readlines())
        began = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY webcom_call ({', '.join(COLUMNS)}) FROM STDIN") as copy,
        ):
            for row in ready:
                copy.write_row(row)
        seconds = time.perf_counter() - began
        connection.execute("TRUNCATE webcom_call")
    return seconds
