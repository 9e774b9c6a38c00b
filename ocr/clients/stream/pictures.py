"""The pictures of a stream's segments, decoded by PyAV out of memory within bounds."""

from __future__ import annotations

import io
import time
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple, cast

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.stream import VideoStream
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from core.lib.upstream import UpstreamError
from ocr.reader.types import Pixels

MAX_PIXELS: Final = 2560 * 1440
MAX_FRAMES: Final = 3_000  # of a segment: 30 s of 100 a second
MAX_STEP_S: Final = 30.0  # from one picture to the next; a longer one is another clock
USUAL_STEP_S: Final = 0.04
MAX_SEAM: Final = 2  # times the usual step, from one segment's last picture to the next one's first
BOXES: Final = (b"ftyp", b"styp", b"moof", b"sidx", b"emsg", b"prft")  # an MP4 may begin with
PACKET: Final = 188  # bytes, of MPEG-TS; each begins with SYNC
SYNC: Final = 0x47
MAX_LEADING: Final = 64 * 1024  # bytes before the first packet: an ID3 tag, the rest of a packet
# What live streams are made of, and nothing else of the hundreds that FFmpeg would decode.
PICTURE_DECODERS: Final = ("h264", "hevc", "mpeg2video", "mpeg4")
SOUND_DECODERS: Final = ("aac", "mp3float", "mp2float", "ac3")
# What the demuxer may read before it knows the streams, and the decoders it may use meanwhile;
# which one decodes afterwards is checked in `_video`. The limit on the size holds for both.
OPTIONS: Final = {
    "probesize": "1000000",
    "analyzeduration": "500000",
    "codec_whitelist": ",".join((*PICTURE_DECODERS, *SOUND_DECODERS)),
    "protocol_whitelist": "none",
    "max_pixels": str(MAX_PIXELS),
}


class DecodedPicture(NamedTuple):
    """A picture (height, width, BGR), and when it is shown: seconds since the decoder's first."""

    at_s: float
    image: Pixels


class UnreadableVideo(UpstreamError):
    """A video came, but no picture came out of it."""


class NoPictureYet(UnreadableVideo):
    """Its pictures are built on one that came before; the next that stands by itself will do."""


class SegmentDecoder:
    """Decodes a stream's segments one after another; one picture every `every_s` is wanted.

    Where a segment follows the one before, so does the decoder: its pictures may be built on those
    of that one (an open or long GOP, intra refresh), as they are for a player.
    """

    def __init__(self, every_s: float) -> None:
        self._clock = _Clock(every_s)
        self._video: _Video | None = None

    def pictures(
        self,
        segment: bytes,
        *,
        follows: bool,
        is_last: bool = False,
        max_s: float,
        is_strict: bool = True,
    ) -> Iterator[DecodedPicture]:
        """Those of a segment (MPEG-TS or fragmented MP4) that are wanted.

        Broken pictures, and those that are built on them, are left out: a decoder fills what it
        lost with something else, and part of another number is a wrong number. Not `is_strict`, for
        encoders that are never quite right: all that can be decoded are shown. A decoder keeps the
        last few pictures until the next segment, unless this one `is_last`.

        Raises NoPictureYet; UnreadableVideo for what is no video, is none that PICTURE_DECODERS
        decode, is over 2560 x 1440, or takes more than `max_s` to decode.
        """
        try:
            with _opened(segment) as container:
                stream = _video(container)
                if follows and self._video and self._video.fits(stream, is_strict):
                    video = self._video
                    video.is_at_seam = True
                else:
                    video = self._video = _Video(stream, is_strict)
                frames = _decoded(video, container, stream, is_last, max_s)
                count = yield from self._chosen(frames)
                if video.waits:
                    raise NoPictureYet("No picture has come yet that stands by itself.")
                if not count:
                    raise UnreadableVideo("There is no whole picture in the video.")
        except UnreadableVideo:
            raise
        except Exception as exc:  # PyAV fails in as many ways as there are broken files
            self._video = None
            raise UnreadableVideo(f"The video is broken ({type(exc).__name__}).") from exc

    def _chosen(self, frames: Iterator[av.VideoFrame]) -> Generator[DecodedPicture, None, int]:
        """Those that are due; returns how many there were of all."""
        count = 0
        for frame in frames:
            count += 1
            at_s = self._clock.at_s(frame)
            if self._clock.is_due(at_s):
                yield DecodedPicture(at_s, cast(Pixels, frame.to_ndarray(format="bgr24")))
        return count


def decrypted(segment: bytes, key: bytes, iv: bytes) -> bytes:
    """A segment encrypted with AES-128. UpstreamError when the key does not fit."""
    try:
        cipher = Cipher(algorithms.AES128(key), modes.CBC(iv)).decryptor()
        plain = cipher.update(segment) + cipher.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        return unpadder.update(plain) + unpadder.finalize()
    except ValueError as exc:
        raise UpstreamError("The segment cannot be decrypted.") from exc


class _Clock:
    """One clock for the whole stream, whatever its segments' own begin with."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._shift_s = 0.0
        self._last_s: float | None = None
        self._step_s = USUAL_STEP_S
        self._wanted_s = 0.0

    def at_s(self, frame: av.VideoFrame) -> float:
        """When the frame is shown."""
        at_s = frame.time + self._shift_s
        if self._last_s is None or not 0 <= at_s - self._last_s < MAX_STEP_S:
            at_s = 0.0 if self._last_s is None else self._last_s + self._step_s
            self._shift_s = at_s - frame.time
        elif at_s > self._last_s:
            self._step_s = at_s - self._last_s
        self._last_s = at_s
        return at_s

    def is_due(self, at_s: float) -> bool:
        """Whether a picture of that time is wanted."""
        if at_s < self._wanted_s - 0.001:
            return False
        self._wanted_s = max(self._wanted_s + self._every_s, at_s)
        return True


class _Video:
    """A decoder, and from where on its pictures are as they should be."""

    def __init__(self, stream: VideoStream, is_strict: bool) -> None:
        given = stream.codec_context
        self.context = cast(VideoCodecContext, av.CodecContext.create(given.name, "r"))
        self.context.extradata = given.extradata
        self.context.options = {
            "max_pixels": str(MAX_PIXELS),
            **({"err_detect": "explode"} if is_strict else {}),
        }
        self.context.thread_count = 1
        self.context.skip_frame = "NONREF"  # pictures that no other one is built on
        self._is_strict = is_strict
        self.is_at_seam = False  # the next packet is the first of another segment
        self._last_dts: int | None = None
        self._step: int | None = None  # between packets
        self._is_intact = True
        self._key_pts: int | None = None  # of the last picture that stands by itself
        self._mends_at: int | None = None  # pts from which what was lost may be over
        self._is_refreshed = False  # a round of intra refresh has passed since

    @property
    def waits(self) -> bool:
        """Whether no picture that stands by itself has come since the decoder began."""
        return self._is_strict and self._key_pts is None

    def fits(self, stream: VideoStream, is_strict: bool) -> bool:
        """Whether the stream goes on as it was; a segment need not repeat its head."""
        given = stream.codec_context
        is_same = not given.extradata or given.extradata == self.context.extradata
        return given.name == self.context.name and is_same and is_strict == self._is_strict

    def decoded(self, packet: av.Packet[VideoStream] | None) -> Iterator[av.VideoFrame]:
        """The intact pictures that come out as `packet` goes in; None: those still inside."""
        frames: list[av.VideoFrame] | None
        try:
            frames = self.context.decode(packet)
        except av.error.InvalidDataError:
            frames = None
        if packet is not None and self._is_strict:
            is_broken = self._is_gap(packet) or packet.is_corrupt or frames is None
            self._judge(packet, is_broken=is_broken)
        for frame in frames or ():
            if frame.pts is not None and not frame.is_corrupt and self._shows(frame):
                yield frame

    def _is_gap(self, packet: av.Packet[VideoStream]) -> bool:
        """Whether pictures are missing between two segments; the decoder would not mind."""
        if packet.dts is None:
            return False
        last, step, is_seam = self._last_dts, self._step, self.is_at_seam
        self._last_dts, self.is_at_seam = packet.dts, False
        if last is not None and packet.dts > last:
            self._step = packet.dts - last
        if not is_seam or packet.is_keyframe or last is None or step is None:
            return False
        return not 0 < packet.dts - last <= MAX_SEAM * step

    def _judge(self, packet: av.Packet[VideoStream], *, is_broken: bool) -> None:
        if packet.is_keyframe:
            self._key_pts = packet.pts
        if is_broken:
            # A picture shown before the key picture that it follows is built on the GOP before,
            # which was not seen; nothing is built on it.
            pts, key_pts = packet.pts, self._key_pts
            if pts is None or key_pts is None or pts >= key_pts:
                self._is_intact, self._is_refreshed, self._mends_at = False, False, None
        elif packet.is_keyframe and not self._is_intact:
            self._mends_at = packet.pts

    def _shows(self, frame: av.VideoFrame) -> bool:
        if not self._is_intact and frame.pts == self._mends_at:
            # Intra refresh renews a picture strip by strip, from one such point to the next.
            self._is_intact = frame.pict_type == PictureType.I or self._is_refreshed
            self._is_refreshed = True
        return self._is_intact


def _opened(segment: bytes) -> InputContainer:
    if segment[4:8] in BOXES:
        kind = "mp4"
    elif (first := _first_packet(segment)) is not None:
        kind, segment = "mpegts", segment[first:]
    else:
        raise UnreadableVideo("What came is no video (MPEG-TS or MP4).")
    # Titles and the like may be in any encoding; nobody reads them.
    return av.open(
        io.BytesIO(segment), "r", format=kind, options=OPTIONS, metadata_errors="replace"
    )


def _first_packet(segment: bytes) -> int | None:
    """Where the first packet of MPEG-TS begins, beyond a tag or what is left of another packet."""
    if segment[:1] == bytes([SYNC]):
        return 0
    first = segment.find(SYNC, 0, MAX_LEADING)
    while first >= 0:
        if segment[first : first + 4 * PACKET : PACKET] == bytes([SYNC]) * 4:
            return first
        first = segment.find(SYNC, first + 1, MAX_LEADING)
    return None


def _video(container: InputContainer) -> VideoStream:
    """The stream of pictures that is read. Raises UnreadableVideo."""
    if not container.streams.video:
        raise UnreadableVideo("There is no picture in the video.")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context.name not in PICTURE_DECODERS:
        raise UnreadableVideo(
            f"The video is of a kind that is not read ({context.name}): "
            "H.264, HEVC, MPEG-2 and MPEG-4 are."
        )
    if context.width * context.height > MAX_PIXELS:
        raise UnreadableVideo("The picture is over 2560 x 1440.")
    return stream


def _decoded(
    video: _Video, container: InputContainer, stream: VideoStream, is_last: bool, max_s: float
) -> Iterator[av.VideoFrame]:
    left_s, count = max_s, 0
    began = time.monotonic()
    for packet in container.demux(stream):
        if packet.dts is None and not packet.size and not is_last:
            continue  # the demuxer's end; the stream goes on
        for frame in video.decoded(packet):
            left_s -= time.monotonic() - began
            count += 1
            if left_s < 0 or count > MAX_FRAMES:
                raise UnreadableVideo("The video takes too long to decode.")
            frame.time_base = stream.time_base  # one that was kept from before has none
            yield frame
            began = time.monotonic()  # what the caller did meanwhile is not ours
        if time.monotonic() - began > left_s:
            raise UnreadableVideo("The video takes too long to decode.")
