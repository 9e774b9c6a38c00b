"""The state of a PBX server while its callers are screened, and its side of the database.

The screener's event loop changes a ScreeningState and decides from it; a StateStore, in a thread of
its own, refreshes the lists in it and stores results, whenever the database is available.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connections

from centralino.hidden_callers import HiddenCallers
from centralino.screening import PERMANENT, Screening, line_of
from centralino.services import lists, screened
from centralino.types import MAX_REPEATED_S, Reason, Verdict
from core.lib.backlog import Backlog
from core.lib.upstream import UpstreamError
from core.workers import services as workers
from core.workers.leader import Leadership
from core.workers.leases import LeaseLost

logger = logging.getLogger(__name__)

NAME: Final = "asterisk.ari"
CONTEXT: Final = "post-stasis"  # where callers who were let through continue
STASIS: Final = "Stasis"
SYNC_EVERY_S: Final = 0.25  # lists read, results written
RULES_EVERY_S: Final = 2.0
BEAT_EVERY_S: Final = 10.0
OVERLAP: Final = timedelta(seconds=10)  # rows may be committed later than they were changed
READ_ALL_EVERY_S: Final = 600.0


@dataclass
class ScreeningState:
    """The state of one server; the event loop changes it, the StateStore's thread reads it."""

    server: str
    screening: Screening = field(default_factory=Screening)
    hidden: HiddenCallers = field(default_factory=HiddenCallers)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    passed: dict[str, tuple[str, str]] = field(default_factory=dict)  # id: number and line called
    blacklisted: int = 0  # numbers listed since the start
    connected: bool = False
    changes: int = 0

    def stasis_calls(self) -> int:
        """The number of channels that wait for a decision, or hear a sound."""
        return sum(map(in_stasis, list(self.channels.values())))


def in_stasis(channel: dict[str, Any]) -> bool:
    """Whether a channel is held by an application; one just let through still says Stasis."""
    dialplan = channel.get("dialplan") or {}
    return dialplan.get("app_name") == STASIS and dialplan.get("context") != CONTEXT


class StateStore:
    """The database's side of one server: lists are refreshed, results are stored."""

    def __init__(self, state: ScreeningState, leadership: Leadership) -> None:
        self._state, self._leadership = state, leadership
        self._job, self.database = leadership.name, leadership.database
        self._screened: Backlog[screened.Screened] = Backlog(f"{self._job}.screened")
        self._answered: Backlog[tuple[str, int]] = Backlog(f"{self._job}.answered")
        self._read_to: datetime | None = None
        self._stored = -1
        self._next_all = self._next_rules = self._next_beat = self._next_renewal = 0.0

    def write_screened(self, call: screened.Screened) -> None:
        """Store it soon; from any thread."""
        self._screened.add([call])

    def write_answered(self, number: str, hours: int) -> None:
        """List an answered caller soon; from any thread."""
        self._answered.add([(number, hours)])

    def passed(self, channel_ids: list[str]) -> dict[str, tuple[str, str]]:
        """Which of these channels were let through before, as `ScreeningState.passed`."""
        found: dict[str, tuple[str, str]] = {}
        self.database.run(
            lambda: found.update(screened.passed_channels(self._state.server, channel_ids))
        )
        connections.close_all()  # of a thread of asyncio
        return found

    def running(self) -> _Running:
        """A context in which `work` runs again and again in a thread of its own."""
        return _Running(self)

    def read_all(self) -> bool:
        """Read both lists and the rules anew; False while the database is unavailable."""
        return self.database.run(self._read_recent) and self.database.run(self._read_everything)

    def work(self) -> None:
        """Do what is due now: write results, read changes, report health."""
        now = time.monotonic()
        self.database.run(lambda: self._exchange(now))
        if self._state.connected and now >= self._next_beat:
            self._next_beat = now + BEAT_EVERY_S
            self.database.run(lambda: workers.ran_ok(self._job))

    def close(self) -> None:
        """Write what is still waiting."""
        self.database.run(lambda: self._write_rows(time.monotonic()))

    def note_drop(self, error: UpstreamError) -> float:
        """Report a lost connection; returns the seconds to wait before the next attempt."""
        delay_s = [workers.BACKOFF_FIRST_S]
        self.database.run(lambda: delay_s.append(workers.failed(self._job, error)))
        return delay_s[-1]

    def note_recovery(self) -> None:
        """Let the next `work` report that it is connected."""
        self._next_beat = 0.0

    def _exchange(self, now: float) -> None:
        """One piece of work: with nothing to write, only the read shows that the database works."""
        self._write_rows(now)
        self._read_changes(now)

    def _read_recent(self) -> None:
        """Who was let through before this process began."""
        since = datetime.now(UTC) - timedelta(seconds=MAX_REPEATED_S)
        for called, number, at, channel_id in screened.let_through(self._state.server, since):
            self._state.screening.recent.note(line_of(called), number, at, channel_id)

    def _read_everything(self) -> None:
        fresh = Screening()
        fresh.recent = self._state.screening.recent
        self._read_to = None
        self._apply(fresh, lists.changed_since(None))
        fresh.set_rules(screened.rules())
        self._state.screening = fresh
        self._next_all = time.monotonic() + READ_ALL_EVERY_S
        self._next_rules = time.monotonic() + RULES_EVERY_S

    def _read_changes(self, now: float) -> None:
        if now >= self._next_all:
            self._read_everything()
            return
        # What was changed while a clock was ahead must not hide what is changed until then.
        since = self._read_to and min(self._read_to, datetime.now(UTC)) - OVERLAP
        self._apply(self._state.screening, lists.changed_since(since))
        if now >= self._next_rules:
            self._next_rules = now + RULES_EVERY_S
            self._state.screening.set_rules(screened.rules())

    def _apply(self, screening: Screening, entries: Any) -> None:
        for number, allowed, expires_at, changed_at in entries:
            numbers = screening.allowed if allowed else screening.blocked
            numbers.put(number, int(expires_at.timestamp()) if expires_at else PERMANENT)
            self._read_to = max(self._read_to or changed_at, changed_at)

    def _write_rows(self, now: float) -> None:
        calls, answered = self._screened.first(), self._answered.first()
        if calls or answered:
            with self._leadership.transaction():  # all or nothing: a failed batch is written again
                _store(calls, answered)
            self._screened.stored()
            self._answered.stored()
        if self._state.changes != self._stored or now >= self._next_renewal:
            changes = self._state.changes
            with self._leadership.transaction():
                screened.store_state(self._state.server, self._document())
            self._stored = changes
            self._next_renewal = now + BEAT_EVERY_S

    def _document(self) -> dict[str, Any]:
        state = self._state
        channels = list(state.channels.values())
        return {
            "channels": channels,
            "endpoints": [_with_channels(endpoint, channels) for endpoint in state.endpoints],
            "status": {
                "websocket": "connected" if state.connected else "disconnected",
                "stasis_calls": state.stasis_calls(),
                "blacklisted_this_session": state.blacklisted,
            },
        }


def _store(calls: list[screened.Screened], answered: list[tuple[str, int]]) -> None:
    screened.store(calls)
    blocked = [c.decision.entry for c in calls if c.decision.verdict is Verdict.BLOCKED]
    lists.count_hits(Counter(filter(None, blocked)), datetime.now(UTC))
    for number, hours in answered:
        lists.blacklist_number(number, hours=hours, reason=Reason.ANSWERED)


def _with_channels(endpoint: dict[str, Any], channels: list[dict[str, Any]]) -> dict[str, Any]:
    """The endpoint with its current channels: ARI sends them only on request."""
    name = f"{endpoint.get('technology')}/{endpoint.get('resource')}-"
    own = [str(channel["id"]) for channel in channels if str(channel.get("name")).startswith(name)]
    return {**endpoint, "channel_ids": own}


class _Running:
    """The thread of a StateStore, from entering to leaving the block."""

    def __init__(self, state_store: StateStore) -> None:
        self._state_store = state_store
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ari:store", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(2)

    def _run(self) -> None:
        try:
            while not self._over.wait(SYNC_EVERY_S):
                self._state_store.work()
            self._state_store.work()
        except LeaseLost:
            return  # which the event loop notices, too
        except Exception:
            logger.exception("%s.store_failing", NAME)
        finally:
            connections.close_all()
