"""One run of a drill: traffic, the fault, recovery, and figures to compare with the promise."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psycopg

from drills.faults import Drill
from drills.ledger import Ledger
from drills.profile import FullProfile
from drills.programs import wait_until
from drills.promises import Promise

SETTLE_S: Final = 2.0
GIVE_UP_S: Final = 120.0
CLEAN_S: Final = 2.0  # without a failed request: it works again
DRAIN_S: Final = 30.0
START_WITHIN_S: Final = 60.0
PULLED: Final = (
    "SELECT extract(epoch FROM last_ok_at) FROM workers_workerstatus WHERE name = 'webcom.calls'"
)
STORED: Final = "SELECT id FROM webcom_call WHERE id = ANY(%s)"


@dataclass
class Figures:
    """What one run counted, or several together (`recovery_s` has each run's)."""

    runs: int = 1
    problems: list[str] = field(default_factory=list)
    placed: int = 0
    stored: int = 0
    pushed: int = 0
    lost: int = 0
    missing: list[str] = field(default_factory=list)  # what is lost, and what is known of it
    doubled: int = 0
    resyncs: int = 0
    recovery_s: list[float] = field(default_factory=list)
    one_active_s: float = 0.0
    failed: Counter[str] = field(default_factory=Counter)  # reads
    repeated: Counter[str] = field(default_factory=Counter)  # webhooks
    unalive: Counter[str] = field(default_factory=Counter)  # probes of /livez
    lines: Counter[str] = field(default_factory=Counter)  # by process, the most of one run

    @property
    def median_s(self) -> float:
        return statistics.median(self.recovery_s)

    @property
    def noisiest(self) -> tuple[str, int]:
        return max(self.lines.items(), key=lambda item: item[1], default=("", 0))


def run(drill: Drill, world: FullProfile, ledger: Ledger) -> Figures:
    """Inflict the fault once and wait until all is well, at most GIVE_UP_S after it is over."""
    time.sleep(SETTLE_S)
    began, lines = time.monotonic(), {one.name: one.lines() for one in world.ours}
    problems: list[str] = []
    with _noted(problems):
        drill.inflict(world)
    over, over_at = time.monotonic(), time.time()
    recovered = _recovery(world, ledger, over, over_at)
    with _noted(problems):
        wait_until(world.all_go_round, within_s=START_WITHIN_S, what="every process")
    calls = ledger.placed_between(began - SETTLE_S, time.monotonic())
    missing, ends = _drained(world, ledger, calls)
    ended = time.monotonic()
    return Figures(
        problems=problems,
        placed=len(calls),
        stored=len(ends),
        pushed=ledger.pushed(calls),
        lost=len(missing),
        missing=_described(world, ledger, missing),
        doubled=ledger.doubled(calls),
        resyncs=ledger.resyncs(began, ended),
        recovery_s=[recovered - over],
        one_active_s=ledger.not_one_active(began, ended),
        failed=ledger.failures(began, ended, "read"),
        repeated=ledger.failures(began, ended, "webhook"),
        unalive=_late(ledger.failures(began, ended, "livez")),
        lines=Counter({one.name: one.lines() - lines.get(one.name, 0) for one in world.ours}),
    )


@contextmanager
def _noted(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as exc:
        problems.append(str(exc))


def _recovery(world: FullProfile, ledger: Ledger, over: float, over_at: float) -> float:
    """When all worked again: both kinds of calls arrive, reads succeed, the carrier is pulled."""
    seen: dict[str, float] = {}
    while time.monotonic() < over + GIVE_UP_S:
        time.sleep(0.2)
        now = time.monotonic()
        fresh = [call for call in ledger.placed_between(over, now) if not ledger.unknown([call])]
        checks = {
            "carrier": any(call not in ledger.webhooks for call in fresh),
            "webhook": any(call in ledger.webhooks for call in fresh),
            "pull": "pull" in seen or _pulled_at(world) > over_at,
        }
        seen |= {name: now for name, is_well in checks.items() if is_well and name not in seen}
        last_failure = ledger.last_failure(over, "read", "webhook")
        if len(seen) == len(checks) and now - last_failure > CLEAN_S:
            return max(*seen.values(), last_failure)
    return over + GIVE_UP_S


def _pulled_at(world: FullProfile) -> float:
    try:
        return float(next(iter(world.postgres.ask(PULLED)), 0))
    except psycopg.Error:
        return 0.0


def _drained(world: FullProfile, ledger: Ledger, calls: Sequence[str]) -> tuple[set[str], set[str]]:
    """What is not stored or unknown to some client DRAIN_S later, and what is stored to its end."""
    until = time.monotonic() + DRAIN_S
    while True:
        ends = set(world.postgres.ask(f"{STORED} AND ended_at IS NOT NULL", [*calls]))
        missing = {*calls} - ends | {*ledger.unknown(calls)}
        if not missing or time.monotonic() > until:
            return missing, ends
        time.sleep(0.2)


def _described(world: FullProfile, ledger: Ledger, missing: set[str]) -> list[str]:
    stored = set(world.postgres.ask(STORED, [*missing]))
    return [
        f"{call} of the {'webhook' if call in ledger.webhooks else 'carrier'}, "
        f"{'stored' if call in stored else 'not stored'}, messages "
        f"{[[revision for revision, _ in one.calls.get(call, [])] for one in ledger.clients]}"
        for call in sorted(missing)
    ]


def _late(probes: Counter[str]) -> Counter[str]:
    """Probes that got no answer in time; those of a process that is not there are refused."""
    return Counter({outcome: count for outcome, count in probes.items() if "Timeout" in outcome})


def together(runs: Sequence[Figures]) -> Figures:
    """Sums, and the worst of what cannot be summed."""
    total = Figures(runs=0)
    for one in runs:
        total.runs += one.runs
        for name in ("placed", "stored", "pushed", "lost", "doubled", "resyncs"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
        total.missing += one.missing
        total.problems += one.problems
        total.recovery_s += one.recovery_s
        total.one_active_s = max(total.one_active_s, one.one_active_s)
        for name in ("failed", "repeated", "unalive"):
            getattr(total, name).update(getattr(one, name))
        total.lines |= one.lines
    return total


def broken(figures: Figures, promise: Promise) -> list[str]:
    """What of the promise was not kept."""
    name, lines = figures.noisiest
    found = {
        f"{figures.lost} lost": figures.lost > 0,
        f"{figures.doubled} doubled": figures.doubled > 0,
        f"{figures.resyncs} resyncs": figures.resyncs > 0 and not promise.may_resync,
        f"reads {counted(figures.failed)}": bool(figures.failed.keys() - promise.reads),
        f"/livez {counted(figures.unalive)}": bool(figures.unalive),
        f"back after {max(figures.recovery_s):.0f} s": max(figures.recovery_s) > promise.within_s,
        f"not one active for {figures.one_active_s:.0f} s": promise.one_active_s is not None
        and figures.one_active_s > promise.one_active_s,
        f"{lines} lines of {name}": lines > promise.lines,
    }
    return figures.problems + [what for what, is_broken in found.items() if is_broken]


HEADINGS: Final = (
    "drill",
    "runs",
    "placed",
    "stored",
    "pushed",
    "lost",
    "doubled",
    "resyncs",
    "back s (worst)",
    "one active s",
    "reads failed",
    "webhooks repeated",
    "livez late",
    "lines",
    "verdict",
)


def cells(name: str, figures: Figures, verdict: Sequence[str]) -> list[str]:
    """A row of the table."""
    program, lines = figures.noisiest
    return [
        name,
        str(figures.runs),
        str(figures.placed),
        str(figures.stored),
        str(figures.pushed),
        str(figures.lost),
        str(figures.doubled),
        str(figures.resyncs),
        f"{figures.median_s:.1f} ({max(figures.recovery_s):.1f})",
        f"{figures.one_active_s:.1f}",
        counted(figures.failed),
        counted(figures.repeated),
        counted(figures.unalive),
        f"{lines} {program}".strip(),
        "; ".join(verdict) or "kept",
    ]


def counted(outcomes: Counter[str]) -> str:
    """Outcomes or names with their numbers, for people."""
    return " ".join(f"{outcome}x{count}" for outcome, count in sorted(outcomes.items())) or "0"
