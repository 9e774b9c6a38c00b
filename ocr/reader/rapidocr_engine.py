"""RapidOCR's detector and recogniser, whose models come inside its package (PP-OCRv6, ONNX)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ocr.reader import onnx
from ocr.reader.lexicon import Digits, Floats, numbers
from ocr.reader.types import Pixels, TextLine

DETECTOR: Final = "PP-OCRv6_det_small.onnx"
RECOGNISER: Final = "PP-OCRv6_rec_small.onnx"
HEIGHT: Final = 48  # px of what the recogniser is shown
WIDTH_STEP: Final = 64  # px; lines of like widths are read together
BATCH_SIZE: Final = 64
EDGES: Final = "[](){}.,:;"  # what it sees in the edge of a tile
MAX_LARGER: Final = 1.6  # than it is, an image is shown to the detector


class Rapid:
    """Finds lines of text, reads them, and reads crops of single numbers.

    Loading takes about half a second and 150 MB; it is not thread-safe.
    """

    name = "rapidocr"
    sizes: tuple[float, ...] = (0.6, 0.7, 0.8, 0.9, 1.05, 1.2)

    def __init__(self) -> None:
        # Late: 0.5 s and much memory, for the reading process only.
        from omegaconf import flag_override
        from rapidocr import RapidOCR

        engine = RapidOCR(
            params={"Global.use_cls": False, "Global.log_level": "error", "Det.limit_type": "max"}
        )
        networks = Path(str(files("rapidocr"))) / "models"
        with flag_override(engine.cfg, "allow_objects", True):
            engine.cfg.Det.session = onnx.session(networks / DETECTOR)
            engine.cfg.Rec.session = onnx.session(networks / RECOGNISER)
        # The engine loads its parts when they are first used, through these two.
        self._detect, recognise = self._parts(engine)
        self._session = recognise.session.session
        self._input = self._session.get_inputs()[0].name
        characters = recognise.postprocess_op.character  # none first
        self._characters = np.array(characters)
        self._digits = Digits(characters, nothing=EDGES)

    def find(self, image: Pixels, *, longest_side: int) -> NDArray[np.float32]:
        """The quadrangles `(count, 4, 2)` of lines of text, clockwise from top left.

        The image is shown to the detector with `longest_side` px, smaller or larger than it is.
        """
        self._detect.limit_side_len = longest_side
        larger = min(longest_side / max(image.shape[:2]), MAX_LARGER)
        if larger > 1:  # digits of few pixels run into each other, and whole tables into one
            image = np.asarray(
                cv2.resize(image, None, fx=larger, fy=larger, interpolation=cv2.INTER_CUBIC)
            )
        found = self._detect(image).boxes
        if found is None:
            return np.zeros((0, 4, 2), np.float32)
        return np.asarray(found, np.float32) / np.float32(max(larger, 1))

    def lines(self, image: Pixels, quads: NDArray[np.float32]) -> list[TextLine]:
        """What these quadrangles say."""
        crops = [_upright(image, quad) for quad in quads]
        read: list[TextLine] = [TextLine(quad, "", (), 0.0) for quad in quads]
        widths = np.array([crop.shape[1] for crop in crops])
        for indexes in _alike(widths):
            wide = int(widths[indexes].max())
            batch = np.zeros((len(indexes), 3, HEIGHT, wide), np.float32)
            for row, index in enumerate(indexes):
                batch[row, :, :, : widths[index]] = _normal(crops[index])
            columns = self._run(batch)
            best, sure = columns.argmax(2), columns.max(2)
            for row, index in enumerate(indexes):
                read[index] = self._line(quads[index], best[row], sure[row], wide / widths[index])
        return read

    def numbers(self, crops: Sequence[Pixels]) -> Floats:
        """The probability of each number on each crop: `(count, 91)`, see `lexicon.numbers`."""
        batch = np.stack(
            [_normal(cv2.resize(crop, (_width(crop), HEIGHT), interpolation=cv2.INTER_CUBIC))
             for crop in crops]
        )  # fmt: skip
        return numbers(self._digits.of(self._run(batch)))

    @staticmethod
    def _parts(engine: Any) -> tuple[Any, Any]:
        return engine._load_det_model(), engine._load_rec_model()

    def _run(self, batch: NDArray[np.float32]) -> Any:
        return np.concatenate(
            [
                self._session.run(None, {self._input: batch[start : start + BATCH_SIZE]})[0]
                for start in range(0, len(batch), BATCH_SIZE)
            ]
        )

    def _line(self, quad: Any, best: Any, sure: Any, stretch: float) -> TextLine:
        """The best path's text, and where on the line (0 to 1) each character is."""
        kept = np.flatnonzero((best > 0) & (best != np.concatenate([[0], best[:-1]])))
        text = "".join(self._characters[best[kept]])
        places = ((kept + 0.5) / len(best) * stretch).clip(0, 1)
        return TextLine(
            quad, text, tuple(places.tolist()), float(sure[kept].mean()) if len(kept) else 0
        )


def _width(crop: Pixels) -> int:
    return int(max(round(crop.shape[1] * HEIGHT / crop.shape[0] / 16) * 16, 32))


def _alike(widths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The indexes of lines of like widths."""
    steps = -(-widths // WIDTH_STEP)
    return [np.flatnonzero(steps == step) for step in np.unique(steps)]


def _upright(image: Pixels, quad: NDArray[np.float32]) -> Pixels:
    wide = max(np.hypot(*(quad[1] - quad[0])), np.hypot(*(quad[2] - quad[3])), 1.0)
    high = max(np.hypot(*(quad[3] - quad[0])), np.hypot(*(quad[2] - quad[1])), 1.0)
    width = int(np.clip(round(wide * HEIGHT / high), 16, 40 * HEIGHT))
    corners = np.array([[0, 0], [width, 0], [width, HEIGHT], [0, HEIGHT]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, corners)
    upright = cv2.warpPerspective(
        image, matrix, (width, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(upright, np.uint8)


def _normal(crop: Any) -> NDArray[np.float32]:
    return np.asarray((crop.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1))
