"""The endless AMI listener: a thread per switchboard follows its events.

Of several replicas one listens to a server, the others stand by. What is published goes on while
the database is away; finished calls wait in memory and are stored when it is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from django.conf import settings
from django.db import Error as DatabaseAway
from django.db import connection

from centralino.channel_table import ChannelTable
from centralino.clients.build import build_ami
from centralino.clients.tunnel import SshLogin, Tunnel
from centralino.models import PbxServer
from centralino.services.calls import forget_other_states, kept_table, store_state
from centralino.services.servers import secret
from centralino.types import Ami, AmiAddress, AmiError, AmiMessage, Overflow, PbxCallRecord
from centralino.workers.per_server import run_per_server
from core.lib.backlog import Backlog
from core.lib.locks import only_one
from core.lib.outage import Outage
from core.realtime.events import Notice
from core.realtime.publish import publish
from core.workers import services as workers

logger = logging.getLogger(__name__)

NAME: Final = "asterisk.ami"
IDLE_S: Final = 0.25
STAND_BY_S: Final = 2.0
RETRY_WITHIN_S: Final = 10.0  # however long it was away: live again within 20 s
BEAT_EVERY_S: Final = 10.0
STORE_EVERY_S: Final = 0.25
STORE_SHARE: Final = 10  # at most a tenth of the time goes into storing
UNKNOWN_AFTER_S: Final = 15.0  # so long after a fall the channels last seen may still be there


def run_ami_monitor(stopping: threading.Event) -> None:
    """Listen to every enabled server until `stopping` is set."""
    run_per_server(
        NAME,
        lambda server, over: Listener(server, over).run(),
        stopping,
        forget_others=forget_other_states,
    )


@contextmanager
def connected(server: PbxServer) -> Iterator[Ami]:
    """A logged-in session with the server, through its tunnel if it has one. Raises AmiError."""
    connect = build_ami(settings.AMI_CLIENT)
    user, password = server.ami_user, secret(server.name, "AMI_SECRET")
    with ExitStack() as stack:
        host, port = server.host, server.ami_port
        if server.ssh_host:
            tunnel = Tunnel(
                SshLogin(
                    host=server.ssh_host,
                    port=server.ssh_port,
                    user=server.ssh_user,
                    key_file=secret(server.name, "SSH_KEY"),
                    password=secret(server.name, "SSH_PASSWORD"),
                    fingerprint=server.ssh_fingerprint,
                    known_hosts=settings.SSH_KNOWN_HOSTS,
                ),
                host=host,
                port=port,
                local_port=server.local_port,
            )
            stack.enter_context(tunnel)
            host, port = "127.0.0.1", tunnel.port
        ami = connect(AmiAddress(host, port, user, password))
        stack.callback(ami.close)
        yield ami


Connected = Callable[[PbxServer], Any]  # a context manager of an Ami


class Listener:
    """Follows one server through every outage of it, of the way to it, and of the database."""

    def __init__(
        self, server: PbxServer, stopping: threading.Event, *, connect: Connected = connected
    ) -> None:
        self._server, self._stopping, self._connect = server, stopping, connect
        self._job = f"{NAME}.{server.name}"
        self._database = Outage(f"{self._job}.database")
        self._lease = ExitStack()  # as long as it is held, no other process listens
        self._leased = False
        self._table: ChannelTable | None = None
        self._waiting: Backlog[PbxCallRecord] = Backlog(f"{self._job}.calls")
        self._fell_at: float | None = None  # monotonic; clients know that events are missing
        self._stored = (-1, 0)  # changes and count of the table as it was stored last
        self._next_store = self._next_renewal = self._next_beat = 0.0

    def run(self) -> None:
        """Listen until `stopping` is set."""
        try:
            while not self._stopping.is_set():
                if not self._hold_lease():
                    self._stopping.wait(STAND_BY_S)
                    continue
                try:
                    self._listen()
                except AmiError as exc:
                    self._note_fall(exc)
                except Exception as exc:  # ours to mend, but no reason to stop listening
                    logger.exception("%s.failing", self._job)
                    self._note_fall(AmiError(f"{type(exc).__name__} in the listener"))
        finally:
            self._release()

    def _hold_lease(self) -> bool:
        """Be the one listener of this server. While the database is away, whoever was goes on."""
        if self._leased:
            return True
        try:
            self._lease.close()
            mine = self._lease.enter_context(only_one(self._job))
            if mine and self._table is None:
                events = self._server.more_events.replace(",", " ").split()
                kept = kept_table(self._server.name)
                self._table = ChannelTable(self._server.name, more_events=events, kept=kept)
            self._database.over()
        except DatabaseAway as exc:
            self._note_database_unavailable(exc)
            return self._table is not None
        if not mine:
            self._table = None  # another process knows better from now on
        self._leased = mine
        return mine

    def _release(self) -> None:
        try:
            if self._table is not None:
                self._store(now=time.monotonic())
            self._lease.close()
        except DatabaseAway as exc:
            logger.warning("%s.not_released error=%s", self._job, exc)

    def _listen(self) -> None:
        """One connection, until it drops (AmiError) or `stopping` is set."""
        with self._connect(self._server) as ami:
            self._take_snapshot(ami)
            self._note_recovery()
            for batch in ami.events(idle_s=IDLE_S):
                if batch:
                    self._follow(ami, batch)
                self._look_after_state()
                if self._stopping.is_set() or not self._may_go_on():
                    return

    def _may_go_on(self) -> bool:
        return self._leased or self._hold_lease()

    def _take_snapshot(self, ami: Ami) -> None:
        channels = ami.listed("CoreShowChannels")
        self._channels.reconcile(channels, time.time())

    def _follow(self, ami: Ami, batch: list[AmiMessage | Overflow]) -> None:
        events = [message for message in batch if isinstance(message, AmiMessage)]
        outcome = self._channels.take(events, time.time())
        publish(outcome.events)
        self._waiting.add(outcome.finished)
        lost = sum(entry.lost for entry in batch if isinstance(entry, Overflow))
        if lost:
            logger.warning("%s.overflow lost=%d", self._job, lost)
            self._tell("overflow", f"{lost} events of {self._server.name} were missed", lost=lost)
            self._take_snapshot(ami)

    def _look_after_state(self) -> None:
        """Let go of ghosts, store what is due, and say that all is well."""
        self._waiting.add(self._channels.settle(time.time()))
        now = time.monotonic()
        if now >= self._next_store:
            self._store(now)
        if now >= self._next_beat and self._leased:
            self._next_beat = now + BEAT_EVERY_S
            self._with_database(lambda: workers.ran_ok(self._job))

    def _store(self, now: float) -> None:
        finished, count, name = self._waiting.first(), self._count(), self._server.name
        seen = (self._channels.changes, count)
        if seen == self._stored and not finished and now < self._next_renewal:
            self._next_store = now + STORE_EVERY_S
            return
        table = self._channels.table()
        if self._with_database(lambda: store_state(name, table, count, finished)):
            self._waiting.stored()
            self._stored = seen
            self._next_renewal = now + BEAT_EVERY_S
        took_s = time.monotonic() - now
        self._next_store = now + max(STORE_EVERY_S, took_s * STORE_SHARE)

    def _with_database(self, work: Callable[[], object]) -> bool:
        """Do it; False when the database is away, which also ended our lease."""
        try:
            work()
        except DatabaseAway as exc:
            self._note_database_unavailable(exc)
            return False
        return True

    def _note_database_unavailable(self, exc: Exception) -> None:
        self._next_store = time.monotonic() + STAND_BY_S
        self._database.began(exc)
        self._leased = False
        connection.close()

    def _note_fall(self, error: AmiError) -> None:
        if self._fell_at is None:
            self._fell_at = time.monotonic()
            self._tell("lost", f"The connection to {self._server.name} is lost: events are missing")
        delay_s = [workers.BACKOFF_FIRST_S]
        self._with_database(lambda: delay_s.append(workers.failed(self._job, error)))
        wake_at = time.monotonic() + min(delay_s[-1], RETRY_WITHIN_S)
        while time.monotonic() < wake_at and not self._stopping.wait(IDLE_S):
            if time.monotonic() >= self._next_store and self._hold_lease():
                self._store(time.monotonic())

    def _note_recovery(self) -> None:
        self._with_database(lambda: workers.ran_ok(self._job))
        self._next_beat = time.monotonic() + BEAT_EVERY_S
        if self._fell_at is not None:
            self._fell_at = None
            self._tell("recovered", f"{self._server.name} is connected again")

    def _count(self) -> int:
        """How many channels there are; none when it has been too long since we saw them."""
        blind = self._fell_at is not None and time.monotonic() - self._fell_at > UNKNOWN_AFTER_S
        return 0 if blind else len(self._channels)

    def _tell(self, what: str, message: str, **details: Any) -> None:
        """Tell the clients of the sockets about a gap, so that they read the state again."""
        source = {"source": "asterisk", "server": self._server.name, "status": what}
        publish([Notice(message, {**source, **details})])

    @property
    def _channels(self) -> ChannelTable:
        assert self._table is not None  # made with the lease
        return self._table
