"""Streams as tests watch them."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from itertools import islice
from typing import Final

import pytest

from core.lib.upstream import UpstreamError
from ocr.clients.stream import Frame, HlsStream

LOOPBACK: Final = [ipaddress.ip_network("127.0.0.0/8")]


def stream(url: str, *, every_s: float = 0.2, limit_s: float = 1.0) -> HlsStream:
    return HlsStream(url, LOOPBACK, every_s=every_s, limit_s=limit_s)


def shades(frames: Iterator[Frame], count: int) -> list[int]:
    """The greys of the next pictures, rounded to tens."""
    return [round(float(frame.image.mean()) / 10) * 10 for frame in islice(frames, count)]


def failure(url: str, *, limit_s: float = 1.0) -> str:
    """Why no picture comes off a stream."""
    with pytest.raises(UpstreamError) as failed:
        list(stream(url, limit_s=limit_s).frames(threading.Event()))
    return str(failed.value)
