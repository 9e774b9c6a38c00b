"""One run of a drill: traffic, the fault, recovery, and figures to compare with the promise."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg

from drills.faults import Drill
from drills.ledger import Ledger
from drills.profile import FullProfile
from drills.promises import Promise

SETTLE_S: Final = 2.0
GIVE_UP_S: Final = 120.0
CLEAN_S: Final = 2.0  # without a failed request: it works again
DRAIN_S: Final = 30.0
PULLED: Final = (
    "SELECT extract(epoch FROM last_ok_at) FROM workers_workerstatus WHERE name = 'webcom.calls'"
)


@dataclass
class Figures:
    """What one run counted, or several together (`recovery_s` has each run's)."""

    runs: int = 1
    placed: int = 0
    stored: int = 0
    pushed: int = 0
    lost: int = 0
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
    drill.inflict(world)
    over, over_at = time.monotonic(), time.time()
    recovered = _recovery(world, ledger, over, over_at)
    ended = time.monotonic()
    calls = ledger.placed_between(began - SETTLE_S, ended)
    lost = _drained(world, ledger, calls)
    stored = _stored(world, calls)
    return Figures(
        placed=len(calls), stored=stored, pushed=ledger.pushed(calls), lost=max(lost, len(calls) - stored),
        doubled=ledger.doubled(calls), resyncs=ledger.resyncs(began, ended), recovery_s=[recovered - over],
        one_active_s=ledger.not_one_active(began, ended), failed=ledger.failures(began, ended, "read"),
        repeated=ledger.failures(began, ended, "webhook"), unalive=_late(ledger.failures(began, ended, "livez")),
        lines=Counter({one.name: one.lines() - lines.get(one.name, 0) for one in world.ours}),
    )  # fmt: skip


def _recovery(world: FullProfile, ledger: Ledger, over: float, over_at: float) -> float:
    """When everything worked again: both kinds of calls arrive, reads succeed, the carrier is pulled."""
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


def _drained(world: FullProfile, ledger: Ledger, calls: Sequence[str]) -> int:
    """How many calls some client does not know DRAIN_S later."""
    until = time.monotonic() + DRAIN_S
    while (unknown := ledger.unknown(calls)) and time.monotonic() < until:
        time.sleep(0.2)
    return len(unknown)


def _stored(world: FullProfile, calls: Sequence[str]) -> int:
    """How many of the calls the database has, with their end."""
    [count] = world.postgres.ask(
        "SELECT count(*) FROM webcom_call WHERE id = ANY(%s) AND ended_at IS NOT NULL", [*calls]
    )
    return int(count)


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
    return [what for what, is_broken in found.items() if is_broken]


HEADINGS: Final = (
    "drill", "runs", "placed", "stored", "pushed", "lost", "doubled", "resyncs", "back s (worst)",
    "one active s", "reads failed", "webhooks repeated", "livez late", "lines", "verdict",
)  # fmt: skip


def cells(name: str, figures: Figures, verdict: Sequence[str]) -> list[str]:
    """A row of the table."""
    program, lines = figures.noisiest
    return [
        name, str(figures.runs), str(figures.placed), str(figures.stored), str(figures.pushed), str(figures.lost),
        str(figures.doubled), str(figures.resyncs), f"{figures.median_s:.1f} ({max(figures.recovery_s):.1f})",
        f"{figures.one_active_s:.1f}", counted(figures.failed), counted(figures.repeated), counted(figures.unalive),
        f"{lines} {program}".strip(), "; ".join(verdict) or "kept",
    ]  # fmt: skip


def counted(outcomes: Counter[str]) -> str:
    """Outcomes or names with their numbers, for people."""
    return " ".join(f"{outcome}x{count}" for outcome, count in sorted(outcomes.items())) or "0"
