"""Several frames of one board: what they agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ocr.reader.types import Reading

FRAMES: Final = 3


def agreed(readings: Sequence[Reading], *, frames: int = FRAMES) -> dict[str, tuple[int, ...]]:
    """The wheels that each of the last `frames` readings is sure of, with the same numbers.

    A number that is just being drawn, or still turning, differs from frame to frame.
    """
    if len(readings) < frames:
        return {}
    last = [reading.sure() for reading in readings[-frames:]]
    return {
        wheel: numbers
        for wheel, numbers in last[-1].items()
        if all(other.get(wheel) == numbers for other in last)
    }
