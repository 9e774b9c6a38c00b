"""The engines that can be chosen, side by side on the same boards: right, sure, speed, memory.

Needs requirements-easyocr.txt beside the usual. BENCH_OCR_MODELS, a folder with EasyOCR's stock
weights, adds these. Each engine is in a process of its own, and every board is shown to one after
the other, first by itself and then as the next frame of a stream with the same layout.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from bench.kit import heading, line, percentile
from bench.ocr_accuracy import BOARDS, SEED
from ocr.reader.types import SURE
from ocr.synthetic import boards, damages

MODELS = os.environ.get("BENCH_OCR_MODELS", "")
FRAMES = 8  # that are timed: one layout of 1080 lines, other numbers each


def main() -> None:
    from ocr.reader.dependencies import missing

    if lacking := missing("easyocr", MODELS):
        heading("The engines side by side")
        line("left out", str(lacking))
        return
    engines = {"rapidocr": ("rapidocr",), "easyocr, our network": ("easyocr",)}
    if MODELS:
        engines["easyocr, stock weights"] = ("easyocr", MODELS)
    spawn = multiprocessing.get_context("spawn")
    processes = {name: ProcessPoolExecutor(1, spawn) for name in engines}
    loaded_s = {name: processes[name].submit(_load, *engines[name]).result() for name in engines}
    counted = {name: {damage: Counter[str]() for damage in damages.DAMAGES} for name in engines}
    for seed in range(SEED, SEED + BOARDS):
        for name, process in processes.items():
            damage, count = process.submit(_compare, seed).result()
            counted[name][damage] += count
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for number in range(FRAMES):
        for name, process in processes.items():
            times[name].append(process.submit(_time, number).result())
    for name, process in processes.items():
        alone, known = (percentile([took[i] for took in times[name][1:]], 0.5) for i in (0, 1))
        heading(f"{name}, on {BOARDS} boards")
        for damage, count in counted[name].items():
            line(damage, _shares(count))
        line(
            "a frame of 1080 lines",
            f"p50 {alone * 1000:.0f} ms, layout known {known * 1000:.0f} ms",
        )
        peak_mb = process.submit(_peak_mb).result()
        line("loaded in", f"{loaded_s[name]:.2f} s, peak memory of the process {peak_mb:.0f} MB")
        process.shutdown()


def _shares(count: Counter[str]) -> str:
    cells = count["cells"]
    return (
        f"{cells} cells: best guess right {count['right'] / cells:.2%}, sure "
        f"{count['sure'] / cells:.2%}, sure and wrong {count['wrong']}"
    )


_reader: Any = None  # of a process


def _load(engine: str, *options: str) -> float:
    """Seconds that it took."""
    global _reader
    from ocr.reader.engines import ENGINES

    began = time.perf_counter()
    _reader = ENGINES[engine](*options)
    return time.perf_counter() - began


def _compare(seed: int) -> tuple[str, Counter[str]]:
    """What happened to a board, and how many of its cells are right, sure, sure and wrong."""
    dice = random.Random(seed)
    damage = damages.DAMAGES[seed % len(damages.DAMAGES)]
    wheels = boards.invented_wheels(dice)
    picture = damages.spoil(boards.draw(wheels, boards.invented_appearance(dice)), damage, dice)
    count = Counter(cells=len(picture.cells))
    for wheel, numbers in _reader.read(picture.image).wheels.items():
        for place, each in enumerate(numbers):
            is_right = (wheel, place) in picture.cells and each.number == wheels[wheel][place]
            is_sure = each.number is not None and each.confidence >= SURE
            count += Counter(right=is_right, sure=is_sure, wrong=is_sure and not is_right)
    return damage, count


def _time(number: int) -> tuple[float, float]:
    """Seconds for a frame by itself, and for one with the layout of the one before."""
    look = boards.Appearance("table", mark="ball", second_game=True)
    frame = boards.draw(boards.invented_wheels(random.Random(number)), look).image
    began = time.perf_counter()
    _reader.read(frame)
    between = time.perf_counter()
    _reader.watch(frame)
    return between - began, time.perf_counter() - between


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
