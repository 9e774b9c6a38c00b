"""What was placed, accepted and pushed, and how requests ended; written by many threads."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Client:
    """What a socket client received: the (revision, time) of each message by call; its resyncs."""

    calls: defaultdict[str, list[tuple[int, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    ended: dict[str, float] = field(default_factory=dict)  # when it got a call's last state
    resyncs: list[float] = field(default_factory=list)

    def knows(self, call: str, placed_at: float) -> bool:
        """Whether it got the call's end, or had to read everything again afterwards."""
        return call in self.ended or any(at > placed_at for at in self.resyncs)


@dataclass(frozen=True)
class Request:
    """One request that ended: `outcome` is its status or the name of an exception."""

    ended_at: float
    kind: str  # read, webhook or livez
    outcome: str

    @property
    def is_ok(self) -> bool:
        return self.outcome == "200"


class Ledger:
    """All times are those of time.monotonic()."""

    def __init__(self, clients: int) -> None:
        self._lock = threading.Lock()
        self.placed: dict[str, float] = {}  # calls of the carrier, by id, and of accepted webhooks
        self.webhooks: set[str] = set()
        self.clients = [Client() for _ in range(clients)]
        self.requests: list[Request] = []
        self.active: defaultdict[str, list[tuple[float, int]]] = defaultdict(
            list
        )  # listeners, sampled

    def place(self, calls: Iterable[str], *, webhook: bool = False) -> None:
        now = time.monotonic()
        with self._lock:
            self.placed |= dict.fromkeys(calls, now)
            if webhook:
                self.webhooks.update(calls)

    def note(self, kind: str, outcome: str) -> None:
        with self._lock:
            self.requests.append(Request(time.monotonic(), kind, outcome))

    def placed_between(self, start: float, end: float) -> list[str]:
        with self._lock:
            return [call for call, at in self.placed.items() if start <= at <= end]

    def unknown(self, calls: Iterable[str]) -> list[str]:
        """Calls whose end some client neither got nor will read again."""
        return [
            call
            for call in calls
            if not all(one.knows(call, self.placed[call]) for one in self.clients)
        ]

    def pushed(self, calls: Iterable[str]) -> int:
        """Ends of these calls that clients received."""
        return sum(call in one.ended for call in calls for one in self.clients)

    def doubled(self, calls: Iterable[str]) -> int:
        """Messages that a client received again: the same call at the same revision."""
        again = 0
        for client in self.clients:
            for call in calls:
                revisions = Counter(revision for revision, _ in client.calls.get(call, ()))
                again += sum(count - 1 for count in revisions.values())
        return again

    def resyncs(self, start: float, end: float) -> int:
        return sum(start <= at <= end for one in self.clients for at in one.resyncs)

    def failures(self, start: float, end: float, *kinds: str) -> Counter[str]:
        """Requests of these kinds that ended between and failed, by outcome."""
        with self._lock:
            found = [one for one in self.requests if start <= one.ended_at <= end]
        return Counter(one.outcome for one in found if one.kind in kinds and not one.is_ok)

    def last_failure(self, start: float, *kinds: str) -> float:
        """When the last of them failed; `start` if none did."""
        with self._lock:
            found = [one.ended_at for one in self.requests if one.kind in kinds and not one.is_ok]
        return max((at for at in found if at > start), default=start)

    def not_one_active(self, start: float, end: float) -> float:
        """The longest time in seconds that not exactly one replica of some listener was active."""
        longest = 0.0
        for samples in self.active.values():
            since: float | None = None
            for at, count in [*samples, (end, 1)]:
                if not start <= at <= end:
                    continue
                if count != 1:
                    since = at if since is None else since
                elif since is not None:
                    longest, since = max(longest, at - since), None
        return longest
