"""Call screening with a million listed numbers: memory, decisions, and refusals by a real Asterisk.

Asterisk is the one of `tests/asterisk`; the monitor is the gateway's own, in this process, with
SQLite. A decision's time is from StasisStart read to the reply written to Asterisk.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from bench.kit import heading, line, percentile, rss_mb, setup_django

ROOT = Path(__file__).parent.parent
BED = ROOT / "tests" / "asterisk"
ENTRIES = int(os.environ.get("BENCH_ENTRIES", "1000000"))
PER_S = int(os.environ.get("BENCH_CALLS_PER_S", "500"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "20"))
DECISIONS = 100_000


def main() -> None:
    heading(f"Call screening with {ENTRIES:,} listed numbers")
    setup_django("")
    state = filled_state()
    line("decision", f"{decision_us(state):.1f} µs")
    if os.geteuid() == 0:
        refuse(state)
    else:
        line("real Asterisk", "only root can start it")


def filled_state() -> Any:
    """The state with ENTRIES numbers on its blacklist; prints what they take."""
    from centralino.screening import PERMANENT
    from centralino.state_store import ScreeningState

    state = ScreeningState("bench")
    gc.collect()
    before = rss_mb()
    for n in range(ENTRIES):
        state.screening.blocked.put(f"+39{3_200_000_000 + n * 7}", PERMANENT - n)
    gc.collect()
    line(f"memory of {ENTRIES:,} numbers", f"{rss_mb() - before:.0f} MB")
    return state


def decision_us(state: Any) -> float:
    """µs for one decision, half of the callers listed."""
    callers = [f"{3_200_000_000 + n * 7 * (n % 2) + 1 - n % 2}" for n in range(DECISIONS)]
    now = time.time()
    began = time.perf_counter()
    for caller in callers:
        state.screening.decide(caller, "899748963", now)
    return (time.perf_counter() - began) / DECISIONS * 1e6


def refuse(state: Any) -> None:
    """Anonymous callers of a real Asterisk at PER_S a second, all refused."""
    from centralino.models import ScreenedCall
    from centralino.state_store import StateStore
    from centralino.workers.screener import Screener
    from core.workers.database import DatabaseGuard
    from core.workers.leader import Leadership

    bed = dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)"?$', run("./up")))
    leadership = Leadership("bench", DatabaseGuard("bench"))
    leadership.take()
    ari, state_store, stopping = timed_ari(bed), StateStore(state, leadership), threading.Event()

    async def screen() -> None:
        async with ari:
            await Screener(ari, state, state_store).run(lambda: not stopping.is_set())

    thread = threading.Thread(target=lambda: asyncio.run(screen()))
    with state_store.running():
        thread.start()
        while not state.connected:
            time.sleep(0.05)
        wanted = PER_S * SECONDS
        began, used = time.perf_counter(), time.process_time()
        run(
            "./call", "--anonymous", "--rate", str(PER_S), "--limit", "4000", "--count", str(wanted)
        )
        took_s = time.perf_counter() - began
        core = (time.process_time() - used) / took_s
        stopping.set()
        thread.join(10)
    refused = ScreenedCall.objects.filter(verdict="blocked").count()
    line("refused by the real Asterisk", f"{refused:,} of {wanted:,}", f"{wanted / took_s:.0f}/s")
    for what, times_ms in (("reply written", ari.written_ms), ("Asterisk's ok", ari.done_ms)):
        figures = f"p50 {median(times_ms):.2f} ms, p99 {percentile(times_ms, 0.99):.2f} ms"
        line(f"StasisStart read to {what}", figures, f"{core:.0%} of a core")


def timed_ari(bed: dict[str, str]) -> Any:
    """An ARI client that records when a caller came, and when they were answered."""
    from centralino.clients.ari import HttpAri

    class TimedAri(HttpAri):
        written_ms: ClassVar[list[float]] = []
        done_ms: ClassVar[list[float]] = []
        _read_at: ClassVar[dict[str, float]] = {}

        async def _read(self, socket: Any) -> Any:
            async for event in super()._read(socket):
                if event["type"] == "StasisStart":
                    self._read_at[event["channel"]["id"]] = time.perf_counter()
                yield event

        async def hang_up(self, channel_id: str, *, reason: str) -> None:
            came_at = self._read_at.pop(channel_id)
            hanging_up = asyncio.ensure_future(super().hang_up(channel_id, reason=reason))
            await asyncio.sleep(0)  # it runs until the request is written
            self.written_ms.append((time.perf_counter() - came_at) * 1000)
            await hanging_up
            self.done_ms.append((time.perf_counter() - came_at) * 1000)

    return TimedAri(
        bed["BED_ARI_URL"],
        user=bed["BED_ARI_USER"],
        password=bed["BED_ARI_SECRET"],
        app=bed["BED_ARI_APP"],
    )


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=BED, capture_output=True, text=True, check=False)
    return done.stdout
