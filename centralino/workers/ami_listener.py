"""The endless AMI listener: a thread per PBX server follows its events.

Of several replicas one listens to a server, the others stand by. While the database is unavailable
events are still published; finished calls wait in memory and are stored when it has recovered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from django.conf import settings

from centralino.channel_table import ChannelTable
from centralino.clients.build import build_ami
from centralino.clients.tunnel import SshLogin, Tunnel
from centralino.event_fields import known
from centralino.events import PbxCallChanged
from centralino.hidden_callers import HiddenCallers, of_message
from centralino.models import PbxServer
from centralino.services.calls import (
    forget_other_states,
    store_state,
    stored_dropped,
    stored_table,
)
from centralino.services.servers import secret
from centralino.types import Ami, AmiAddress, AmiMessage, Overflow, PbxCallRecord
from centralino.workers.per_server import run_per_server
from core.lib.backlog import Backlog
from core.lib.upstream import UpstreamError
from core.realtime.events import Notice
from core.realtime.publish import publish
from core.workers import services as workers
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership, run_as_leader
from core.workers.leases import LeaseLost

logger = logging.getLogger(__name__)

NAME: Final = "asterisk.ami"
IDLE_S: Final = 0.25
CONNECT_S: Final = 40.0  # a tunnel, a login and a snapshot may take as long
SNAPSHOT_S: Final = 15.0
STORE_AGAIN_S: Final = 2.0  # while the database is unavailable
RETRY_WITHIN_S: Final = 10.0  # after any outage, however long: live again within 20 s
BEAT_EVERY_S: Final = 10.0
STORE_EVERY_S: Final = 0.25
STORE_SHARE: Final = 10  # storing uses at most a tenth of the time
CHECK_EVERY_S: Final = 10.0  # the channels, while callers forge messages
UNKNOWN_AFTER_S: Final = 15.0  # after a drop; until then the last known channels count


def run_ami_monitor(stopping: threading.Event) -> None:
    """Listen to every enabled server until `stopping` is set."""
    run_per_server(
        NAME,
        lambda server, leaving: Listener(server, leaving).run(),
        stopping,
        forget_others=forget_other_states,
    )


@contextmanager
def connected(server: PbxServer) -> Iterator[Ami]:
    """A logged-in session with the server, through its tunnel if there is one. UpstreamError."""
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
    """Follows one server through every outage of it, of the connection, and of the database."""

    def __init__(
        self, server: PbxServer, stopping: threading.Event, *, connect: Connected = connected
    ) -> None:
        self._server, self._stopping, self._connect = server, stopping, connect
        self._job = f"{NAME}.{server.name}"
        self._database = DatabaseGuard(self._job)
        self._leadership = Leadership(self._job, self._database, outlives_database=True)
        self._channels = ChannelTable(server.name)
        self._hidden = HiddenCallers()
        self._waiting: Backlog[PbxCallRecord] = Backlog(f"{self._job}.calls")
        self._dropped_at: float | None = None  # monotonic; clients were notified of the gap
        self._is_new = True  # another may have been killed with what it had not published
        self._stored = (-1, 0, 0)  # the changes, count and dropped messages stored last
        self._dropped = self._dropped_before = 0  # messages so far; and before this connection
        self._checked = 0  # of the former, when the channels were checked last
        self._next_store = self._next_renewal = self._next_beat = self._next_check = 0.0

    def run(self) -> None:
        """Listen until `stopping` is set; of several replicas one does."""
        run_as_leader(self._leadership, self._lead, self._stopping)

    def _lead(self) -> None:
        """Listen, through every drop, until `stopping` is set or another process leads."""
        events = self._server.more_events.replace(",", " ").split()
        restored = stored_table(self._server.name)
        self._channels = ChannelTable(self._server.name, more_events=events, restored=restored)
        self._dropped = self._checked = stored_dropped(self._server.name)
        self._is_new = True
        while not self._stopping.is_set() and self._leadership.check(round_s=CONNECT_S):
            try:
                self._listen()
            except UpstreamError as exc:
                self._note_drop(exc)
            except LeaseLost:
                raise
            except Exception as exc:  # a bug of ours is no reason to stop listening
                logger.exception("%s.failing", self._job)
                self._note_drop(UpstreamError(f"{type(exc).__name__} in the listener"))
        if self._leadership.leads:
            self._store(time.monotonic())

    def _listen(self) -> None:
        """One connection until `stopping` is set, it drops (UpstreamError) or another leads."""
        with self._connect(self._server) as ami:
            self._dropped_before = self._dropped
            self._read_snapshot(ami)
            self._note_recovery()
            for batch in ami.events(idle_s=IDLE_S):
                # First: one that was frozen must not publish what another has published since.
                if self._stopping.is_set() or not self._leadership.check(round_s=SNAPSHOT_S):
                    return
                self._follow(ami, batch or [])
                self._note_dropped(ami)
                self._update_state()

    def _read_snapshot(self, ami: Ami) -> None:
        now, listed = time.time(), ami.listed("CoreShowChannels")
        self._hidden.keep({message.get("uniqueid", "") for message in listed})
        channels = [shown for message in listed for shown in self._shown(message, now)]
        self._waiting.add(self._channels.reconcile(channels, now))

    def _follow(self, ami: Ami, batch: list[AmiMessage | Overflow]) -> None:
        now = time.time()
        events = [
            shown
            for message in batch
            if isinstance(message, AmiMessage)
            for shown in self._shown(message, now)
        ]
        outcome = self._channels.apply([*self._hidden.due(now), *events], now)
        publish(outcome.events)
        self._waiting.add(outcome.finished)
        lost = sum(entry.lost for entry in batch if isinstance(entry, Overflow))
        if lost:
            logger.warning("%s.overflow lost=%d", self._job, lost)
            self._notify("overflow", f"{lost} events of {self._server.name} were missed", lost=lost)
            self._read_snapshot(ami)

    def _shown(self, message: AmiMessage, now: float) -> list[AmiMessage]:
        """What may be known now that the message has come, without numbers that are hidden."""
        if not self._server.respect_hidden:
            return [message]
        channel, call = message.get("uniqueid", ""), message.get("linkedid", "")
        hidden = of_message(message) if channel == call else None
        # What Asterisk says first, it says before it has read who hides the number.
        begins = (message["event"], message.get("channelstatedesc")) == ("Newchannel", "Ring")
        shown = self._hidden.pass_on(
            message,
            now,
            channel=call or channel,
            number=known(message.get("calleridnum", "")),
            hidden=hidden,
            begins=begins and hidden is False,
        )
        if message["event"] == "Hangup":
            self._hidden.end(channel, now)
        return shown

    def _note_dropped(self, ami: Ami) -> None:
        """Count what callers had forged. An event of their call is lost with it: check, now and
        then, which channels there are."""
        self._dropped = self._dropped_before + ami.dropped
        now = time.monotonic()
        if self._dropped > self._checked and now >= self._next_check:
            self._next_check = now + CHECK_EVERY_S
            self._checked = self._dropped
            self._read_snapshot(ami)

    def _update_state(self) -> None:
        """Drop ghosts, publish the calls that changed, store what is due, and report health."""
        self._waiting.add(self._channels.settle(time.time()))
        publish(map(PbxCallChanged, self._channels.changed_calls()))
        now = time.monotonic()
        if now >= self._next_store:
            self._store(now)
        if now >= self._next_beat and self._leadership.is_sure:
            self._next_beat = now + BEAT_EVERY_S
            self._database.run(lambda: workers.ran_ok(self._job))

    def _store(self, now: float) -> None:
        finished, count, name = self._waiting.first(), self._count(), self._server.name
        dropped = self._dropped
        seen = (self._channels.changes, count, dropped)
        if seen == self._stored and not finished and now < self._next_renewal:
            self._next_store = now + STORE_EVERY_S
            return
        table = self._channels.table()

        def write() -> None:
            with self._leadership.transaction():
                store_state(name, table, count, finished, dropped)

        if not self._database.run(write):
            self._next_store = now + STORE_AGAIN_S
            return
        self._waiting.stored()
        self._stored = seen
        self._next_renewal = now + BEAT_EVERY_S
        spent_s = time.monotonic() - now
        self._next_store = now + max(STORE_EVERY_S, spent_s * STORE_SHARE)

    def _note_drop(self, error: UpstreamError) -> None:
        if self._dropped_at is None:
            self._dropped_at = time.monotonic()
            self._notify(
                "lost", f"The connection to {self._server.name} is lost: events are missing"
            )
        delay_s = [workers.BACKOFF_FIRST_S]
        self._database.run(lambda: delay_s.append(workers.failed(self._job, error)))
        wake_at = time.monotonic() + min(delay_s[-1], RETRY_WITHIN_S)
        while time.monotonic() < wake_at and not self._stopping.wait(IDLE_S):
            if not self._leadership.check(round_s=SNAPSHOT_S):
                return
            if time.monotonic() >= self._next_store:
                self._store(time.monotonic())

    def _note_recovery(self) -> None:
        self._database.run(lambda: workers.ran_ok(self._job))
        self._next_beat = time.monotonic() + BEAT_EVERY_S
        if self._dropped_at is not None or self._is_new:
            self._dropped_at, self._is_new = None, False
            self._notify("recovered", f"{self._server.name} is connected again")

    def _count(self) -> int:
        """The number of channels; 0 when they have been out of sight for too long."""
        since = self._dropped_at
        blind = since is not None and time.monotonic() - since > UNKNOWN_AFTER_S
        return 0 if blind else len(self._channels)

    def _notify(self, what: str, message: str, **details: Any) -> None:
        """Notify the clients of the sockets of a gap, so that they read the state again."""
        source = {"source": "asterisk", "server": self._server.name, "status": what}
        publish([Notice(message, {**source, **details})])
