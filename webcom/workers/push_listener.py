"""The endless listener of the carrier's push: one thread reads, the other stores."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection

from core.lib.upstream import UpstreamError
from core.workers import services as workers
from core.workers.database import DatabaseGuard
from core.workers.leader import Leadership, run_as_leader
from core.workers.leases import LeaseLost
from webcom import ingest
from webcom.types import PushMessage, WebcomTlc
from webcom.upstream import build_webcom_tlc

logger = logging.getLogger(__name__)

NAME: Final = "webcom.push"
IDLE_S: Final = 0.5  # how long stopping may take
BEAT_EVERY_S: Final = 10.0
CHUNK_SIZE: Final = 200
MAX_WAITING: Final = 2_000  # messages read ahead; beyond it the carrier's socket waits

Arrival = PushMessage | Exception | None


def run_push_listener(stopping: threading.Event) -> None:
    """Listen to the carrier until `stopping` is set; of several replicas one listens.

    What is missed while the push is down comes with the next pull: its cursor closes the gap.
    """
    try:
        carrier = build_webcom_tlc()
    except UpstreamError as exc:  # WEBCOM_URL is invalid
        workers.failed(NAME, exc)
        return
    if carrier is None or not settings.WEBCOM_PUSH_URL:
        workers.disabled(NAME)
        return
    leadership = Leadership(NAME, DatabaseGuard(NAME))
    run_as_leader(leadership, lambda: listen(carrier, leadership, stopping), stopping)
    connection.close()


def listen(carrier: WebcomTlc, leadership: Leadership, stopping: threading.Event) -> None:
    """Store what the carrier pushes until `stopping` is set or the leadership is lost.

    After a drop it reconnects with backoff. Raises LeaseLost, and Django's database errors.
    """
    while not stopping.is_set() and leadership.check():
        try:
            _listen_once(carrier, leadership, stopping)
        except UpstreamError as exc:
            leadership.wait(stopping, workers.failed(NAME, exc))
        except (DatabaseFailure, LeaseLost):
            raise
        except Exception as exc:  # a bug of ours is no reason to stop listening
            logger.exception("webcom.push_failing")
            leadership.wait(stopping, workers.failed(NAME, exc))


def _listen_once(carrier: WebcomTlc, leadership: Leadership, stopping: threading.Event) -> None:
    """Until the connection drops (raises), another leads or `stopping` is set (returns)."""
    arrivals: queue.Queue[Arrival] = queue.Queue(MAX_WAITING)
    leaving = threading.Event()
    reader = threading.Thread(
        target=_read, args=(carrier, arrivals, leaving), name="webcom-push", daemon=True
    )
    reader.start()
    next_beat = 0.0
    try:
        while not stopping.is_set() and leadership.check():
            messages = _arrived(arrivals, leadership)
            if messages:
                store(messages, leadership)
            if messages is not None and time.monotonic() >= next_beat:
                workers.ran_ok(NAME)
                next_beat = time.monotonic() + BEAT_EVERY_S
    finally:
        leaving.set()


def _read(carrier: WebcomTlc, arrivals: queue.Queue[Arrival], leaving: threading.Event) -> None:
    try:
        for message in carrier.pushes(idle_s=IDLE_S):
            if leaving.is_set():
                return
            _put(arrivals, message, leaving)
    except Exception as exc:  # handed over: the storing thread raises it
        _put(arrivals, exc, leaving)


def _put(arrivals: queue.Queue[Arrival], arrival: Arrival, leaving: threading.Event) -> None:
    while not leaving.is_set():
        try:
            return arrivals.put(arrival, timeout=IDLE_S)
        except queue.Full:
            continue


def _arrived(arrivals: queue.Queue[Arrival], leadership: Leadership) -> list[PushMessage] | None:
    """The messages read, waiting half a second for the first; raises the reader's error in turn.

    None when the reader sent nothing at all: an open connection reports at least that it is idle.
    """
    try:
        arrival = arrivals.get(timeout=IDLE_S)
    except queue.Empty:
        return None
    messages: list[PushMessage] = []
    try:
        while True:
            if isinstance(arrival, Exception):
                if messages:
                    store(messages, leadership)
                raise arrival
            if arrival is not None:
                messages.append(arrival)
            if len(messages) == CHUNK_SIZE:
                return messages
            arrival = arrivals.get_nowait()
    except queue.Empty:
        return messages


def store(messages: list[PushMessage], leadership: Leadership) -> None:
    """Store a batch of pushes. Raises LeaseLost: what is lost here comes with the next pull."""
    with leadership.transaction():
        ingest.store_pushes(messages)
