"""Hours of traffic without faults: memory and descriptors of every process must stay flat."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Final

from drills.ledger import Ledger
from drills.profile import FullProfile

SAMPLES: Final = 60
WARM_SHARE: Final = 0.2  # of the time, before which nothing is compared
MAX_GROWTH: Final = 1.10  # from the first half to the second
SLACK_MB, SLACK_FILES = 8.0, 8.0


def soak(world: FullProfile, ledger: Ledger, hours: float) -> int:
    """Print each program's memory (MB) and open files; 1 when one grows or a call is lost."""
    began, seen = time.monotonic(), defaultdict[str, list[tuple[float, float]]](list)
    for _ in range(SAMPLES):
        time.sleep(hours * 3600 / SAMPLES)
        for program in world.programs.values():
            seen[program.name].append(_usage(program.group()))
    calls = ledger.placed_between(began, time.monotonic() - 30)
    lost = len(ledger.unknown(calls))
    failures = ledger.failures(began, time.monotonic(), "read", "webhook", "livez")
    growing = [name for name, samples in seen.items() if _report(name, samples)]
    print(
        f"{hours:g} h: {len(calls)} calls, {lost} lost, {ledger.doubled(calls)} doubled, "
        f"failed requests {dict(failures)}"
    )
    print(f"growing: {', '.join(growing) or 'nothing'}")
    return int(bool(growing or lost or failures))


def _usage(pids: list[int]) -> tuple[float, float]:
    """Proportional memory in MB and open files of a group of processes."""
    memory = files = 0.0
    for pid in pids:
        with suppress(OSError):  # it has ended
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            memory += int(rollup.partition("\nPss:")[2].split()[0]) / 1024
            files += len([*Path(f"/proc/{pid}/fd").iterdir()])
    return memory, files


def _report(name: str, samples: list[tuple[float, float]]) -> bool:
    """Whether it grew; prints the medians of the first and of the second half."""
    warm = samples[int(len(samples) * WARM_SHARE) :]
    halves = warm[: len(warm) // 2], warm[len(warm) // 2 :]
    (mb, files), (later_mb, later_files) = (
        tuple(statistics.median(column) for column in zip(*half, strict=True)) for half in halves
    )
    print(
        f"{name:<14} {mb:7.1f} MB -> {later_mb:7.1f} MB   {files:5.0f} files -> {later_files:5.0f}"
    )
    return bool(
        later_mb > mb * MAX_GROWTH + SLACK_MB or later_files > files * MAX_GROWTH + SLACK_FILES
    )
