"""Boards of another make than ours, labelled: `data/frames/README.md` tells where they are from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from lotto.types import WHEELS
from ocr.images import upright
from ocr.reader.reader import Reader

FRAMES: Final = Path(__file__).parent / "data" / "frames"
TRUTH: Final[dict[str, Any]] = json.loads((FRAMES / "truth.json").read_text())
OFTEN: Final = {"photo-cards.jpg", "tv576-two.jpg", "tv576-none.jpg"}
CASES: Final = [
    pytest.param(name, marks=() if name in OFTEN else pytest.mark.exhaustive, id=Path(name).stem)
    for name in TRUTH
]


def test_every_frame_is_labelled() -> None:
    assert {path.name for path in FRAMES.glob("*.jpg")} == set(TRUTH)


@pytest.mark.parametrize("name", CASES)
def test_what_a_frame_shows_is_read_whole_and_right(eyes: Reader, name: str) -> None:
    shown = {
        wheel: tuple(TRUTH[name]["wheels"][label])
        for wheel, label in WHEELS.items()
        if label in TRUTH[name]["wheels"]
    }
    reading = eyes.read(upright((FRAMES / name).read_bytes()))
    assert reading.sure() == shown
    assert reading.wheels.keys() == shown.keys()  # none is invented, not even in doubt
