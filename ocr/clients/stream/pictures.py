"""A segment's pictures, decoded by PyAV out of memory within bounds."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Final, NamedTuple, cast

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from ocr.types import StreamError

Pixels = NDArray[np.uint8]

MOST_PIXELS: Final = 2560 * 1440
MOST_FRAMES: Final = 3_000  # of a segment: 30 s of 100 a second
BOXES: Final = (b"ftyp", b"styp", b"moof", b"sidx", b"emsg", b"prft")  # an MP4 may begin with
# What the demuxer may look through before it knows the streams, and the decoders it may use. The
# limit on the size also holds for the pictures that it decodes while it looks.
OPTIONS: Final = {
    "probesize": "1000000",
    "analyzeduration": "500000",
    "codec_whitelist": "h264,hevc,mpeg2video,mpeg4,aac,mp3float,mp2float,ac3",
    "protocol_whitelist": "none",
    "max_pixels": str(MOST_PIXELS),
}


class Picture(NamedTuple):
    """A picture (height, width, BGR), and how far into the segment it is shown."""

    at_s: float
    image: Pixels


def pictures(segment: bytes, *, every_s: float, first_s: float, most_s: float) -> Iterator[Picture]:
    """One picture every `every_s` of a segment (MPEG-TS or fragmented MP4), from `first_s` on.

    Broken pictures are left out. Raises StreamError for what is no video, is over 2560 x 1440, or
    takes more than `most_s` to decode.
    """
    with _opened(segment) as container:
        begun_at: float | None = None
        wanted_s = first_s
        for frame in _decoded(container, most_s):
            shown_at: float | None = frame.time
            if shown_at is None or frame.is_corrupt:
                continue
            begun_at = shown_at if begun_at is None else begun_at
            at_s = shown_at - begun_at
            if at_s >= wanted_s - 0.001:
                wanted_s = max(wanted_s + every_s, at_s)
                yield Picture(at_s, _pixels(frame))
        if begun_at is None:
            raise StreamError("There is no picture in the video.")


def decrypted(segment: bytes, key: bytes, iv: bytes) -> bytes:
    """A segment encrypted with AES-128. StreamError when the key does not fit."""
    try:
        cipher = Cipher(algorithms.AES128(key), modes.CBC(iv)).decryptor()
        plain = cipher.update(segment) + cipher.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        return unpadder.update(plain) + unpadder.finalize()
    except ValueError as exc:
        raise StreamError("The segment cannot be decrypted.") from exc


def _opened(segment: bytes) -> InputContainer:
    if segment[:1] == b"G":  # the first byte of every MPEG-TS packet
        kind = "mpegts"
    elif segment[4:8] in BOXES:
        kind = "mp4"
    else:
        raise StreamError("What came is no video.")
    try:
        return av.open(io.BytesIO(segment), "r", format=kind, options=OPTIONS)
    except (av.error.FFmpegError, EOFError, MemoryError) as exc:
        raise StreamError("The video cannot be opened.") from exc


def _decoded(container: InputContainer, most_s: float) -> Iterator[av.VideoFrame]:
    stream = _video(container)
    left_s, count = most_s, 0
    began = time.monotonic()
    for packet in _packets(container, stream):
        for frame in _frames(packet):
            left_s -= time.monotonic() - began
            count += 1
            if left_s < 0 or count > MOST_FRAMES:
                raise StreamError("The video takes too long to decode.")
            yield frame
            began = time.monotonic()  # what the caller did meanwhile is not ours
        if time.monotonic() - began > left_s:
            raise StreamError("The video takes too long to decode.")


def _video(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise StreamError("There is no picture in the video.")
    stream = container.streams.video[0]
    context = stream.codec_context
    if context.width * context.height > MOST_PIXELS:
        raise StreamError("The picture is over 2560 x 1440.")
    context.options = {"max_pixels": str(MOST_PIXELS)}
    context.thread_count = 1
    context.skip_frame = "NONREF"  # pictures that no other one is built on
    return stream


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet[VideoStream]]:
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError as exc:
        raise StreamError("The video ends in the middle.") from exc


def _frames(packet: av.Packet[VideoStream]) -> list[av.VideoFrame]:
    try:
        return packet.decode()
    except av.error.InvalidDataError:  # this picture is broken; the next ones may not be
        return []
    except av.error.FFmpegError as exc:
        raise StreamError("The video cannot be decoded.") from exc


def _pixels(frame: av.VideoFrame) -> Pixels:
    return cast(Pixels, frame.to_ndarray(format="bgr24"))
