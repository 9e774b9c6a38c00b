"""How many numbers of invented boards the reader gets right, by what happened to the picture.

The boards (BENCH_OCR_BOARDS of them, from BENCH_OCR_SEED on) are none that anything was trained or
tuned on; every fifth is not all out yet. The peer is RapidOCR's plain call: its texts of two digits
at most, each taken for the cell that it lies on; BENCH_OCR_PEER=0 leaves it out. Then as many
pictures that are no board.
"""

from __future__ import annotations

import logging
import os
import random
from collections import Counter
from typing import Any

from bench.kit import heading, line
from ocr.reader.types import SURE
from ocr.synthetic import boards, damages, other_pictures

BOARDS = int(os.environ.get("BENCH_OCR_BOARDS", "80"))
SEED = int(os.environ.get("BENCH_OCR_SEED", "500000"))
PEER = os.environ.get("BENCH_OCR_PEER", "1") == "1"


def main() -> None:
    from ocr.reader.engines import rapidocr

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    reader, plain = rapidocr(), _peer()
    counted: dict[str, Counter[str]] = {damage: Counter() for damage in damages.DAMAGES}
    not_right = []
    for seed in range(SEED, SEED + BOARDS):
        damage, wheels, picture = _board(seed)
        count = _compared(reader.read(picture.image), wheels, picture)
        if count["wrong"] or count["right"] < count["cells"]:
            not_right.append(f"{seed}: {count['cells'] - count['right']}")
        if plain:
            count["plain"] = _plain(plain(picture.image), wheels, picture)
        counted[damage] += count
    heading(f"Numbers of {BOARDS} boards")
    for kind, count in counted.items():
        cells, whole = max(count["cells"], 1), max(count["wheels"], 1)
        line(
            kind,
            f"{cells} cells: right {count['right'] / cells:.2%}, sure {count['sure'] / cells:.2%}, "
            f"sure and wrong {count['wrong']}; wheels sure {count['sure wheels'] / whole:.2%}, "
            f"wrong {count['wrong wheels']}" + f"; plain {count['plain'] / cells:.2%}" * PEER,
        )
    line("cells not right", ", ".join(not_right) or "none")
    read = sum(_said_of_another(reader, seed) for seed in range(SEED, SEED + BOARDS))
    line("no board", f"{BOARDS} pictures: numbers read {read}")


def _peer() -> Any:
    if not PEER:
        return None
    from rapidocr import RapidOCR

    return RapidOCR()


def _board(seed: int) -> tuple[damages.Damage, dict[str, list[int]], boards.Picture]:
    dice = random.Random(seed)
    damage = damages.DAMAGES[seed % len(damages.DAMAGES)]
    wheels = boards.invented_wheels(dice)
    out = wheels if seed % 5 else boards.so_far(wheels, dice.randrange(56))
    picture = boards.draw(out, boards.invented_appearance(dice))
    return damage, wheels, damages.spoil(picture, damage, dice)


def _compared(reading: Any, wheels: dict[str, list[int]], picture: boards.Picture) -> Counter[str]:
    """What of the cells was read; a number where none is counts as one that is wrong."""
    read = {
        (wheel, place): each
        for wheel, numbers in reading.wheels.items()
        for place, each in enumerate(numbers)
        if each.number is not None
    }
    right = {at for at in picture.cells if at in read and read[at].number == wheels[at[0]][at[1]]}
    sure = {at for at, each in read.items() if each.confidence >= SURE}
    whole = {wheel for wheel in wheels if (wheel, boards.DRAWN - 1) in picture.cells}
    sure_read = reading.sure()
    wrong = [w for w, numbers in sure_read.items() if w not in whole or list(numbers) != wheels[w]]
    return Counter(
        {
            "cells": len(picture.cells), "right": len(right), "sure": len(sure),
            "wrong": len(sure - right), "wheels": len(whole), "sure wheels": len(sure_read),
            "wrong wheels": len(wrong),
        }
    )  # fmt: skip


def _said_of_another(reader: Any, seed: int) -> int:
    """How many numbers are read off a picture that is no board."""
    dice = random.Random(seed)
    kind = other_pictures.KINDS[seed % len(other_pictures.KINDS)]
    picture = damages.spoil(
        kind(dice, dice.choice(boards.fonts())), dice.choice(damages.DAMAGES), dice
    )
    return sum(
        each.number is not None
        for numbers in reader.read(picture.image).wheels.values()
        for each in numbers
    )


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
