"""The sandbox carrier's calls, in progress and of the last days, and their change feed.

Plays the plans of `sandbox.traffic`. Times are arguments, never read from a clock; not
thread-safe.
"""

from __future__ import annotations

import base64
import binascii
import heapq
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

from sandbox import ROME, traffic
from sandbox.traffic import HOUR_S, LineInfo, Plan, Step

HISTORY_DAYS: Final = 7  # whole days before today that exist at the start
KEEP_S: Final = 9 * 24 * HOUR_S  # changes older than this are dropped


class CursorGone(Exception):
    """The cursor is unknown, or points before the oldest stored change."""


class FeedPage(NamedTuple):
    """Calls of the feed by the contract, the cursor after them, and whether there are more."""

    calls: list[dict[str, Any]]
    cursor: str
    more: bool


@dataclass(slots=True)
class CarrierCall:
    """A call as it is now; `changed_ms` is its place in the feed."""

    call_id: str
    line: LineInfo
    caller: str
    called: str
    operator: str
    started_at: int
    state: str = ""
    cost: float = 0.0
    duration_s: int = 0
    ended_at: int | None = None
    revision: int = 0
    changed_ms: int = 0

    def apply(self, step: Step) -> None:
        """Change the call as the step says."""
        self.state, self.cost, self.duration_s = step.state, step.cost, step.duration_s
        if step.over and self.ended_at is None:
            self.ended_at = step.at_ms // 1000
        self.revision += 1
        self.changed_ms = step.at_ms

    def payload(self) -> dict[str, Any]:
        """The call as the contract spells it."""
        payload = {
            "id": self.call_id,
            "lineID": self.line.line_id,
            "lineNumber": self.line.number,
            "state": self.state,
            "direction": "Entering",
            "caller": self.caller,
            "called": self.called,
            "callerOperator": self.operator,
            "cost": self.cost,
            "duration": self.duration_s,
            "timestamp": self.started_at,
            "revision": self.revision,
        }
        return payload if self.ended_at is None else {**payload, "endedAt": self.ended_at}


class Ledger:
    """The carrier's calls and lines. `advance` moves time; the rest reads or places calls."""

    def __init__(
        self, *, now: float, seed: int = 1, per_day: float = traffic.CALLS_PER_DAY
    ) -> None:
        """Starts with the calls of today and of the seven days before, up to `now` (epoch s)."""
        self._seed, self._per_day = seed, per_day
        self._lines = {line.line_id: line for line in traffic.lines(seed)}
        self._calls: dict[str, CarrierCall] = {}
        self._active: dict[str, CarrierCall] = {}
        self._feed: list[
            tuple[int, str]
        ] = []  # (changed_ms, call id), sorted; what a later change replaced stays
        self._to_come: list[tuple[int, str, Step]] = []
        self._plans: dict[str, Plan] = {}  # calls that have not begun
        self._hand = Random(f"{seed}/{now}")  # ids of the calls placed by hand
        self._now_ms = self._placed_ms = 0
        self._next_hour = self._first_hour = _first_hour(now)
        deque(self._changes(now), maxlen=0)

    @property
    def next_change_at(self) -> float:
        """When the next change is due (epoch s); the next full hour when none is known."""
        return min(self._to_come[0][0] / 1000 if self._to_come else float("inf"), self._next_hour)

    def advance(self, now: float) -> list[dict[str, Any]]:
        """Apply what is due at `now` (epoch s); returns the changed calls, in order."""
        return [call.payload() for call in self._changes(now)]

    def lines(self) -> list[dict[str, Any]]:
        return [line.payload() for line in self._lines.values()]

    def active(self) -> list[dict[str, Any]]:
        """Calls in progress, newest first."""
        return [call.payload() for call in reversed(self._active.values())]

    def call(self, call_id: str) -> dict[str, Any] | None:
        call = self._calls.get(call_id)
        return call.payload() if call else None

    def rebates(self, month: str, now: float) -> dict[str, Any] | None:
        return traffic.rebates(month, now=now, seed=self._seed)

    def page(self, *, cursor: str = "", since: float = 0, limit: int) -> FeedPage:
        """The changes after `cursor`, without one from `since` (epoch s) on. Raises CursorGone."""
        start = (
            bisect_right(self._feed, self._place(cursor))
            if cursor
            else bisect_left(self._feed, (int(since * 1000), ""))
        )
        calls: list[dict[str, Any]] = []
        last = None
        for position in range(start, len(self._feed)):
            changed_ms, call_id = self._feed[position]
            call = self._calls[call_id]
            if call.changed_ms != changed_ms:
                continue  # it changed again and comes later
            if len(calls) == limit:
                return FeedPage(calls, _cursor(last or (0, "")), True)
            calls.append(call.payload())
            last = (changed_ms, call_id)
        return FeedPage(
            calls, _cursor(last) if last else cursor or _cursor((self._now_ms, "")), False
        )

    def place_call(
        self, *, now: float, line_id: str, caller: str, operator: str, ring_s: float, talk_s: int
    ) -> Plan:
        """Place a call: it rings for `ring_s` from now, lasts `talk_s`. KeyError: no such line."""
        line = self._lines[line_id]
        # Later than every cursor that was returned, and played by the next `advance` even if the
        # clock stands still.
        self._placed_ms = at_ms = max(int(now * 1000), self._now_ms + 1)
        steps = (
            Step(at_ms, "Ringing", 0.0),
            *traffic.answered_steps(line, at_ms + int(ring_s * 1000), talk_s),
        )
        plan = Plan(
            f"{at_ms // 1000:08x}{self._hand.getrandbits(64):016x}", line, caller, operator, steps
        )
        self._plan([plan])
        return plan

    def rename_line(self, line_id: str, name: str | None) -> dict[str, Any]:
        """Give a line a name and return the line. KeyError: no such line."""
        self._lines[line_id] = replace(self._lines[line_id], name=name)
        return self._lines[line_id].payload()

    def _plan(self, plans: list[Plan]) -> None:
        for plan in plans:
            self._plans[plan.call_id] = plan
            for step in plan.steps:
                heapq.heappush(self._to_come, (step.at_ms, plan.call_id, step))

    def _changes(self, now: float) -> Iterator[CarrierCall]:
        """Play up to `now`, hour by hour; yields a call whenever it changed, as it then is."""
        known_until = self._next_hour
        while self._next_hour <= now:
            yield from self._play(self._next_hour * 1000)
            self._plan(
                traffic.planned_calls(self._next_hour, seed=self._seed, per_day=self._per_day)
            )
            self._next_hour += HOUR_S
        if self._next_hour > known_until:  # once: it scans everything that is stored
            self._forget(self._next_hour - HOUR_S - KEEP_S)
        yield from self._play(max(int(now * 1000), self._placed_ms))

    def _play(self, until_ms: int) -> Iterator[CarrierCall]:
        while self._to_come and self._to_come[0][0] <= until_ms:
            _, call_id, step = heapq.heappop(self._to_come)
            yield self._apply(call_id, step)
        self._now_ms = max(self._now_ms, until_ms)

    def _apply(self, call_id: str, step: Step) -> CarrierCall:
        call = self._calls.get(call_id)
        if call is None:
            call = self._calls[call_id] = _begun(self._plans.pop(call_id))
        call.apply(step)
        self._feed.append((step.at_ms, call_id))
        if call.ended_at is None:
            self._active[call_id] = call
        else:
            self._active.pop(call_id, None)
        return call

    def _forget(self, before: float) -> None:
        """Drop what changed last before `before`, and the places of replaced changes."""
        before_ms = int(before * 1000)
        feed = []
        for changed_ms, call_id in self._feed:
            if self._calls[call_id].changed_ms != changed_ms:
                continue
            if changed_ms < before_ms and call_id not in self._active:
                del self._calls[call_id]
            else:
                feed.append((changed_ms, call_id))
        self._feed = feed
        self._first_hour = max(self._first_hour, int(before))

    def _place(self, cursor: str) -> tuple[int, str]:
        try:
            changed_ms, _, call_id = (
                base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
            )
            place = int(changed_ms), call_id
        except (binascii.Error, UnicodeError, ValueError):
            raise CursorGone from None
        if place[0] < self._first_hour * 1000:
            raise CursorGone
        return place


def _begun(plan: Plan) -> CarrierCall:
    return CarrierCall(
        plan.call_id,
        plan.line,
        plan.caller,
        plan.line.number,
        plan.operator,
        plan.steps[0].at_ms // 1000,
    )


def _first_hour(now: float) -> int:
    """The start (epoch s) of Rome's day seven days before today's."""
    today = datetime.fromtimestamp(now, ROME).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days=HISTORY_DAYS)).timestamp())


def _cursor(place: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}:{place[1]}".encode()).decode()
