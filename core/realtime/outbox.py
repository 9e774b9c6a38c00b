"""Events of committed transactions, on their way to a log that outlives its writers.

A transaction stores its events as rows of its own, so they are committed with what they report, or
not at all. After the commit a thread of its process writes them to the log and then deletes the
rows. It has the events in memory; when it saw rows of other writers, or missed some of its own, it
moves whatever is stored, the oldest first: so what a killed process left comes before what was
committed after it. The log recognises what comes twice by its writer and number.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final, NamedTuple

import psycopg
from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.db.models import Max, Min

from core.lib.batches import batched
from core.lib.outage import Outage
from core.realtime.log import EventBody, Parcel, SharedLog
from core.realtime.models import PendingEvents

logger = logging.getLogger(__name__)

EVENTS_OF_A_ROW: Final = 100
CHUNK_SIZE: Final = 10  # rows in one call of the log, so at most 1,000 events
ROWS_IN_MEMORY: Final = 100
DELETE_CHUNK_SIZE: Final = 100
DELETE_AFTER_S: Final = 0.1
POLL_S: Final = 1.0  # what a killed process left waits so long, if nobody publishes

_INSERT: Final = """
INSERT INTO realtime_pendingevents (writer, number, events) VALUES (%s, %s, %s)
RETURNING id, (SELECT min(writer) FROM realtime_pendingevents),
              (SELECT max(writer) FROM realtime_pendingevents)
"""


class Row(NamedTuple):
    """A stored row, with its events."""

    id: int
    parcel: Parcel


class Outbox:
    """Stores events and moves them to the log.

    While the log is away it keeps the newest `maximum` rows, or up to twice as many.
    """

    def __init__(self, log: SharedLog, *, maximum: int) -> None:
        self._log, self._maximum = log, maximum
        self._database = Outage("events.database")
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._name = secrets.token_hex(8)
        self._numbers = count(1)
        self._committed: deque[Row] = deque()
        self._must_look = True  # into the table, for rows that are not in memory
        self._written: list[int] = []  # ids of rows that are in the log, to be deleted
        self._starting = threading.Lock()
        self._news, self._closing = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def store(self, events: Sequence[EventBody]) -> list[Row]:
        """Store events with the running transaction; to be sent after its commit."""
        # A thread's transactions commit one after the other: its numbers only grow.
        writer = f"{self._name}:{threading.get_ident()}"
        rows = []
        for some in batched(events, EVENTS_OF_A_ROW):
            parcel = Parcel(writer, next(self._numbers), some)
            id, *writers = _insert(parcel)
            if not {writer, None}.issuperset(writers):
                self._must_look = True
            rows.append(Row(id, parcel))
        return rows

    def send(self, rows: Sequence[Row]) -> None:
        """Write rows to the log, which are committed now; from any thread, without waiting."""
        if len(self._committed) < ROWS_IN_MEMORY:
            self._committed.extend(rows)
        else:
            self._must_look = True
        self._news.set()
        self.start()

    def start(self) -> None:
        """Begin to move rows, in a thread, and to look for those that others left."""
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._closing = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._closing,), name="outbox", daemon=True
                )
                self._thread.start()

    def close(self, *, within_s: float = 2.0) -> None:
        """Move what there is, for at most `within_s`; what is left is moved by another process."""
        with self._starting:
            thread, self._thread = self._thread, None
            self._closing.set()
            self._news.set()
        if thread is not None:
            thread.join(within_s)

    def _run(self, closing: threading.Event) -> None:
        look_at = 0.0  # monotonic
        while True:
            is_last = closing.is_set()
            self._news.clear()
            if is_last or time.monotonic() >= look_at:
                self._must_look = True
            if self._must_look:
                look_at = time.monotonic() + POLL_S
            delay_s = self._attempt(self._move)
            if is_last:
                break
            if delay_s:
                closing.wait(delay_s)
            elif not self._news.wait(DELETE_AFTER_S):
                self._attempt(self._delete_written)
                self._news.wait(POLL_S)
        self._attempt(self._delete_written)
        connection.close()

    def _attempt(self, work: Callable[[], None]) -> float:
        """Do it; the seconds to wait before it is tried again, 0 if it is done."""
        try:
            _commit_without_waiting()
            work()
        except DatabaseFailure as exc:
            connection.close()
            delay_s = self._database.began(exc)
        except self._log.retryable_errors as exc:
            delay_s = self._log.outage.began(exc)
            self._attempt(self._drop_beyond_maximum)
        except Exception:  # a bug of ours is no reason to stop
            logger.exception("events.outbox_failed")
            delay_s = POLL_S
        else:
            self._database.over()
            return 0.0
        self._must_look = True
        return delay_s

    def _move(self) -> None:
        """Write what is committed to the log."""
        if self._must_look:
            self._must_look = False
            self._committed.clear()  # these are in the table
            while self._move_stored():
                pass
        while rows := [self._committed.popleft() for _ in range(self._count_at_once())]:
            self._write(rows)

    def _count_at_once(self) -> int:
        return min(len(self._committed), CHUNK_SIZE)

    def _move_stored(self) -> bool:
        """Write the oldest rows of the table; whether there may be more."""
        table = PendingEvents.objects.exclude(id__in=self._written).order_by("id")
        found = list(table.values_list("id", "writer", "number")[:CHUNK_SIZE])
        last = self._log.last_numbers({writer for _, writer, _ in found}) if found else {}
        missing = [id for id, writer, number in found if number > last[writer]]
        rows = PendingEvents.objects.filter(id__in=missing).order_by("id")
        self._write([_row(*row) for row in rows.values_list("id", "writer", "number", "events")])
        self._written += {id for id, *_ in found} - {*missing}
        return len(found) == CHUNK_SIZE

    def _write(self, rows: Sequence[Row]) -> None:
        if rows:
            self._log.write([row.parcel for row in rows])
            self._log.outage.over()
            self._written += [row.id for row in rows]
        if len(self._written) >= DELETE_CHUNK_SIZE:
            self._delete_written()

    def _delete_written(self) -> None:
        if self._written:
            PendingEvents.objects.filter(id__in=self._written).delete()
            self._written = []

    def _drop_beyond_maximum(self) -> None:
        """Drop the oldest rows if there are twice as many as `maximum`, and mark the gap."""
        ends = PendingEvents.objects.aggregate(first=Min("id"), last=Max("id"))
        if ends["last"] is None or ends["last"] - ends["first"] < 2 * self._maximum:
            return
        with transaction.atomic():
            too_old = PendingEvents.objects.filter(id__lte=ends["last"] - self._maximum)
            dropped, _ = too_old.delete()
            _insert(Parcel(self._name, next(self._numbers), []))
        logger.error("events.overflow rows=%d", dropped)


def _row(id: int, writer: str, number: int, text: str) -> Row:
    lines = (line.partition("\t") for line in text.split("\n") if line)
    events = [(kind, body.encode()) for kind, _, body in lines]
    return Row(id, Parcel(writer, number, events, broken=not events))


def _insert(parcel: Parcel) -> Any:
    """Store a row; its id, and the first and last of the writers that have rows."""
    text = "\n".join(f"{kind}\t{body.decode()}" for kind, body in parcel.events)
    row = (parcel.writer, parcel.number, text)
    if connection.vendor == "postgresql":
        # Apart from the statement, the events need not be quoted and parsed: half the time.
        connection.ensure_connection()
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            return cursor.execute(_INSERT, row).fetchone()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row)
        return cursor.fetchone()


def _commit_without_waiting() -> None:
    """Let PostgreSQL forget deletions when it crashes: the log knows the rows again."""
    if connection.vendor == "postgresql" and connection.connection is None:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO off")
