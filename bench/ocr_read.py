"""One frame of 1080 lines read, beside RapidOCR's plain call on the same frame in the same run.

In turn: the plain call; a frame by itself; a frame whose layout is known, with other numbers; a
frame on which nothing has changed. Both networks read each time. Then the process's memory.
"""

from __future__ import annotations

import logging
import random
import resource
import time
from collections.abc import Callable
from typing import Any

from bench.kit import heading, line, percentile
from ocr.synthetic import boards

ROUNDS = 12
PLAIN, ALONE, KNOWN, SAME = "RapidOCR, plain", "a frame by itself", "layout known", "unchanged"


def main() -> None:
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    began = time.perf_counter()
    from ocr.reader.engines import rapidocr

    reader = rapidocr()
    loaded_s = time.perf_counter() - began
    peak_mb = 0.0
    frames = _frames()
    times: dict[str, list[tuple[float, float]]] = {n: [] for n in (PLAIN, ALONE, KNOWN, SAME)}
    for frame in frames[:3]:
        reader.read(frame)
        reader.watch(frame)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # before the peer is there
    plain = RapidOCR()
    plain(frames[0])
    for turn in range(ROUNDS):
        frame = frames[turn % len(frames)]
        times[PLAIN].append(_took(plain, frame))
        times[ALONE].append(_took(reader.read, frame))
        times[KNOWN].append(_took(reader.watch, frame))
        times[SAME].append(_took(reader.watch, frame))
    heading("Reading a frame of 1080 lines")
    peer_s, peer_cpu_s = _p50(times[PLAIN])
    for name, figures in times.items():
        wall_s, cpu_s = _p50(figures)
        line(
            name,
            f"p50 {wall_s * 1000:7.1f} ms   {wall_s / peer_s:5.3f} of the plain call",
            f"processor {cpu_s * 1000:7.1f} ms   {cpu_s / peer_cpu_s:5.3f}",
        )
    line("loaded in", f"{loaded_s:.2f} s, peak memory of the process {peak_mb:.0f} MB")


def _frames() -> list[Any]:
    """Boards of one appearance, with other numbers each."""
    dice = random.Random(5)
    look = boards.Appearance("table", mark="ball", second_game=True)
    return [boards.draw(boards.invented_wheels(dice), look).image for _ in range(4)]


def _took(call: Callable[[Any], Any], frame: Any) -> tuple[float, float]:
    """Seconds, and seconds of processor: the latter are meaningful on a busy machine, too."""
    began, cpu_began = time.perf_counter(), time.process_time()
    call(frame)
    return time.perf_counter() - began, time.process_time() - cpu_began


def _p50(figures: list[tuple[float, float]]) -> tuple[float, float]:
    wall, cpu = zip(*figures, strict=True)
    return percentile(list(wall), 0.5), percentile(list(cpu), 0.5)
