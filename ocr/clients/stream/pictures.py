"""A segment's pictures, decoded by PyAV out of memory within bounds."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from typing import Final, NamedTuple, cast

import av
from av.container import InputContainer
from av.video.stream import VideoStream
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from core.lib.upstream import UpstreamError
from ocr.reader.types import Pixels

MAX_PIXELS: Final = 2560 * 1440
MAX_FRAMES: Final = 3_000  # of a segment: 30 s of 100 a second
BOXES: Final = (b"ftyp", b"styp", b"moof", b"sidx", b"emsg", b"prft")  # an MP4 may begin with
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
    """A picture (height, width, BGR), and how far into the segment it is shown."""

    at_s: float
    image: Pixels


class UnreadableVideo(UpstreamError):
    """A video came, but no picture came out of it."""


def pictures(
    segment: bytes, *, every_s: float, first_s: float, max_s: float, is_strict: bool = True
) -> Iterator[DecodedPicture]:
    """One picture every `every_s` of a segment (MPEG-TS or fragmented MP4), from `first_s` on.

    Broken pictures, and those that are built on them, are left out: a decoder fills what it lost
    with something else, and part of another number is a wrong number. Not `is_strict`, for encoders
    that are never quite right: all that can be decoded are shown. Raises UnreadableVideo for what
    is no video, is none that PICTURE_DECODERS decode, is over 2560 x 1440, or takes more than
    `max_s` to decode.
    """
    try:
        with _opened(segment) as container:
            yield from _chosen(_decoded(container, max_s, is_strict), every_s, first_s)
    except UnreadableVideo:
        raise
    except Exception as exc:  # PyAV fails in as many ways as there are broken files
        raise UnreadableVideo(f"The video is broken ({type(exc).__name__}).") from exc


def decrypted(segment: bytes, key: bytes, iv: bytes) -> bytes:
    """A segment encrypted with AES-128. UpstreamError when the key does not fit."""
    try:
        cipher = Cipher(algorithms.AES128(key), modes.CBC(iv)).decryptor()
        plain = cipher.update(segment) + cipher.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        return unpadder.update(plain) + unpadder.finalize()
    except ValueError as exc:
        raise UpstreamError("The segment cannot be decrypted.") from exc


def _chosen(
    frames: Iterator[av.VideoFrame], every_s: float, wanted_s: float
) -> Iterator[DecodedPicture]:
    begun_at: float | None = None
    for frame in frames:
        shown_at: float | None = frame.time
        if shown_at is None or frame.is_corrupt:
            continue
        begun_at = shown_at if begun_at is None else begun_at
        at_s = shown_at - begun_at
        if at_s >= wanted_s - 0.001:
            wanted_s = max(wanted_s + every_s, at_s)
            yield DecodedPicture(at_s, cast(Pixels, frame.to_ndarray(format="bgr24")))
    if begun_at is None:
        raise UnreadableVideo("There is no picture in the video.")


def _opened(segment: bytes) -> InputContainer:
    if segment[:1] == b"G":  # the first byte of every MPEG-TS packet
        kind = "mpegts"
    elif segment[4:8] in BOXES:
        kind = "mp4"
    else:
        raise UnreadableVideo("What came is no video.")
    # Titles and the like may be in any encoding; nobody reads them.
    return av.open(
        io.BytesIO(segment), "r", format=kind, options=OPTIONS, metadata_errors="replace"
    )


def _decoded(container: InputContainer, max_s: float, is_strict: bool) -> Iterator[av.VideoFrame]:
    stream = _video(container, is_strict)
    left_s, count, intact_from = max_s, 0, -math.inf
    began = time.monotonic()
    for packet in container.demux(stream):
        frames = _frames(packet)
        if is_strict and (frames is None or packet.is_corrupt):
            intact_from = math.inf
        elif packet.is_keyframe and intact_from == math.inf:
            intact_from = packet.pts or 0  # nothing from here on is built on what was lost
        for frame in frames or ():
            left_s -= time.monotonic() - began
            count += 1
            if left_s < 0 or count > MAX_FRAMES:
                raise UnreadableVideo("The video takes too long to decode.")
            if frame.pts is not None and frame.pts >= intact_from:
                yield frame
            began = time.monotonic()  # what the caller did meanwhile is not ours
        if time.monotonic() - began > left_s:
            raise UnreadableVideo("The video takes too long to decode.")


def _video(container: InputContainer, is_strict: bool) -> VideoStream:
    if not container.streams.video:
        raise UnreadableVideo("There is no picture in the video.")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context.name not in PICTURE_DECODERS:
        raise UnreadableVideo(f"The video is of a kind that is not read ({context.name}).")
    if context.width * context.height > MAX_PIXELS:
        raise UnreadableVideo("The picture is over 2560 x 1440.")
    context.options = {
        "max_pixels": str(MAX_PIXELS),
        **({"err_detect": "explode"} if is_strict else {}),
    }
    context.thread_count = 1
    context.skip_frame = "NONREF"  # pictures that no other one is built on
    return stream


def _frames(packet: av.Packet[VideoStream]) -> list[av.VideoFrame] | None:
    """What a decoder makes of it; None when it is broken, which the next ones may not be."""
    try:
        return packet.decode()
    except av.error.InvalidDataError:
        return None
