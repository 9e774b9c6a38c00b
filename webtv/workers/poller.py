"""The endless poller: every server is queried at every tick, and each sample is stored once.

A tick is a multiple of WEBTV_INTERVAL_S on the clock, so that replicas and restarts agree on it. A
server with a pending request is left out of the next tick: nothing piles up. While the database is
unavailable samples wait in memory.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from django.conf import settings
from django.db import connection

from core.lib.backlog import Backlog
from core.lib.upstream import UpstreamError
from core.workers import services as workers
from core.workers.database import DatabaseGuard
from core.workers.leader import ROUND_S, Leadership, run_as_leader
from webtv import ingest
from webtv.clients import HttpPages
from webtv.models import Stream
from webtv.presets import fetch_all, request_of, viewers_in
from webtv.streams import add_configured_streams, enabled_streams, source_of
from webtv.types import PageRequest, Pages, Sample, ViewerSource

logger = logging.getLogger(__name__)

NAME: Final = "webtv.viewers"
GATHER_S: Final = 0.05  # responses that come within it are stored together
BEAT_EVERY_S: Final = 30.0
VALID_FOR_S: Final = 30.0  # how long a silent stream's last number counts in the total
CHUNK_SIZE: Final = 5_000


def run_viewer_poller(stopping: threading.Event) -> None:
    """Poll every enabled stream until `stopping` is set; staff may change them meanwhile."""
    # What is not asked now will never be known, so it goes on while the database is unavailable.
    leadership = Leadership(NAME, DatabaseGuard("webtv"), outlives_database=True)
    poller = Poller(HttpPages(), leadership, stopping)

    def lead() -> None:
        add_configured_streams()
        poller.poll()

    run_as_leader(leadership, lead, stopping)
    connection.close()


@dataclass(frozen=True, slots=True)
class PageResponse:
    """The response to one request at one tick: the bodies of its pages, or the error."""

    request: PageRequest
    tick: int
    bodies: tuple[bytes, ...] = ()
    error: UpstreamError | None = None


class _PageFetcher:
    """A thread that fetches one page on request, one at a time."""

    def __init__(
        self, pages: Pages, request: PageRequest, responses: queue.SimpleQueue[PageResponse]
    ) -> None:
        self._pages, self._request, self._responses = pages, request, responses
        self._ticks: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self.busy = False
        threading.Thread(target=self._run, name="webtv-page", daemon=True).start()

    def request(self, tick: int) -> None:
        self.busy = True
        self._ticks.put(tick)

    def end(self) -> None:
        self._ticks.put(None)

    def _run(self) -> None:
        while (tick := self._ticks.get()) is not None:
            self._responses.put(self._fetched(tick))
            self.busy = False

    def _fetched(self, tick: int) -> PageResponse:
        try:
            bodies = fetch_all(self._pages, self._request, timeout_s=settings.WEBTV_TIMEOUT_S)
        except UpstreamError as exc:
            return PageResponse(self._request, tick, error=exc)
        except Exception as exc:  # a bug of ours is no reason to stop polling
            logger.exception("webtv.failing")
            return PageResponse(self._request, tick, error=UpstreamError(type(exc).__name__))
        return PageResponse(self._request, tick, bodies)


class Poller:
    """One process' polling. Everything but the fetching happens in the thread that calls it."""

    def __init__(self, pages: Pages, leadership: Leadership, stopping: threading.Event) -> None:
        self._pages, self._leadership, self._stopping = pages, leadership, stopping
        self.database = leadership.database
        self._fetchers: dict[PageRequest, _PageFetcher] = {}
        self._responses: queue.SimpleQueue[PageResponse] = queue.SimpleQueue()
        self._streams: dict[int, tuple[Stream, ViewerSource, PageRequest]] = {}
        self._total_id = 0
        self._latest: dict[int, tuple[int, int]] = {}  # by stream: tick, viewers
        self._reports: dict[str, tuple[bool, float]] = {}  # by stream: is healthy, next beat
        self._waiting: Backlog[Sample] = Backlog("webtv.samples")

    def poll(self) -> None:
        """Tick after tick until `stopping` is set or another process leads. Raises LeaseLost."""
        round_s = settings.WEBTV_INTERVAL_S + ROUND_S
        while self._leadership.check(round_s=round_s) and (tick := self._next_tick()) is not None:
            if not self._leadership.check(round_s=round_s):
                return
            self.database.run(self._reload)
            self.tick(tick)

    def tick(self, tick: int) -> None:
        """Fetch every page once and store the samples; `tick` is in epoch seconds."""
        late_ms = (time.time() - tick) * 1_000
        idle = {request: one for request, one in self._fetchers.items() if not one.busy}
        for fetcher in idle.values():
            fetcher.request(tick)
        logger.debug("webtv.tick at=%d late_ms=%.1f pages=%d", tick, late_ms, len(idle))
        pending = set(idle)
        until = time.monotonic() + min(
            settings.WEBTV_TIMEOUT_S, settings.WEBTV_INTERVAL_S - GATHER_S * 4
        )
        while pending and not self._stopping.is_set():
            responses = self._gathered(until)
            if not responses:
                break
            mine = [response for response in responses if response.tick == tick]
            pending -= {response.request for response in mine}
            self._store_responses(mine)
        late = UpstreamError("no answer in time")
        missing = [r for r in self._fetchers if r in pending or r not in idle]
        self._store_responses(PageResponse(request, tick, error=late) for request in missing)
        self._store_total(tick)

    def _next_tick(self) -> int | None:
        """Sleep until the clock's next multiple of the interval; None when stopped."""
        interval_s = settings.WEBTV_INTERVAL_S
        tick = (int(time.time()) // interval_s + 1) * interval_s
        return None if self._stopping.wait(tick - time.time()) else tick

    def _gathered(self, until: float) -> list[PageResponse]:
        """The next responses, collected for a moment; none when time is up."""
        try:
            responses = [self._responses.get(timeout=max(0.0, until - time.monotonic()))]
        except queue.Empty:
            return []
        self._stopping.wait(GATHER_S)
        while not self._responses.empty():
            responses.append(self._responses.get())
        return responses

    def _store_responses(self, responses: Iterable[PageResponse]) -> None:
        """Store the samples of the responses, and report how their streams do."""
        by_request = {response.request: response for response in responses}
        samples: list[Sample] = []
        for stream, source, request in self._streams.values():
            if (response := by_request.get(request)) is None:
                continue
            try:
                if response.error:
                    raise response.error
                odd: list[UpstreamError] = []
                viewers = viewers_in(source, *response.bodies, on_odd=odd.append)
            except UpstreamError as exc:
                self._report(stream.name, exc)
                continue
            self._report(stream.name, next(iter(odd), None))
            if viewers is None:  # a server may hide them: no fault, and no sample
                continue
            self._latest[stream.pk] = (response.tick, viewers)
            samples.append(Sample(stream.pk, datetime.fromtimestamp(response.tick, UTC), viewers))
        self._store(samples)

    def _store_total(self, tick: int) -> None:
        """Store the sum of all streams; one that just fell silent counts with its last number."""
        known = [
            viewers
            for stream_id, (at_tick, viewers) in self._latest.items()
            if stream_id in self._streams and abs(tick - at_tick) <= VALID_FOR_S
        ]
        if known and any(at_tick == tick for at_tick, _ in self._latest.values()):
            at = datetime.fromtimestamp(tick, UTC)
            self._store([Sample(self._total_id, at, sum(known))])

    def _store(self, samples: list[Sample]) -> None:
        """Store these and those that wait; while the database is unavailable they all wait."""
        self._waiting.add(samples)
        while batch := self._waiting.first(CHUNK_SIZE):
            if not self.database.run(partial(self._write, batch)):
                return
            self._waiting.stored()

    def _write(self, batch: list[Sample]) -> None:
        with self._leadership.transaction():
            ingest.store_samples(batch)

    def _reload(self) -> None:
        """Apply the changes that staff made."""
        streams = enabled_streams()
        self._total_id = ingest.total_stream().pk
        self._streams = {}
        for stream in streams:
            try:
                source = source_of(stream)
                self._streams[stream.pk] = (stream, source, request_of(source))
            except (ValueError, TypeError) as exc:  # staff's address or headers are invalid
                self._report(stream.name, UpstreamError(str(exc)))
        wanted = {request for _, _, request in self._streams.values()}
        for request in self._fetchers.keys() - wanted:
            self._fetchers.pop(request).end()
        for request in wanted - self._fetchers.keys():
            self._fetchers[request] = _PageFetcher(self._pages, request, self._responses)
        names = {f"{NAME}.{stream.name}" for stream in streams}
        if names != {f"{NAME}.{name}" for name in self._reports}:
            self._reports = {n: r for n, r in self._reports.items() if f"{NAME}.{n}" in names}
            workers.retire(f"{NAME}.", keep=names)
            if not names:
                workers.disabled(NAME)

    def _report(self, name: str, error: UpstreamError | None) -> None:
        """Report the health of a stream: every change at once, an unchanged one now and then."""
        was_healthy, next_beat = self._reports.get(name, (error is not None, 0.0))
        healthy = error is None
        if healthy == was_healthy and time.monotonic() < next_beat:
            return
        job = f"{NAME}.{name}"
        note = partial(workers.failed, job, error) if error else partial(workers.ran_ok, job)
        if self.database.run(note):
            self._reports[name] = (healthy, time.monotonic() + BEAT_EVERY_S)
