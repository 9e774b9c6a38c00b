"""The watch for the draw: frames of the stream in, wheels beyond doubt into the run.

A wheel is accepted when three frames in a row have the same numbers (none is half drawn or still
turning) and so has a fresh reading of the last of them, which finds the board anew. Where the two
differ, more checks are needed (`ocr.autobot.votes`); nothing is guessed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from core.lib.outage import Outage
from core.lib.upstream import UpstreamError
from core.workers.leader import Leadership
from lotto import selectors as archive
from lotto.types import WHEELS
from ocr import selectors
from ocr.autobot import evidence, pages, services
from ocr.autobot.votes import FrameChecks, Numbers
from ocr.clients.stream.fetch import headers_by_host
from ocr.models import AutobotRun, AutobotWheel
from ocr.reader.types import SURE, PictureReader, Reading
from ocr.reader.vote import FRAMES, agreed
from ocr.types import (
    Held,
    ImageRefused,
    Origin,
    PageKind,
    ReaderBusy,
    ReaderFailed,
    ReadingHalted,
    RunRefused,
    RunState,
    StreamRefused,
)

if TYPE_CHECKING:
    from ocr.clients.stream import Frame, HlsStream

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """The pauses of a watch, in seconds."""

    frame_s: float = 1.0  # from one picture of the stream to the next
    lost_s: float = 6.0  # without one: the stream is unavailable
    recheck_s: float = 1.0
    max_recheck_s: float = 30.0  # after checks that changed nothing
    judge_again_s: float = 10.0  # whether the archive has caught up
    busy_s: float = 0.5


USUAL: Final = Pace()
FRAME_S: Final = 60.0  # the longest from one to the next: the reading process is loaded again
NO_BOARD: Final = Reading({})


def watch(
    run: AutobotRun,
    leadership: Leadership,
    halt: threading.Event,
    reader: PictureReader,
    pace: Pace = USUAL,
) -> None:
    """Read the stream until all wheels are published, the window closes or `halt` is set.

    Nothing is looked at before the draw can have begun. A stream that breaks is opened again, at
    its next address if it has several. Raises LeaseLost, RunStopped.
    """
    watcher = BoardWatcher(run, leadership, halt, reader, pace)
    outage = Outage("autobot.stream")
    streams = cycle(_streams(run.stream_url, pace))
    watcher.wait_for_the_draw()
    while not halt.is_set() and not watcher.is_over():
        leadership.check(round_s=FRAME_S)
        try:
            for frame in next(streams)().frames(halt):
                outage.over()
                leadership.check(round_s=FRAME_S)
                watcher.see(frame)
                if halt.is_set() or watcher.is_over():
                    break
        except (UpstreamError, StreamRefused) as exc:
            watcher.lost(exc)
            halt.wait(outage.began(exc))
        except ReadingHalted:
            return
    if not halt.is_set():
        watcher.close()


def _streams(url: str, pace: Pace) -> list[Callable[[], HlsStream]]:
    """The stream at each of its addresses; made when first wanted, and kept with what it learns.

    A call raises StreamRefused for what is no address.
    """
    from ocr.clients.stream import HlsStream  # with PyAV, which only this needs

    headers = headers_by_host(settings.OCR_STREAM_HOSTS)
    networks = settings.OCR_STREAM_NETWORKS

    def stream(url: str) -> Callable[[], HlsStream]:
        return cache(lambda: HlsStream(url, networks, pace.frame_s, pace.lost_s, headers))

    return [stream(each) for each in dict.fromkeys((url, *settings.OCR_STREAM_FALLBACKS))]


def read_again(run_id: int, reader: PictureReader, *, by: str) -> list[str]:
    """Read the stored picture of a run's board once more; returns the wheels that changed.

    It counts as one more check: a wheel on which both agree is sure now, one that was sure and is
    read otherwise is in doubt. A person's numbers stay. Raises RunRefused while the run is at work
    or without a picture, ReaderBusy or ReaderFailed.
    """
    picture = selectors.picture(run_id, evidence.BOARD)
    if picture is None:
        raise RunRefused(_("The run has no picture of a board."))
    reading = reader.read(picture)
    if not reading.page.is_of(AutobotRun.objects.get(pk=run_id).day):
        raise RunRefused(_("The picture names another day."))
    sure = reading.sure()

    def is_changed(row: AutobotWheel) -> bool:
        numbers = sure.get(row.wheel)
        if numbers is None or row.origin == Origin.PERSON or (row.is_taken and row.held):
            return False
        checks, was_taken = FrameChecks.restored(row.looks), row.is_taken
        checks.count(numbers, row.sure_numbers(SURE))
        row.looks, row.is_taken = checks.stored(), checks.accepted() == numbers
        row.held = services.why_held(row.run, row.wheel, numbers) if row.is_taken else ""
        return was_taken != row.is_taken

    return services.reread(run_id, is_changed, by=by)


class BoardWatcher:
    """What one run has seen; continues from what is stored."""

    def __init__(
        self,
        run: AutobotRun,
        leadership: Leadership,
        halt: threading.Event,
        reader: PictureReader,
        pace: Pace = USUAL,
    ) -> None:
        self._run, self._leadership, self._halt = run, leadership, halt
        self._reader, self._pace = reader, pace
        self._rows = {row.wheel: row for row in run.wheels.all()}
        self._checks = {wheel: FrameChecks.restored(row.looks) for wheel, row in self._rows.items()}
        self._readings: deque[Reading] = deque(maxlen=FRAMES)
        self._best: tuple[Frame, Reading] | None = None  # whose picture is stored
        self._unnamed: tuple[Frame, Reading] | None = None  # of a page that does not say what it is
        # Wheels that it shows as they are published, and all that it shows. The picture of an
        # earlier worker showed what is published.
        self._best_score = (self._published() or -1, 0.0)
        self._check_at = self._judge_at = 0.0  # monotonic
        self._pause_s = pace.recheck_s

    def is_over(self) -> bool:
        """Whether all wheels are published, but for their witnesses, or time is up."""
        self._run.refresh_from_db(fields=["until"])  # staff may close the window
        read = sum(row.is_taken and row.held in ("", Held.WITNESS) for row in self._rows.values())
        return read == len(WHEELS) or timezone.now() >= self._run.until

    def wait_for_the_draw(self) -> None:
        """Return when the draw can have begun, the window closes or `halt` is set. LeaseLost."""
        begins_at = archive.draw_begins_at(self._run.day)
        if timezone.now() >= begins_at:
            return
        when = f"{begins_at:%H:%M}"
        self._update(self._run.state, f"Waiting for the draw, which begins at {when}.")
        while timezone.now() < begins_at and not self.is_over():
            self._leadership.wait(self._halt, self._pace.frame_s)
            if self._halt.is_set() or not self._leadership.leads:
                return
        self._update(self._run.state, "Watching the stream.")

    def see(self, frame: Frame) -> None:
        """Read one frame. Raises LeaseLost, RunStopped, ReadingHalted."""
        try:
            reading = self._reader.watch(frame.image, self._halt)
            if not reading.page.is_draw_of(self._run.day):
                self._pass_over(frame, reading)
                reading = NO_BOARD
            self._readings.append(reading)
            if reading.wheels:
                if self._run.state != RunState.OCR:
                    self._update(RunState.OCR, "The board is on the air.")
                self._check(frame)
                self._store_best(frame, reading)
        except (ReaderBusy, ReaderFailed, ImageRefused) as exc:
            logger.warning("autobot.frame_unread run=%s error=%s", self._run.pk, exc)
            self._halt.wait(self._pace.busy_s)
        self._judge_again()

    def lost(self, error: Exception) -> None:
        """Report that the stream is unavailable, and forget the frames before the gap."""
        self._readings.clear()
        self._update(self._run.state, f"The stream is unavailable: {error}")

    def close(self) -> None:
        """Store what is still in doubt, for the AI and for people; judge anew what is held back."""
        if self._unnamed and not self._best and not self._rows:
            self._store_unnamed(*self._unnamed)
        if self._best:
            frame, reading = self._best
            doubtful = [wheel for wheel in reading.wheels if not self._is_taken(wheel)]
            self._store_pictures(frame, reading, doubtful)
            self._store([self._row(wheel, reading) for wheel in doubtful])
        self._judge()

    # --- Checks -----------------------------------------------------------------------------------

    def _check(self, frame: Frame) -> None:
        """Read afresh the wheels whose last three frames agree on something new."""
        voted = {
            wheel: numbers
            for wheel, numbers in agreed([*self._readings]).items()
            if self._is_news(wheel, numbers)
        }
        if not voted or time.monotonic() < self._check_at:
            return
        fresh = self._reader.read(evidence.png(frame.image), self._halt)
        sure = fresh.sure() if fresh.page.is_draw_of(self._run.day) else {}
        changed = [wheel for wheel in voted if self._count(wheel, voted[wheel], sure.get(wheel))]
        longer_s = min(self._pause_s * 2, self._pace.max_recheck_s)
        self._pause_s = self._pace.recheck_s if changed else longer_s
        self._check_at = time.monotonic() + self._pause_s
        if changed:
            self._store_pictures(frame, fresh, changed)
            self._store([self._row(wheel, fresh) for wheel in changed])

    def _is_news(self, wheel: str, numbers: Numbers) -> bool:
        row = self._rows.get(wheel)
        return row is None or not row.is_taken or row.numbers != list(numbers)

    def _count(self, wheel: str, voted: Numbers, fresh: Numbers | None) -> bool:
        """Count a check; whether it changed what is accepted."""
        checks = self._checks.setdefault(wheel, FrameChecks())
        before = checks.accepted()
        if services.why_held(self._run, wheel, voted) == Held.OLD:
            # Yesterday's board says nothing for or against what will be drawn today.
            row = self._rows.get(wheel)
            return fresh == voted and (row is None or not row.is_published)
        checks.count(voted, fresh)
        return checks.accepted() != before

    def _row(self, wheel: str, reading: Reading) -> AutobotWheel:
        """The row to store of a wheel after these checks."""
        row = self._rows.get(wheel) or AutobotWheel(run=self._run, wheel=wheel)
        checks = self._checks.get(wheel, FrameChecks())
        seen = reading.sure().get(wheel)
        row.cells = services.cells_of(reading.wheels.get(wheel, ())) or row.cells
        row.looks = checks.stored()
        row.held = services.why_held(self._run, wheel, seen) if seen else ""
        row.is_taken = seen is not None and (checks.accepted() == seen or row.held == Held.OLD)
        return row

    # --- Pages that are none of today's draw ------------------------------------------------------

    def _pass_over(self, frame: Frame, reading: Reading) -> None:
        """Keep in mind that such a page was on the air; its numbers count for nothing."""
        page = reading.page
        if reading.wheels and page.kind == PageKind.UNKNOWN:
            self._unnamed = frame, reading
        seen = pages.with_page(self._run, page) if page.wheels else None
        if seen:
            services.update(self._run, self._leadership, pages=seen)
            logger.info(
                "autobot.page_not_taken run=%s kind=%s title=%s",
                self._run.pk,
                page.kind,
                page.title,
            )

    def _store_unnamed(self, frame: Frame, reading: Reading) -> None:
        """Leave it to a person whether a page that does not say what it is was the draw."""
        evidence.store_board(self._run, frame.image)
        self._store_pictures(frame, reading, reading.wheels)
        rows = [self._row(wheel, reading) for wheel in reading.wheels]
        for row in rows:
            row.is_taken, row.held = False, Held.PAGE
        self._store(rows)

    # --- The run ----------------------------------------------------------------------------------

    def _published(self) -> int:
        return sum(row.is_published for row in self._rows.values())

    def _is_taken(self, wheel: str) -> bool:
        return wheel in self._rows and self._rows[wheel].is_taken

    def _store(self, rows: list[AutobotWheel]) -> None:
        if rows:
            services.store_wheels(self._run, self._leadership, rows)
            self._rows |= {row.wheel: row for row in rows}

    def _store_best(self, frame: Frame, reading: Reading) -> None:
        """Store the picture of the board that shows most of what is published, and most at all.

        The board of an earlier draw, however complete, shows nothing of today's.
        """
        sure = reading.sure()
        ours = sum(
            row.is_published and sure.get(wheel) == tuple(row.numbers)
            for wheel, row in self._rows.items()
        )
        shown = sum(each.confidence for line in reading.wheels.values() for each in line) / 100
        best_ours, best_shown = self._best_score
        if ours > best_ours or (ours == best_ours and shown > best_shown + 1):
            evidence.store_board(self._run, frame.image)
            self._best, self._best_score = (frame, reading), (ours, shown)

    def _store_pictures(self, frame: Frame, reading: Reading, wheels: Iterable[str]) -> None:
        boxes = {wheel: reading.boxes[wheel] for wheel in wheels if wheel in reading.boxes}
        evidence.store_wheels(self._run, frame.image, boxes)

    def _update(self, state: str, message: str) -> None:
        if (self._run.state, self._run.message) != (state, message):
            services.update(self._run, self._leadership, state=state, message=message)

    def _judge_again(self) -> None:
        if time.monotonic() >= self._judge_at:
            self._judge_at = time.monotonic() + self._pace.judge_again_s
            self._judge()

    def _judge(self) -> None:
        """Judge again the wheels for which the archive was behind."""
        changed = []
        for row in self._rows.values():
            if row.is_taken and row.held == Held.BEHIND:
                held = services.why_held(self._run, row.wheel, [n for n in row.numbers if n])
                if held != row.held:
                    row.held = held
                    changed.append(row)
        self._store(changed)
