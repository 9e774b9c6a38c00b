"""What several opinions on a cell amount to, as one number and how sure it is.

Every recogniser is sometimes wrong and sure of it, so one alone never makes a number sure: two that
have nothing in common must say the same. The confidence is calibrated on boards of
`ocr/synthetic/boards.py` that neither has seen (docs/decisions/0012): of numbers with 90 or more,
none of them was wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ocr.reader.types import Candidate, NumberReading

Floats = NDArray[np.floating[Any]]

MAX_ALONE: Final = 80.0  # confidence where the opinions differ
LEGIBLE: Final = 0.9  # likelihood of half of a board's numbers
MILDER: Final = 0.65  # 90 is reached from 0.85 on
MIN_PROBABILITY: Final = 0.05  # of a candidate
MAX_CANDIDATES: Final = 3
GUESSED: Final = 20.0  # confidence below which a number is missing, though it has candidates


def verdict(opinions: Sequence[Floats]) -> list[NumberReading]:
    """One reading per cell, of `(count, 91)` per recogniser (see `lexicon.numbers`).

    A number's likelihood is the geometric mean of what the opinions give it, so one that is hardly
    seen by either of them is not made sure by the other. On a board that is legible on the whole it
    need be less for the same confidence: all mistakes that two opinions shared were on boards that
    neither could read.
    """
    stacked = np.stack([opinion[:, 1:] for opinion in opinions]).astype(np.float64)
    likely = np.exp(np.log(stacked + 1e-6).mean(0))
    agree = (stacked.argmax(2) == likely.argmax(1)).all(0)
    seen = likely.max(1)[likely.max(1) > MIN_PROBABILITY]
    is_legible = len(seen) > 0 and np.median(seen) >= LEGIBLE
    sure = 100 * likely ** (MILDER if is_legible else 1.0)
    return [_cell(*cell) for cell in zip(likely, sure, agree, strict=True)]


def _cell(likely: Floats, sure: Floats, agree: bool) -> NumberReading:
    candidates = tuple(
        Candidate(int(index) + 1, round(min(float(sure[index]), 100 if agree else MAX_ALONE), 2))
        for index in np.argsort(-likely)[:MAX_CANDIDATES]
        if likely[index] > MIN_PROBABILITY
    )
    if not candidates or candidates[0].confidence < GUESSED:
        return NumberReading(None, 0.0, candidates)
    return NumberReading(*candidates[0], candidates)


def by_the_rules(numbers: Sequence[NumberReading]) -> tuple[NumberReading, ...]:
    """A wheel's five readings, in doubt where they cannot all be so.

    No wheel has a number twice: where one has, digits may be cut off all along the line. None is
    drawn before the first: without that the line of numbers may be a place off.
    """
    said = [each.number for each in numbers if each.number is not None]
    if numbers[0].number is not None and len(set(said)) == len(said):
        return tuple(numbers)
    return in_doubt(numbers)


def in_doubt(numbers: Sequence[NumberReading]) -> tuple[NumberReading, ...]:
    """The readings, none of them sure."""
    return tuple(each._replace(confidence=min(each.confidence, MAX_ALONE)) for each in numbers)
