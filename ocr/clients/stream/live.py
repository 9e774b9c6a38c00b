"""A live stream as a row of pictures: it follows the playlist, and starts over when it breaks."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from core.lib.addresses import Network
from core.lib.cookies import Cookies
from core.lib.outage import Outage
from core.lib.upstream import UpstreamError
from ocr.clients.stream.fetch import Fetcher, HeadersByHost, Piece, Visitor, well_formed
from ocr.clients.stream.pictures import (
    NoPictureYet,
    SegmentDecoder,
    UnreadableVideo,
    decrypted,
)
from ocr.clients.stream.playlist import Playlist, Segment, fresh_of, parsed
from ocr.reader.types import Pixels
from ocr.types import StreamRefused

logger = logging.getLogger(__name__)

PLAYLIST_BYTES: Final = 512 * 1024
SEGMENT_BYTES: Final = 16 * 1024 * 1024  # 10 s of 13 Mbit/s
MAX_MASTERS: Final = 3  # playlists of playlists, one inside the other
MAX_BROKEN: Final = 2  # segments in a row, before another variant is tried
LIMIT_SEGMENTS: Final = 3  # segments without a picture are no fault yet, however long they are
MAX_REPORTED: Final = 300  # characters of a text that a server has an influence on
POLL_S: Final = 0.1  # how soon a stop is noticed
ATTEMPT: Final = 0.4  # of the limit, that one request may take; a long segment twice that


class Frame(NamedTuple):
    """A picture (height, width, BGR), and when it came."""

    at: datetime
    image: Pixels


@dataclass
class _Learnt:
    """What is known of a stream, and outlives a reconnect."""

    decoder: SegmentDecoder
    url: str = ""  # of the playlist that `last` is from
    last: Segment | None = None  # that was requested
    is_strict: bool = True  # as long as pictures come that way
    attempts: int = 0  # since a picture came
    target_s: float = 0.0  # of its segments


class HlsStream:
    """A live stream (HLS: MPEG-TS or fragmented MP4, plain or AES-128)."""

    def __init__(
        self,
        url: str,
        networks: Iterable[Network] = (),
        every_s: float = 1.0,
        limit_s: float = 6.0,
        headers: HeadersByHost | None = None,
    ) -> None:
        """A picture every `every_s`; `limit_s` without one is an error, or three segments.

        `headers` by host, as `fetch.Visitor` sends them. StreamRefused for what is no http(s)
        address. Which addresses it leads to is checked when they are connected to: internal ones
        only inside `networks`.
        """
        self.url, self.networks = well_formed(url), tuple(networks)
        self.every_s, self.limit_s = every_s, limit_s
        self.visitor = Visitor(urlsplit(url).hostname or "", headers or {}, Cookies())
        self.outage = Outage("stream")
        self.learnt = _Learnt(SegmentDecoder(every_s))
        self._thread: threading.Thread | None = None

    @property
    def silence_limit_s(self) -> float:
        """How long no picture may come, as far as the stream is known."""
        return max(self.limit_s, LIMIT_SEGMENTS * self.learnt.target_s)

    def frames(self, stopping: threading.Event) -> Iterator[Frame]:
        """The pictures from now on, in their time; ends within 1 s when `stopping` is set.

        A gap, a stall, a jump or a restart of the stream is survived. Raises UpstreamError when no
        picture came for `silence_limit_s`, at once when an address is refused or the stream is
        over. It may be called again then, and goes on with what it knows. A slow caller misses
        pictures, and is never more than a few segments behind.
        """
        if self._thread is not None and self._thread.is_alive():  # it still has the old decoder
            self.learnt = replace(self.learnt, decoder=SegmentDecoder(self.every_s))
        follower = _Follower(self)
        self._thread = threading.Thread(target=follower.run, name="hls-stream", daemon=True)
        self._thread.start()
        try:
            while (frame := self._next(follower, stopping)) is not None:
                yield frame
        finally:
            follower.over.set()  # a request that is under way ends by its own limit

    def _next(self, follower: _Follower, stopping: threading.Event) -> Frame | None:
        began = time.monotonic()
        while not stopping.is_set():
            try:
                shown = follower.shown.get(timeout=POLL_S)
            except queue.Empty:
                silence_limit_s = self.silence_limit_s
                if time.monotonic() < began + silence_limit_s - POLL_S:
                    continue
                problem = follower.problem[:MAX_REPORTED]
                raise UpstreamError(f"No picture for {silence_limit_s:g} s: {problem}") from None
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
        self._lists = Fetcher(stream.networks, stream.visitor, byte_limit=PLAYLIST_BYTES)
        self._files = Fetcher(stream.networks, stream.visitor, byte_limit=SEGMENT_BYTES)
        self._outage = stream.outage
        self._learnt = stream.learnt
        self._broken = 0  # segments, since a picture came
        self._due_at = 0.0  # monotonic

    def run(self) -> None:
        """Follow the stream until `over` is set."""
        try:
            while not self.over.is_set():
                try:
                    self._follow()
                except UpstreamError as exc:
                    if not self.over.is_set():
                        self._learnt.attempts += 1
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
        learnt = self._learnt
        if url != learnt.url and learnt.attempts:
            learnt.last = None  # another variant; its numbers need not be the same
        learnt.url = url
        while not self.over.is_set():
            learnt.target_s = playlist.target_s if playlist.segments else 0.0
            fresh = fresh_of(playlist, learnt.last)
            for segment in fresh:
                self._play(segment, playlist, is_last=playlist.is_over and segment is fresh[-1])
                if self.over.is_set():
                    return
            if playlist.is_over:
                raise _Ended
            if not fresh:
                if not self._broken:  # what is wrong with a segment says more
                    self.problem = _why_nothing_is_new(playlist)
                self.over.wait(min(max(playlist.target_s / 4, POLL_S), 0.5))
            playlist = self._playlist(url, playlist)

    def _joined(self) -> tuple[str, Playlist]:
        """The playlist with the segments, and its address: of the next variant at every attempt."""
        url, playlist = self._url, self._playlist(self._url)
        for _ in range(MAX_MASTERS):
            if not playlist.variants:
                return url, playlist
            url = playlist.variants[self._learnt.attempts % len(playlist.variants)]
            playlist = self._playlist(url, playlist)
        raise UpstreamError("The stream's playlists lead to one another without an end.")

    def _playlist(self, url: str, before: Playlist | None = None) -> Playlist:
        """The playlist at `url`, which the one `before` leads to, or which was that one."""
        fetched = self._lists.get(Piece(url), timeout_s=self._request_s)
        return parsed(fetched.body, fetched.url, before.defined if before else None)

    def _play(self, segment: Segment, playlist: Playlist, *, is_last: bool) -> None:
        learnt = self._learnt
        follows, learnt.last = segment.follows(learnt.last), segment
        try:
            for picture in learnt.decoder.pictures(
                self._body(segment),
                follows=follows,
                is_last=is_last,
                max_s=self._request_s,
                is_strict=learnt.is_strict,
            ):
                self._show(picture.image, is_live=not playlist.is_over)
                if self.over.is_set():
                    return
        except NoPictureYet as exc:
            self.problem = str(exc)
        except UpstreamError as exc:
            self._leave_out(exc)

    def _leave_out(self, exc: UpstreamError) -> None:
        """Continue without that segment; raise when there were too many in a row."""
        self.problem = str(exc)
        self._broken += 1
        if self._broken % MAX_BROKEN == 0:
            is_ours = isinstance(exc, UnreadableVideo)
            self._learnt.is_strict = self._learnt.is_strict and not is_ours
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
        self._learnt.attempts = self._broken = 0
        self._put(Frame(datetime.now(UTC), image))

    def _put(self, shown: Frame | UpstreamError) -> None:
        while not self.over.is_set():
            try:
                return self.shown.put(shown, timeout=POLL_S)
            except queue.Full:
                continue


def _why_nothing_is_new(playlist: Playlist) -> str:
    return "the playlist does not move on" if playlist.segments else "the playlist is empty"


class _Ended(Exception):
    """The playlist says that nothing will follow."""
