"""The second opinion: our own small network (`weights/lotto.onnx`), trained on invented boards.

It shares neither architecture nor training material with the engines, so that what it and an engine
agree on is not the same mistake made twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from ocr.reader import onnx
from ocr.reader.lexicon import Floats, numbers
from ocr.reader.types import Pixels

WEIGHTS: Final = Path(__file__).parent / "weights" / "lotto.onnx"
HEIGHT: Final = 32
WIDTH: Final = 48


class SecondOpinion:
    """The network as a recogniser; loading takes some milliseconds."""

    name = "lotto"
    sizes: tuple[float, ...] = (0.7, 0.8, 0.9, 1.0, 1.15, 1.3)

    def __init__(self) -> None:
        self._session = onnx.session(WEIGHTS)

    def numbers(self, crops: Sequence[Pixels]) -> Floats:
        """The probability of each number on each crop: `(count, 91)`, see `lexicon.numbers`."""
        grey = [cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in crops]
        shown = [cv2.resize(crop, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for crop in grey]
        batch = np.stack([_normal(crop.astype(np.float32)) for crop in shown])[:, None]
        (logits,) = self._session.run(None, {"crops": batch})
        likely = np.exp(logits - logits.max(2, keepdims=True))
        return numbers(likely / likely.sum(2, keepdims=True))


def _normal(crop: Floats) -> Floats:
    """From -1 to 1, whatever the picture's contrast."""
    low, high = float(crop.min()), float(crop.max())
    return ((crop - low) / max(high - low, 1.0) * 2 - 1).astype(np.float32)
