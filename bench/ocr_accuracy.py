"""How many numbers of invented boards the reader gets right, by what happened to the picture.

The boards (BENCH_OCR_BOARDS of them, from BENCH_OCR_SEED on) are none that anything was trained or
tuned on. The peer is RapidOCR's plain call: its texts of two digits at most, each taken for the
cell that it lies on.
"""

from __future__ import annotations

import logging
import os
import random
from collections import Counter
from typing import Any

from bench.kit import heading, line
from ocr import boards
from ocr.reader.types import SURE

BOARDS = int(os.environ.get("BENCH_OCR_BOARDS", "80"))
SEED = int(os.environ.get("BENCH_OCR_SEED", "500000"))


def main() -> None:
    from rapidocr import RapidOCR

    from ocr.reader.engines import rapidocr

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    reader, plain = rapidocr(), RapidOCR()
    counted: dict[str, Counter[str]] = {damage: Counter() for damage in boards.DAMAGES}
    for seed in range(SEED, SEED + BOARDS):
        dice = random.Random(seed)
        damage = boards.DAMAGES[seed % len(boards.DAMAGES)]
        wheels = boards.invented_wheels(dice)
        picture = boards.spoil(boards.draw(wheels, boards.invented_look(dice)), damage, dice)
        counted[damage] += _compared(reader.read(picture.image), wheels, picture)
        counted[damage]["plain"] += _plain(plain(picture.image), wheels, picture)
    heading(f"Numbers of {BOARDS} boards")
    for damage, count in counted.items():
        cells = count["cells"]
        line(
            damage,
            f"{cells} cells: best guess right {count['right'] / cells:.2%}, sure "
            f"{count['sure'] / cells:.2%}, sure and wrong {count['wrong']}, wrong boards "
            f"{count['wrong board']}; plain {count['plain'] / cells:.2%}",
        )


def _compared(reading: Any, wheels: dict[str, list[int]], picture: boards.Picture) -> Counter[str]:
    count: Counter[str] = Counter(cells=len(picture.cells))
    for wheel, place in picture.cells:
        said = reading.wheels[wheel][place] if wheel in reading.wheels else None
        is_right = said is not None and said.number == wheels[wheel][place]
        count["right"] += is_right
        is_sure = said is not None and said.number is not None and said.confidence >= SURE
        count["sure"] += is_sure
        count["wrong"] += is_sure and not is_right
    count["wrong board"] += any(
        list(numbers) != wheels[wheel] for wheel, numbers in reading.sure().items()
    )
    return count


def _plain(found: Any, wheels: dict[str, list[int]], picture: boards.Picture) -> int:
    texts = list(zip(found.boxes, found.txts, strict=True)) if found.boxes is not None else []
    right = 0
    for (wheel, place), corners in picture.cells.items():
        x, y = corners.mean(0)
        on = [text for box, text in texts if _holds(box, x, y)]
        right += any(text.isdigit() and int(text) == wheels[wheel][place] for text in on)
    return right


def _holds(box: Any, x: float, y: float) -> bool:
    (left, top), (right, bottom) = box.min(0), box.max(0)
    return bool(left < x < right and top < y < bottom)
