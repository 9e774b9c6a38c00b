"""What is known of a switchboard while its callers are screened, and the database's side of it.

The screener's event loop changes a Desk and answers from it; a Keeper, in a thread of its own,
keeps the lists on it fresh and writes down what happened, as soon as there is a database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import Error as DatabaseAway
from django.db import connection, connections, transaction

from centralino.screening import PERMANENT, Screening
from centralino.services import lists, screened
from centralino.types import AriError, Reason, Verdict
from core.lib.backlog import Backlog
from core.lib.outage import Outage
from core.workers import services as workers

logger = logging.getLogger(__name__)

NAME: Final = "asterisk.ari"
CONTEXT: Final = "post-stasis"  # where callers who were let through go on
STASIS: Final = "Stasis"
SYNC_EVERY_S: Final = 0.25  # lists read, facts written
RULES_EVERY_S: Final = 2.0
BEAT_EVERY_S: Final = 10.0
OVERLAP: Final = timedelta(seconds=10)  # rows may be committed later than they were changed
READ_ALL_EVERY_S: Final = 600.0


@dataclass
class ScreeningState:
    """What is known of one server; the event loop changes it, the keeper reads it."""

    server: str
    screening: Screening = field(default_factory=Screening)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    passed: dict[str, tuple[str, str]] = field(default_factory=dict)  # id: number and line called
    blacklisted: int = 0  # numbers put on the list since the start
    connected: bool = False
    changes: int = 0

    def stasis_calls(self) -> int:
        """Channels that wait for a decision, or hear a sound."""
        return sum(map(in_stasis, list(self.channels.values())))


def in_stasis(channel: dict[str, Any]) -> bool:
    """Whether a channel is in an application's hands; one just let through still says Stasis."""
    dialplan = channel.get("dialplan") or {}
    return dialplan.get("app_name") == STASIS and dialplan.get("context") != CONTEXT


class StateStore:
    """The database's side of one server: fresh lists for the desk, facts for the tables."""

    def __init__(self, state: ScreeningState) -> None:
        self._state = state
        self._job = f"{NAME}.{state.server}"
        self._database = Outage(f"{self._job}.database")
        self._screened: Backlog[screened.Screened] = Backlog(f"{self._job}.screened")
        self._answered: Backlog[tuple[str, int]] = Backlog(f"{self._job}.answered")
        self._read_to: datetime | None = None
        self._stored = -1
        self._next_all = self._next_rules = self._next_beat = self._next_renewal = 0.0
        self._fell = False

    def write_screened(self, call: screened.Screened) -> None:
        """Store it soon; from any thread."""
        self._screened.add([call])

    def write_answered(self, number: str, hours: int) -> None:
        """List an answered caller soon; from any thread."""
        self._answered.add([(number, hours)])

    def passed(self, channel_ids: list[str]) -> dict[str, tuple[str, str]]:
        """Which of these channels an earlier monitor has let through, as `Desk.passed`."""
        found: dict[str, tuple[str, str]] = {}
        self._with_database(
            lambda: found.update(screened.passed_channels(self._state.server, channel_ids))
        )
        connections.close_all()  # of a thread that is not ours
        return found

    def running(self) -> _Running:
        """A context in which the keeper works in a thread of its own."""
        return _Running(self)

    def read_all(self) -> bool:
        """Read both lists and the rules anew; False while the database is away."""
        return self._with_database(self._read_everything)

    def work(self) -> None:
        """What is due now: write facts, read changes, say that all is well."""
        now = time.monotonic()
        if self._with_database(lambda: self._write_rows(now)):
            self._with_database(lambda: self._read_changes(now))
        if self._state.connected and now >= self._next_beat:
            self._next_beat = now + BEAT_EVERY_S
            self._with_database(lambda: workers.ran_ok(self._job))

    def close(self) -> None:
        """Write what still waits."""
        self._with_database(lambda: self._write_rows(time.monotonic()))

    def note_fall(self, error: AriError) -> float:
        """The seconds to wait before the next attempt."""
        delay_s = [workers.BACKOFF_FIRST_S]
        self._with_database(lambda: delay_s.append(workers.failed(self._job, error)))
        return delay_s[-1]

    def note_recovery(self) -> None:
        """It is connected; said by the keeper's own thread, as soon as it looks."""
        self._next_beat = 0.0

    def _read_everything(self) -> None:
        fresh = Screening()
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
        since = self._read_to and self._read_to - OVERLAP
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
            _store(calls, answered)
            self._screened.stored()
            self._answered.stored()
        if self._state.changes != self._stored or now >= self._next_renewal:
            changes = self._state.changes
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

    def _with_database(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except DatabaseAway as exc:
            self._database.began(exc)
            connection.close()
            return False
        self._database.over()
        return True


@transaction.atomic  # all or nothing: what fails is written again
def _store(calls: list[screened.Screened], answered: list[tuple[str, int]]) -> None:
    screened.store(calls)
    refusals = [c.decision.entry for c in calls if c.decision.verdict is Verdict.BLOCKED]
    lists.count_hits(Counter(filter(None, refusals)), datetime.now(UTC))
    for number, hours in answered:
        lists.blacklist_number(number, hours=hours, reason=Reason.ANSWERED)


def _with_channels(endpoint: dict[str, Any], channels: list[dict[str, Any]]) -> dict[str, Any]:
    """The endpoint with the channels that it has now: ARI tells them only when asked."""
    name = f"{endpoint.get('technology')}/{endpoint.get('resource')}-"
    own = [str(channel["id"]) for channel in channels if str(channel.get("name")).startswith(name)]
    return {**endpoint, "channel_ids": own}


class _Running:
    """The keeper's thread, from entering to leaving the block."""

    def __init__(self, state_store: StateStore) -> None:
        self._state_store = state_store
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ari:keeper", daemon=True)

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
        except Exception:
            logger.exception("%s.keeper_failing", NAME)
        finally:
            connections.close_all()
