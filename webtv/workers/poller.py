"""The endless poller: every server is asked at every tick, and what it says is stored once.

A tick is a multiple of WEBTV_INTERVAL_S on the clock, so that replicas and restarts agree on it. A
server that still owes an answer is left out of the next tick: nothing piles up. While the database
is away samples wait in memory.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseAway
from django.db import connection

from core.lib.backlog import Backlog
from core.lib.locks import only_one
from core.lib.outage import Outage
from core.workers import services as workers
from webtv import ingest
from webtv.clients import HttpPages
from webtv.models import Stream
from webtv.presets import request_of, viewers_in
from webtv.streams import add_configured_streams, enabled_streams, source_of
from webtv.types import CdnError, PageRequest, Pages, Sample, ViewerSource

logger = logging.getLogger(__name__)

NAME: Final = "webtv.viewers"
STAND_BY_S: Final = 2.0
GATHER_S: Final = 0.05  # answers that come within it are stored together
BEAT_EVERY_S: Final = 30.0
SERVES_FOR_S: Final = 30.0  # so long a stream's last number stands in for it in the total
CHUNK_SIZE: Final = 5_000


def run_viewer_poller(stopping: threading.Event) -> None:
    """Poll every enabled stream until `stopping` is set; staff may change them meanwhile."""
    database = Outage("webtv.database")
    poller = Poller(HttpPages(), stopping)
    configured = False
    while not stopping.is_set():
        try:
            if not configured:
                add_configured_streams()
                configured = True
            with only_one(NAME) as mine:
                database.over()
                if mine:
                    poller.poll()
        except DatabaseAway as exc:
            database.began(exc)
            connection.close()
        stopping.wait(STAND_BY_S)
    connection.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one page at one tick: its body, or why there is none."""

    request: PageRequest
    tick: int
    body: bytes = b""
    error: CdnError | None = None


class _Asker:
    """A thread that fetches one page whenever it is told to, one at a time."""

    def __init__(
        self, pages: Pages, request: PageRequest, responses: queue.SimpleQueue[Answer]
    ) -> None:
        self._pages, self._request, self._responses = pages, request, responses
        self._ticks: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self.busy = False
        threading.Thread(target=self._run, name="webtv-page", daemon=True).start()

    def ask(self, tick: int) -> None:
        self.busy = True
        self._ticks.put(tick)

    def end(self) -> None:
        self._ticks.put(None)

    def _run(self) -> None:
        while (tick := self._ticks.get()) is not None:
            self._responses.put(self._fetched(tick))
            self.busy = False

    def _fetched(self, tick: int) -> Answer:
        try:
            body = self._pages.fetch(self._request, timeout_s=settings.WEBTV_TIMEOUT_S)
        except CdnError as exc:
            return Answer(self._request, tick, error=exc)
        except Exception as exc:  # ours to mend, but no reason to stop asking
            logger.exception("webtv.failing")
            return Answer(self._request, tick, error=CdnError(type(exc).__name__))
        return Answer(self._request, tick, body)


class Poller:
    """One process' polling. Everything but the fetching happens in the thread that calls it."""

    def __init__(self, pages: Pages, stopping: threading.Event) -> None:
        self._pages, self._stopping = pages, stopping
        self._askers: dict[PageRequest, _Asker] = {}
        self._responses: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._streams: dict[int, tuple[Stream, ViewerSource, PageRequest]] = {}
        self._total_id = 0
        self._heard: dict[int, tuple[int, int]] = {}  # the last number by stream: tick, viewers
        self._reports: dict[str, tuple[bool, float]] = {}  # by stream: was it well, next beat
        self._waiting: Backlog[Sample] = Backlog("webtv.samples")
        self._unavailable = False
        self._database = Outage("webtv.database")

    def poll(self) -> None:
        """Tick after tick until `stopping` is set.

        Returns also when the database is back after it was away: the lock that made us the one
        poller is gone.
        """
        while (tick := self._next_tick()) is not None:
            was_unavailable = self._unavailable
            self._with_database(self._reload)
            self.tick(tick)
            if was_unavailable and not self._unavailable:
                return

    def tick(self, tick: int) -> None:
        """Ask every page once and store what comes; `tick` is in epoch seconds."""
        late_ms = (time.time() - tick) * 1_000
        asked = {request: asker for request, asker in self._askers.items() if not asker.busy}
        for asker in asked.values():
            asker.ask(tick)
        logger.debug("webtv.tick at=%d late_ms=%.1f asked=%d", tick, late_ms, len(asked))
        pending = set(asked)
        until = time.monotonic() + min(
            settings.WEBTV_TIMEOUT_S, settings.WEBTV_INTERVAL_S - GATHER_S * 4
        )
        while pending and not self._stopping.is_set():
            responses = self._gathered(until)
            if not responses:
                break
            mine = [response for response in responses if response.tick == tick]
            pending -= {response.request for response in mine}
            self._take(mine)
        late = CdnError("no answer in time")
        owing = [r for r, asker in self._askers.items() if r in pending or r not in asked]
        self._take(Answer(request, tick, error=late) for request in owing)
        self._take_total(tick)

    def _next_tick(self) -> int | None:
        """Sleep until the clock's next multiple of the interval; None when stopped."""
        interval_s = settings.WEBTV_INTERVAL_S
        tick = (int(time.time()) // interval_s + 1) * interval_s
        return None if self._stopping.wait(tick - time.time()) else tick

    def _gathered(self, until: float) -> list[Answer]:
        """The next answers, those together that come together; none when time is up."""
        try:
            responses = [self._responses.get(timeout=max(0.0, until - time.monotonic()))]
        except queue.Empty:
            return []
        self._stopping.wait(GATHER_S)
        while not self._responses.empty():
            responses.append(self._responses.get())
        return responses

    def _take(self, responses: Iterable[Answer]) -> None:
        """Store what the answers say of their streams."""
        by_request = {response.request: response for response in responses}
        samples: list[Sample] = []
        for stream, source, request in self._streams.values():
            if (response := by_request.get(request)) is None:
                continue
            try:
                if response.error:
                    raise response.error
                viewers = viewers_in(source, response.body)
            except CdnError as exc:
                self._report(stream.name, exc)
                continue
            self._heard[stream.pk] = (response.tick, viewers)
            samples.append(Sample(stream.pk, datetime.fromtimestamp(response.tick, UTC), viewers))
            self._report(stream.name, None)
        self._store(samples)

    def _take_total(self, tick: int) -> None:
        """The sum of what is known; a stream that just fell silent counts as it was last."""
        known = [
            viewers
            for stream_id, (heard_at, viewers) in self._heard.items()
            if stream_id in self._streams and tick - heard_at <= SERVES_FOR_S
        ]
        if known and any(heard_at == tick for heard_at, _ in self._heard.values()):
            at = datetime.fromtimestamp(tick, UTC)
            self._store([Sample(self._total_id, at, sum(known))])

    def _store(self, samples: list[Sample]) -> None:
        """Store these and what waits; they wait on while the database is away."""
        self._waiting.add(samples)
        while batch := self._waiting.first(CHUNK_SIZE):
            if not self._with_database(partial(ingest.store_samples, batch)):
                return
            self._waiting.stored()

    def _reload(self) -> None:
        """Follow what staff changed."""
        streams = enabled_streams()
        self._total_id = ingest.total_stream().pk
        self._streams = {}
        for stream in streams:
            try:
                source = source_of(stream)
                self._streams[stream.pk] = (stream, source, request_of(source))
            except ValueError as exc:  # staff's address is none
                self._report(stream.name, CdnError(str(exc)))
        wanted = {request for _, _, request in self._streams.values()}
        for request in self._askers.keys() - wanted:
            self._askers.pop(request).end()
        for request in wanted - self._askers.keys():
            self._askers[request] = _Asker(self._pages, request, self._responses)
        names = {f"{NAME}.{stream.name}" for stream in streams}
        if names != {f"{NAME}.{name}" for name in self._reports}:
            self._reports = {n: r for n, r in self._reports.items() if f"{NAME}.{n}" in names}
            workers.retire(f"{NAME}.", keep=names)
            if not names:
                workers.disabled(NAME)

    def _report(self, name: str, error: CdnError | None) -> None:
        """Say how a stream does: every change at once, what stays as it is now and then."""
        was_well, next_beat = self._reports.get(name, (error is not None, 0.0))
        well = error is None
        if well == was_well and time.monotonic() < next_beat:
            return
        job = f"{NAME}.{name}"
        note = partial(workers.failed, job, error) if error else partial(workers.ran_ok, job)
        if self._with_database(note):
            self._reports[name] = (well, time.monotonic() + BEAT_EVERY_S)

    def _with_database(self, work: Callable[[], object]) -> bool:
        """Do it; False when the database is away."""
        try:
            work()
        except DatabaseAway as exc:
            self._unavailable = True
            self._database.began(exc)
            connection.close()
            return False
        self._unavailable = False
        self._database.over()
        return True
