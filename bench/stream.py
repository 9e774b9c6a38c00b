"""Pictures off an HLS stream, beside PyAV's own `av.open(url)` on the same servers in the same run.

First picture: of a live stream at 1080p25 on loopback, in turns. Work: processor time for a second
of that video, one picture a second wanted. Failures: how servers that misbehave are handled, each
in a process of its own; PyAV is stopped after 20 s.
"""

from __future__ import annotations

import io
import ipaddress
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import av

from bench.kit import heading, line, peak_rss_mb, percentile
from ocr.clients.stream import HlsStream
from ocr.clients.stream.pictures import SegmentDecoder
from ocr.synthetic import boards
from ocr.tests import bad_streams as bad
from ocr.tests.bad_streams import Served, serving

ROUNDS = 15
RATE, SECONDS = 25, 2
TIMEOUT_S = 20
OURS, PLAIN = "ours", "av.open(url)"
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
PEAK = """
import re
from pathlib import Path
def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024
"""
WATCH = {
    OURS: PEAK + """
import ipaddress, logging, sys, threading, time
from ocr.clients.stream import HlsStream
from core.lib.upstream import UpstreamError
logging.disable()
began = time.monotonic()
try:
    loopback = [ipaddress.ip_network("127.0.0.0/8")]
    for _ in HlsStream(sys.argv[1], loopback).frames(threading.Event()): pass
except UpstreamError: pass  # its end is what is timed
print(f"{time.monotonic() - began:.1f} {peak()}")
""",
    PLAIN: PEAK + """
import sys, time
import av
began = time.monotonic()
try:
    with av.open(sys.argv[1]) as stream:
        for _ in stream.decode(video=0): pass
except (av.FFmpegError, OSError): pass  # its end is what is timed
print(f"{time.monotonic() - began:.1f} {peak()}")
""",
}  # fmt: skip


def main() -> None:
    segment = _segment()
    heading("The first picture off a live stream (1080p25, loopback)")
    with serving({}) as served:
        served.pages.update({"/live.m3u8": _moving, **{f"/{n}.ts": segment for n in range(10)}})
        _compare({OURS: lambda: _first_of_ours(served), PLAIN: lambda: _first_plain(served)})
    heading("Processor time for one second of 1080p25, one picture wanted")
    _compare({OURS: lambda: _work_of_ours(segment), PLAIN: lambda: _work_plain(segment)})
    heading("What misbehaving servers cost: seconds until it ended, peak memory of the process")
    _failures(segment)


def _compare(sides: dict[str, Callable[[], float]]) -> None:
    measured_s: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, measure in sides.items():
            measured_s[name].append(measure())
    peer = percentile(measured_s[PLAIN], 0.5)
    for name, figures in measured_s.items():
        p50, p95 = percentile(figures, 0.5), percentile(figures, 0.95)
        figures_ms = f"p50 {p50 * 1000:.0f} ms   p95 {p95 * 1000:.0f} ms"
        line(name, figures_ms, f"{p50 / peer:.2f} of {PLAIN}")


def _segment() -> bytes:
    """Two seconds of a board above a line of text that moves."""
    look = boards.Appearance("table", mark="ball")
    image = boards.draw(boards.invented_wheels(random.Random(5)), look).image
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as to:
        stream: Any = to.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv420p"
        for _ in range(RATE * SECONDS):
            image[1010:] = image[1010:, [*range(8, image.shape[1]), *range(8)]]
            to.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        to.mux(stream.encode())
    return file.getvalue()


def _moving(client: Any) -> None:
    """A live playlist that moves on by the clock."""
    first = int(time.monotonic() / SECONDS)
    names = [f"{(first + n) % 10}.ts" for n in range(5)]
    client.sendall(bad.response(bad.playlist(*names, first=first, seconds=SECONDS)))


def _first_of_ours(served: Served) -> float:
    began = time.perf_counter()
    frames = HlsStream(served.url(), LOOPBACK).frames(threading.Event())
    next(frames)
    took = time.perf_counter() - began
    frames.close()  # type: ignore[attr-defined]
    return took


def _first_plain(served: Served) -> float:
    began = time.perf_counter()
    with av.open(served.url()) as stream:
        next(stream.decode(video=0)).to_ndarray(format="bgr24")
        return time.perf_counter() - began


def _work_of_ours(segment: bytes) -> float:
    began = time.process_time()
    list(SegmentDecoder(every_s=1.0).pictures(segment, follows=False, is_last=True, max_s=10))
    return (time.process_time() - began) / SECONDS


def _work_plain(segment: bytes) -> float:
    began = time.process_time()
    with av.open(io.BytesIO(segment)) as stream:
        for number, frame in enumerate(stream.decode(video=0)):
            if number % RATE == 0:
                frame.to_ndarray(format="bgr24")
    return (time.process_time() - began) / SECONDS


def _failures(segment: bytes) -> None:
    once = bad.playlist("1.ts")
    faults: dict[str, dict[str, bad.Page]] = {
        "silence": {"/live.m3u8": bad.silent},
        "a byte a second": {"/live.m3u8": bad.dripping(b"#EXTM3U\n", every_s=1.0)},
        "a segment a byte a second": {"/live.m3u8": once, "/1.ts": bad.dripping(b"G", every_s=1.0)},
        "a playlist without an end": {"/live.m3u8": bad.endless(b"#EXTM3U\n")},
        "a segment without an end": {"/live.m3u8": once, "/1.ts": bad.endless(segment)},
        "a stream that stands still": {"/live.m3u8": once, "/1.ts": segment},
        "redirects in a circle": {"/live.m3u8": bad.redirect("/live.m3u8")},
        "a page": {"/live.m3u8": b"<!doctype html>"},
    }
    with serving({}) as closed:
        closed_url = closed.url()
    line("", f"{OURS:>16}", f"{PLAIN:>24}")
    line("nobody listens", *(f"{_cost(side, closed_url):>16}" for side in WATCH))
    for fault, pages in faults.items():
        with serving(pages) as served:
            line(fault, *(f"{_cost(side, served.url()):>16}" for side in WATCH))


def _cost(side: str, url: str) -> str:
    with subprocess.Popen([sys.executable, "-c", WATCH[side], url], stdout=subprocess.PIPE) as run:
        try:
            printed, _ = run.communicate(timeout=TIMEOUT_S)
            seconds, megabytes = printed.split()[-2:]
            return f"{float(seconds):.1f} s  {int(megabytes)} MB"
        except subprocess.TimeoutExpired:
            peak_mb = peak_rss_mb(run.pid)
            run.kill()
            return f"over {TIMEOUT_S} s  {peak_mb:.0f} MB"
