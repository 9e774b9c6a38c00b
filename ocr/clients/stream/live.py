"""A live stream as a row of pictures: it follows the playlist, and starts over when it breaks."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from core.lib.addresses import Network
from core.lib.outage import Outage
from core.lib.upstream import UpstreamError
from ocr.clients.stream.fetch import Fetcher, Piece, well_formed
from ocr.clients.stream.pictures import UnreadableVideo, decrypted, pictures
from ocr.clients.stream.playlist import Playlist, Segment, fresh_of, parsed
from ocr.reader.types import Pixels
from ocr.types import StreamRefused

logger = logging.getLogger(__name__)

PLAYLIST_BYTES: Final = 512 * 1024
SEGMENT_BYTES: Final = 16 * 1024 * 1024  # 10 s of 13 Mbit/s
MAX_BROKEN: Final = 2  # segments in a row, before another variant is tried
MAX_REPORTED: Final = 300  # characters of a text that a server has an influence on
POLL_S: Final = 0.1  # how soon a stop is noticed
ATTEMPT: Final = 0.4  # of the limit, that one request may take; a long segment twice that


class Frame(NamedTuple):
    """A picture (height, width, BGR), and when it came."""

    at: datetime
    image: Pixels


class HlsStream:
    """A live stream (HLS: MPEG-TS or fragmented MP4, plain or AES-128)."""

    def __init__(
        self,
        url: str,
        networks: Iterable[Network] = (),
        every_s: float = 1.0,
        limit_s: float = 6.0,
    ) -> None:
        """A picture every `every_s`; `limit_s` without one is an error.

        StreamRefused for what is no http(s) address. Which addresses it leads to is checked when
        they are connected to: internal ones only inside `networks`.
        """
        self.url, self.networks = well_formed(url), tuple(networks)
        self.every_s, self.limit_s = every_s, limit_s
        self.outage = Outage("stream")

    def frames(self, stopping: threading.Event) -> Iterator[Frame]:
        """The pictures from now on, in their time; ends within 1 s when `stopping` is set.

        A gap, a stall, a jump or a restart of the stream is survived. Raises UpstreamError when no
        picture came for `limit_s`, at once when an address is refused or the stream is over. It may
        be called again then. A slow caller misses pictures, and is never more than a few segments
        behind.
        """
        follower = _Follower(self)
        thread = threading.Thread(target=follower.run, name="hls-stream", daemon=True)
        thread.start()
        try:
            while (frame := self._next(follower, stopping)) is not None:
                yield frame
        finally:
            follower.over.set()  # a request that is under way ends by its own limit

    def _next(self, follower: _Follower, stopping: threading.Event) -> Frame | None:
        until = time.monotonic() + self.limit_s - POLL_S
        while not stopping.is_set():
            try:
                shown = follower.shown.get(timeout=POLL_S)
            except queue.Empty:
                if time.monotonic() < until:
                    continue
                problem = follower.problem[:MAX_REPORTED]
                raise UpstreamError(f"No picture for {self.limit_s:g} s: {problem}") from None
            if isinstance(shown, UpstreamError):
                raise shown
            return shown
        return None


class _Follower:
    """Follows the stream in a thread of its own, so that nothing it waits for blocks the caller.

    `shown` gets the pictures, and in the end an error that a retry does not cure.
    """

    def __init__(self, stream: HlsStream) -> None:
        self.shown: queue.Queue[Frame | UpstreamError] = queue.Queue(maxsize=1)
        self.over = threading.Event()
        self.problem = "nothing has come yet"
        self._url, self._every_s = stream.url, stream.every_s
        self._request_s = stream.limit_s * ATTEMPT
        self._lists = Fetcher(stream.networks, byte_limit=PLAYLIST_BYTES)
        self._files = Fetcher(stream.networks, byte_limit=SEGMENT_BYTES)
        self._outage = stream.outage
        self._attempts = 0  # since a picture came
        self._broken = 0  # segments, since then
        self._last: int | None = None  # number of the last segment that was requested
        self._is_strict = True  # as long as pictures come that way
        self._first_s = 0.0  # into the next segment, where the next picture is due
        self._due_at = 0.0  # monotonic

    def run(self) -> None:
        """Follow the stream until `over` is set."""
        try:
            while not self.over.is_set():
                try:
                    self._follow()
                except UpstreamError as exc:
                    if not self.over.is_set():
                        self._attempts += 1
                        self.problem = str(exc)
                        self.over.wait(self._outage.began(exc))
        except StreamRefused as exc:
            self._put(UpstreamError(str(exc)))
        except _Ended:
            self._put(UpstreamError("The stream is over."))
        except Exception:
            logger.exception("stream.failed")
            self._put(UpstreamError("The stream cannot be followed: see the log."))
        finally:
            self._lists.close()
            self._files.close()

    def _follow(self) -> None:
        url, playlist = self._joined()
        while not self.over.is_set():
            fresh = fresh_of(playlist, self._last)
            for segment in fresh:
                self._last = segment.number
                self._play(segment, is_live=not playlist.is_over)
                if self.over.is_set():
                    return
            if playlist.is_over:
                raise _Ended
            if not fresh:
                if not self._broken:  # what is wrong with a segment says more
                    self.problem = "the playlist does not move on"
                self.over.wait(min(max(playlist.target_s / 4, POLL_S), 0.5))
            playlist = self._playlist(url)

    def _joined(self) -> tuple[str, Playlist]:
        """The playlist with the segments, and its address: of the next variant at every attempt."""
        top = self._playlist(self._url)
        if not top.variants:
            return self._url, top
        url = top.variants[self._attempts % len(top.variants)]
        return url, self._playlist(url)

    def _playlist(self, url: str) -> Playlist:
        fetched = self._lists.get(Piece(url), timeout_s=self._request_s)
        return parsed(fetched.body, fetched.url)

    def _play(self, segment: Segment, *, is_live: bool) -> None:
        try:
            for picture in pictures(
                self._body(segment),
                every_s=self._every_s,
                first_s=self._first_s,
                max_s=self._request_s,
                is_strict=self._is_strict,
            ):
                self._show(picture.image, is_live=is_live)
                self._first_s = picture.at_s + self._every_s
                if self.over.is_set():
                    return
        except UpstreamError as exc:
            self._leave_out(exc)
        self._first_s = min(max(self._first_s - segment.duration_s, 0.0), self._every_s)

    def _leave_out(self, exc: UpstreamError) -> None:
        """Continue without that segment; raise when there were too many in a row."""
        self.problem = str(exc)
        self._broken += 1
        if self._broken % MAX_BROKEN == 0:
            self._is_strict = self._is_strict and not isinstance(exc, UnreadableVideo)
            raise exc
        logger.info("stream.gap error=%s", exc)

    def _body(self, segment: Segment) -> bytes:
        timeout_s = min(max(segment.duration_s, self._request_s), 2 * self._request_s)
        body = self._files.get(segment.body, timeout_s=timeout_s).body
        # Fetched every time: an encoder that was restarted has others at the same addresses.
        if segment.key:
            body = decrypted(body, self._small(Piece(segment.key.url)), segment.key.iv)
        return (self._small(segment.head) if segment.head else b"") + body

    def _small(self, piece: Piece) -> bytes:
        return self._lists.get(piece, timeout_s=self._request_s).body

    def _show(self, image: Pixels, *, is_live: bool) -> None:
        """Hand a picture on, not sooner after the one before than it is shown on the air."""
        if is_live:
            self.over.wait(max(self._due_at - time.monotonic(), 0.0))
            now = time.monotonic()
            self._due_at = max((self._due_at or now) + self._every_s, now)
        self._outage.over()
        self._attempts = self._broken = 0
        self._put(Frame(datetime.now(UTC), image))

    def _put(self, shown: Frame | UpstreamError) -> None:
        while not self.over.is_set():
            try:
                return self.shown.put(shown, timeout=POLL_S)
            except queue.Full:
                continue


class _Ended(Exception):
    """The playlist says that nothing will follow."""
