"""Believable phone traffic, as a pure function of seed and time: no clock, no state, no network.

Traffic is planned hour by hour, so that a sandbox started twice invents the same calls with the
same ids: a gateway that connects again finds the calls it knows. Numbers are invented: mobile ones
have nine digits, as the reference shows them, which operators no longer assign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import Any, Final

from sandbox import ROME

HOUR_S: Final = 3600
CALLS_PER_DAY: Final = 5_000
LINE_COUNT: Final = 59
REGULAR_CALLERS: Final = 2_000

# How busy each hour of the day is in Rome: quiet nights, a working day, a long evening.
HOUR_WEIGHTS: Final = (
    0.55, 0.35, 0.25, 0.22, 0.20, 0.20, 0.25, 0.40, 0.70, 0.95, 1.10, 1.15,
    1.00, 0.85, 0.90, 1.00, 1.10, 1.20, 1.30, 1.55, 1.85, 2.00, 1.70, 1.05,
)  # fmt: skip
WEEKDAY_WEIGHTS: Final = (1.0, 0.98, 1.0, 1.02, 1.08, 1.1, 0.92)  # Monday first
BURST_HOURS: Final = range(9, 24)  # when the number may be shown on television
BURST_CHANCE: Final = 0.12  # an hour

OPERATORS: Final = {
    "TIM": 0.27, "WIND": 0.24, "VODAFONE": 0.20, "ILIAD": 0.12, "FASTWEB": 0.08, "TIMG": 0.06,
    "POSTE": 0.03,
}  # fmt: skip
PREFIXES: Final = {
    "TIM": ("331", "333", "334", "335", "338", "339", "366", "368"),
    "WIND": ("320", "327", "328", "329", "380", "388", "389"),
    "VODAFONE": ("340", "342", "345", "346", "347", "348", "349"),
    "ILIAD": ("351", "352"),
    "FASTWEB": ("373", "375"),
    "TIMG": ("02555", "06555", "011555", "055555", "081555"),
    "POSTE": ("371", "377"),
}
WITHHELD_SHARE: Final = 0.12
OUTCOMES: Final = {
    "Ok": 0.78,
    "NoAnswer": 0.09,
    "Cancelled": 0.06,
    "Busy": 0.04,
    "Rejected": 0.02,
    "Failed": 0.01,
}
CORRECTED_SHARE: Final = 0.03
# Euro: on answer, per minute.
TARIFFS: Final = ((0.12, 0.80), (0.15, 0.98), (0.15, 1.22), (0.30, 1.80))


@dataclass(frozen=True, slots=True)
class LineInfo:
    """One line of the customer; `answer_eur` and `minute_eur` are 0 where the call is free."""

    line_id: str
    number: str
    line_type: str  # "Vas" or "Green"
    answer_eur: float = 0.0
    minute_eur: float = 0.0
    name: str | None = None

    def cost_eur(self, talk_s: int) -> float:
        """What `talk_s` seconds of talk cost the caller."""
        return round(self.answer_eur + self.minute_eur * talk_s / 60, 4)

    def payload(self) -> dict[str, Any]:
        """The line as the contract spells it."""
        return {
            "lineId": self.line_id,
            "number": self.number,
            "lineType": self.line_type,
            "group": self.line_type,
            "relations": ["Read", "Write", "Owner"],
            "name": self.name,
        }


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a call at `at_ms` (epoch milliseconds)."""

    at_ms: int
    state: str
    cost: float
    duration_s: int = 0
    over: bool = False  # the call ends here


@dataclass(frozen=True, slots=True)
class Plan:
    """A call and all that will happen to it, oldest first; `caller` is empty when withheld."""

    call_id: str
    line: LineInfo
    caller: str
    operator: str
    steps: tuple[Step, ...]


@lru_cache(maxsize=4)
def lines(seed: int) -> tuple[LineInfo, ...]:
    """The customer's lines, the three that the API reference names among them."""
    known = (
        LineInfo("Sickprod90TLW", "899748963", "Vas", *TARIFFS[1]),
        LineInfo("Sickprod28GN", "800026028", "Green"),
        LineInfo("Sickprod80FW", "899200480", "Vas", *TARIFFS[2]),
    )
    rng = Random(f"{seed}/lines")
    found = {line.line_id: line for line in known}
    while len(found) < LINE_COUNT:
        line = _line(rng, len(found))
        found.setdefault(line.line_id, line)
    return tuple(found.values())


def _line(rng: Random, position: int) -> LineInfo:
    name = f"Sickprod{rng.randrange(10, 100)}"
    number = f"{rng.randrange(100, 1000)}{position:03}"
    if rng.random() < 0.6:
        return LineInfo(
            name + rng.choice(("TLW", "FW", "TW", "VW")),
            f"899{number}",
            "Vas",
            *rng.choice(TARIFFS),
        )
    return LineInfo(name + rng.choice(("GN", "GW")), f"800{number}", "Green")


def expected_calls(hour_at: int, per_day: float = CALLS_PER_DAY) -> float:
    """Calls to expect in the hour from `hour_at` (epoch s), bursts aside; follows Rome's clock."""
    local = datetime.fromtimestamp(hour_at, ROME)
    return per_day * HOUR_WEIGHTS[local.hour] / sum(HOUR_WEIGHTS) * WEEKDAY_WEIGHTS[local.weekday()]


def planned_calls(hour_at: int, *, seed: int, per_day: float = CALLS_PER_DAY) -> list[Plan]:
    """The calls that start in the hour from `hour_at` (epoch s, a full hour), oldest first."""
    rng = Random(f"{seed}/{hour_at}/{per_day}")
    starts = _steady_starts(rng, expected_calls(hour_at, per_day))
    if datetime.fromtimestamp(hour_at, ROME).hour in BURST_HOURS and rng.random() < BURST_CHANCE:
        starts += _burst_starts(rng, expected_calls(hour_at, per_day))
    return [_plan(rng, seed, hour_at * 1000 + int(start * 1000)) for start in sorted(starts)]


def _steady_starts(rng: Random, expected: float) -> list[float]:
    starts, at = [], rng.expovariate(expected / HOUR_S)
    while at < HOUR_S:
        starts.append(at)
        at += rng.expovariate(expected / HOUR_S)
    return starts


def _burst_starts(rng: Random, expected: float) -> list[float]:
    """A tenth to a fifth of an hour's calls on top, within some four minutes."""
    first = rng.uniform(0, HOUR_S - 300)
    count = math.ceil(expected * rng.uniform(0.1, 0.2))
    return [min(first + rng.expovariate(1 / 80), HOUR_S - 1) for _ in range(count)]


def _plan(rng: Random, seed: int, at_ms: int) -> Plan:
    line = _busy_line(rng, lines(seed))
    caller, operator = _caller(rng, seed)
    call_id = f"{at_ms // 1000:08x}{rng.getrandbits(64):016x}"
    return Plan(call_id, line, caller, operator, _steps(rng, line, at_ms))


def _busy_line(rng: Random, choice: tuple[LineInfo, ...]) -> LineInfo:
    """A few lines get most of the calls."""
    if rng.random() < 0.3:
        return rng.choice(choice)
    return choice[min(int(rng.paretovariate(0.6)) - 1, len(choice) - 1)]


def _caller(rng: Random, seed: int) -> tuple[str, str]:
    """A number and its operator; regulars call again and again, some numbers are withheld."""
    if rng.random() < 0.4:
        number, operator = _regular_caller(seed, int(REGULAR_CALLERS * rng.random() ** 2))
    else:
        number, operator = _number(rng)
    return ("" if rng.random() < WITHHELD_SHARE else number), operator


@lru_cache(maxsize=REGULAR_CALLERS)
def _regular_caller(seed: int, position: int) -> tuple[str, str]:
    return _number(Random(f"{seed}/caller/{position}"))


def _number(rng: Random) -> tuple[str, str]:
    operator = weighted(rng, OPERATORS)
    number = rng.choice(PREFIXES[operator])
    return number + f"{rng.randrange(10**6):06}"[len(number) - 3 :], operator


def _steps(rng: Random, line: LineInfo, at_ms: int) -> tuple[Step, ...]:
    ringing = Step(at_ms, "Ringing", 0.0)
    outcome = weighted(rng, OUTCOMES)
    if outcome == "Ok":
        talk_s = max(2, min(int(rng.lognormvariate(math.log(75), 1.0)), 3600))
        ring_ms = int(rng.uniform(2_000, 14_000))
        good = answered_steps(line, at_ms + ring_ms, talk_s)
        return (ringing, *good, *_correction(rng, line, good[-1]))
    ring_s = {"NoAnswer": (25, 60), "Cancelled": (3, 20)}.get(outcome, (1, 4))
    return ringing, Step(at_ms + int(rng.uniform(*ring_s) * 1000), outcome, 0.0, over=True)


def answered_steps(line: LineInfo, at_ms: int, talk_s: int) -> tuple[Step, ...]:
    """From the answer at `at_ms` to a good end after `talk_s` seconds."""
    return (
        Step(at_ms, "Pending", line.answer_eur),
        Step(at_ms + talk_s * 1000, "Ok", line.cost_eur(talk_s), talk_s, over=True),
    )


def _correction(rng: Random, line: LineInfo, end: Step) -> tuple[Step, ...]:
    """Some calls are rated again minutes or hours after their end."""
    if rng.random() >= CORRECTED_SHARE:
        return ()
    billed_s = max(1, end.duration_s + rng.randrange(-3, 4))
    at_ms = end.at_ms + int(rng.uniform(120, 7_200) * 1000)
    return (Step(at_ms, "Ok", line.cost_eur(billed_s), billed_s, over=True),)


def weighted(rng: Random, weights: dict[str, float]) -> str:
    """One of the names, chosen by weight."""
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def rebates(month: str, *, now: float, seed: int) -> dict[str, Any] | None:
    """The operators' rebates for `month` (YYYY-MM), as the contract spells them.

    Grows by the hour. As known at `now` (epoch s); None for a month that has not begun.
    """
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=ROME)
    next_first = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    start, end = int(first.timestamp()), int(next_first.timestamp())
    if now < start:
        return None
    updated_at = min(int(now) // HOUR_S * HOUR_S, end)
    share = (updated_at - start) / (end - start)
    kinds = ((line_type, operator) for line_type in ("Vas", "Green") for operator in OPERATORS)
    rows = [_rebate(f"{seed}/{month}", line_type, operator, share) for line_type, operator in kinds]
    return {
        "month": month,
        "updatedAt": updated_at,
        "rebates": [row for row in rows if row["counter"]],
    }


def _rebate(key: str, line_type: str, operator: str, share: float) -> dict[str, Any]:
    rng = Random(f"{key}/{line_type}/{operator}")
    month_calls, low_eur, high_eur = (
        (15_000, 1.6, 2.4) if line_type == "Vas" else (750, -0.02, -0.005)
    )
    counter = int(month_calls * OPERATORS[operator] * rng.uniform(0.8, 1.2) * share)
    cost = round(counter * rng.uniform(low_eur, high_eur), 2)
    return {"type": line_type, "operator": operator, "cost": cost, "counter": counter}
