"""The archive read over HTTP, all 76,428 draws of it in PostgreSQL.

First requests/s of one core beside FastAPI + asyncpg doing the same queries, its requests counted
in memory, and in Redis as ours are; then one client's
requests in turn with the peer's, each just after a commit, so that none of our responses is
cached; then statistics and searches, for which there is no peer; then the export.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
import time
from functools import partial
from statistics import median

import psycopg

from bench.kit import bench_database, heading, interleaved, line, peak_rss_mb, percentile
from bench.lotto_import import import_draws
from bench.rest import KEY, PEERS, PORT, REDIS, rate, running, server_environment

OURS, EMBEDDED = "gateway, granian", "gateway, embedded (uvicorn)"
PEER, ALIKE = "FastAPI + asyncpg", "the same, limit in Redis"
FASTAPI = ["-m", "uvicorn", "bench.peers.fastapi_lotto:app", "--no-access-log"]
COMMANDS = {OURS: PEERS[OURS], PEER: FASTAPI, ALIKE: FASTAPI}
READ = (
    "/api/lotto/latest",
    "/api/lotto/date/2026/05/30",
    "/api/lotto/stats",
    "/api/lotto/range?from_date=2020/01/01&to_date=2026/05/30&limit=1000",
)
QUERIES = (
    "/api/lotto/stats/numbers",
    "/api/lotto/stats/delays",
    "/api/lotto/stats/pairs?ruota=BA",
    "/api/lotto/stats/pairs",
    "/api/lotto/search?numeri=5,12&limit=1000",
    "/api/lotto/search?numeri=5,12,33,48,90&sorte=ambo",
)
DOWNLOAD = "/api/lotto/export?download=1"
REQUESTS, ROUNDS = 200, 3
COPIES = 9  # of the archive, on days before it


def main() -> None:
    if shutil.which("wrk") is None:
        print("lotto_read: needs wrk (apt-get install wrk)")
        return
    with bench_database() as url:
        import_draws()
        environment = server_environment(url)
        with psycopg.connect(url, autocommit=True) as writer:
            writer.execute("VACUUM ANALYZE lotto_extraction")
            requests_per_second(environment)
            uncached(environment, writer)
            statistics(environment, writer)
            export(environment, writer)


def of(name: str, environment: dict[str, str]) -> dict[str, str]:
    """The environment of that server."""
    return {**environment, "PEER_REDIS": REDIS} if name == ALIKE else environment


def requests_per_second(environment: dict[str, str]) -> None:
    heading("The archive over HTTP, requests/s on one core")
    for path in READ:
        sides = {
            name: partial(rate, command, of(name, environment), path)
            for name, command in COMMANDS.items()
        }
        found = interleaved(sides, rounds=ROUNDS)
        ratios = (f"{found[OURS] / found[peer]:.2f}x {peer}" for peer in (PEER, ALIKE))
        line(path, f"{found[OURS]:,.0f}/s", *ratios)


def uncached(environment: dict[str, str], writer: psycopg.Connection) -> None:
    heading("The same just after a commit, one client (milliseconds)")
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            with running(command, of(name, environment), READ[0]):
                for path in READ:
                    times.setdefault((name, path), []).extend(uncached_ms(path, writer))
    for path in READ:
        ours = times[OURS, path]
        ratios = (
            f"{median(times[peer, path]) / median(ours):.2f}x {peer}" for peer in (PEER, ALIKE)
        )
        line(path, f"p50 {median(ours):.1f} p99 {percentile(ours, 0.99):.1f}", *ratios)


def statistics(environment: dict[str, str], writer: psycopg.Connection) -> None:
    heading("Statistics and searches over 87 years, just after a commit (milliseconds)")
    with running(COMMANDS[OURS], environment, READ[0]):
        first = {path: uncached_ms(path, writer, requests=1)[0] for path in QUERIES}
        for path in QUERIES:
            found = uncached_ms(path, writer)
            figures = f"p50 {median(found):.1f} p99 {percentile(found, 0.99):.1f}"
            line(path, figures, f"first after the start {first[path]:.0f}")


def uncached_ms(path: str, writer: psycopg.Connection, *, requests: int = REQUESTS) -> list[float]:
    """Milliseconds of requests, each just after a commit."""
    client = http.client.HTTPConnection("127.0.0.1", PORT)
    found = []
    for _ in range(requests):
        writer.execute("SELECT pg_current_xact_id()")
        began = time.perf_counter()
        client.request("GET", path, headers={"X-API-Key": KEY})
        response = client.getresponse()
        body = response.read()
        found.append((time.perf_counter() - began) * 1000)
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {body[:200]!r}")
    client.close()
    return found


def export(environment: dict[str, str], writer: psycopg.Connection) -> None:
    heading("Download of the archive: the server's peak memory before and after")
    for archives in (1, 1 + COPIES):
        if archives > 1:
            grow(writer)
        for name in (OURS, EMBEDDED):
            with running(PEERS[name], environment, READ[0]):
                uncached_ms(READ[0], writer, requests=1)
                before = peak_mb()
                first_ms, all_ms, size = download()
                grown = f"{size / 1e6:.1f} MB sent, {peak_mb() - before:.1f} MB more at most"
                figures = f"first byte {first_ms:.0f}, all {all_ms:.0f} ms"
                line(f"{name}, {archives} x 87 years", figures, grown)


def download() -> tuple[float, float, int]:
    """Milliseconds to the first byte and to the last, and how many there were."""
    client = http.client.HTTPConnection("127.0.0.1", PORT)
    began = time.perf_counter()
    client.request("GET", DOWNLOAD, headers={"X-API-Key": KEY})
    response = client.getresponse()
    size = len(response.read(1))
    first = time.perf_counter() - began
    while some := response.read(65_536):
        size += len(some)
    client.close()
    return first * 1000, (time.perf_counter() - began) * 1000, size


def grow(writer: psycopg.Connection) -> None:
    """More draws, on days before the real ones."""
    columns = "wheel, n1, n2, n3, n4, n5, source, verified, created_at, updated_at"
    writer.execute(
        f"INSERT INTO lotto_extraction (day, {columns})"
        f" SELECT day - 32000 * copy, {columns} FROM lotto_extraction,"
        f" generate_series(1, {COPIES}) AS copy"
    )
    writer.execute("VACUUM ANALYZE lotto_extraction")


def peak_mb() -> float:
    """Peak memory of the server's processes, together."""
    found = subprocess.run(["pgrep", "-f", f"--port {PORT}"], capture_output=True, text=True)
    return sum(peak_rss_mb(int(pid)) for pid in found.stdout.split())
