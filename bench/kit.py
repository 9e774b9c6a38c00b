"""What benchmarks share: a database, made-up calls, interleaved rounds, medians, processes."""

from __future__ import annotations

import fcntl
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from websockets.sync.client import ClientConnection, connect

SERVER_CORE, LOAD_CORE = 0, 1
DATABASE = f"gateway_bench_{os.getpid()}"
ADMIN_DSN = os.environ.get("BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
DAY_S = 86_400


@contextmanager
def bench_database(*, keep: bool = False) -> Iterator[str]:
    """A fresh PostgreSQL database with our tables; yields its URL, drops it at the end."""
    with psycopg.connect(f"{ADMIN_DSN}/postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
        url = f"{ADMIN_DSN}/{DATABASE}"
        setup_django(url)
        try:
            yield url
        finally:
            from django.db import connections

            connections.close_all()
            if not keep:
                admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def setup_django(database_url: str) -> None:
    """Django in this process on that database ('': a temporary SQLite file), migrated, no Redis."""
    os.environ.update(
        DATABASE_URL=database_url,
        REDIS_URL="",
        DATA_DIR=tempfile.mkdtemp(prefix="bench-"),
        DJANGO_SETTINGS_MODULE="gateway_arq.settings",
        LOG_LEVEL="ERROR",
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def call_payload(number: int, *, now: int, days: float = 1, **more: Any) -> dict[str, Any]:
    """A finished call, started within `days`; the same number gives the same call."""
    dice = random.Random(number)
    started = now - 60 - int(dice.random() * days * DAY_S)
    seconds = dice.randrange(5, 900)
    green = dice.random() < 0.4
    line = dice.randrange(30)
    return {
        "id": f"{started:08x}{number:016x}",
        "lineID": f"Sickprod{line:02d}{'GN' if green else 'TLW'}",
        "state": "Ok" if dice.random() < 0.8 else "NoAnswer",
        "direction": "Entering",
        "caller": f"3{dice.randrange(20, 99)}{dice.randrange(10**7):07d}",
        "called": f"{'800' if green else '899'}{line:06d}",
        "callerOperator": dice.choice(("TIM", "TIMG", "WIND", "VODAFONE", "ILIAD")),
        "cost": 0.0 if green else round(seconds * 0.0122, 4),
        "duration": seconds,
        "lineNumber": f"{'800' if green else '899'}{line:06d}",
        "timestamp": started,
        "endedAt": started + seconds,
        "revision": 3,
        **more,
    }


def interleaved(sides: Mapping[str, Callable[[], float]], *, rounds: int = 5) -> dict[str, float]:
    """The median of each side's figure; they take turns, so that load affects all alike."""
    seen: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            seen[name].append(measure())
    return {name: statistics.median(figures) for name, figures in seen.items()}


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def turn(*, alone: bool, within_s: float = 120) -> Iterator[None]:
    """Hold the file BENCH_LOCK, if it is set, while figures are taken (`alone`) or made ready.

    So those who share a machine do not measure at once. Who waited too long goes on, and says so.
    """
    name = os.environ.get("BENCH_LOCK")
    if not name:
        yield
        return
    with Path(name).open("a") as file:
        until, held = time.monotonic() + within_s, False
        while not held and time.monotonic() < until:
            with suppress(BlockingIOError):
                fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                held = True
            if not held:
                time.sleep(0.2)
        if not held:
            print("  (not alone on this machine)")
        yield


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def rss_mb(pid: int | str = "self") -> float:
    """Resident memory of a process, in MB."""
    return _memory_mb(pid, "VmRSS")


def peak_rss_mb(pid: int | str = "self") -> float:
    """Peak resident memory of a process, in MB; 0 when it has just ended."""
    try:
        return _memory_mb(pid, "VmHWM")
    except OSError:
        return 0.0


def _memory_mb(pid: int | str, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int((status.partition(f"{field}:")[2].split() or ["0"])[0]) / 1024


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def events_socket(port: int, key: str) -> ClientConnection:
    """A connection to /ws of the gateway on that port, once it is up."""
    for _ in range(100):
        try:
            return connect(f"ws://127.0.0.1:{port}/ws?api_key={key}")
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the gateway does not start")


def heading(title: str) -> None:
    print(f"\n## {title}")


def line(name: str, figure: str, *ratios: str) -> None:
    print(f"  {name:<44} {figure:>18}   {'   '.join(ratios)}", flush=True)
