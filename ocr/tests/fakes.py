"""A reader without engines, for tests in which reading is not the claim."""

from __future__ import annotations

import threading
from typing import Final

from ocr.images import jpeg, upright
from ocr.reader.types import Candidate, NumberReading, Page, Reading
from ocr.synthetic.boards import Pixels
from ocr.tests import coded
from ocr.types import PageKind, ReadingHalted

CERTAIN, IN_DOUBT = 99.0, 50.0
NOTICE_S: Final = 0.01


class ScriptedReader:
    """Reads `coded` pictures at once, and says of them what the real one says of such boards.

    A number that is not out yet is None, a board out of focus is in doubt, other pictures show
    nothing. `errors` are raised by the next readings, one each; while it is `stuck` it answers
    nobody.
    """

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.page = Page(PageKind.DRAW)  # what boards say that they are
        self.stuck = threading.Event()
        self.frames = self.files = 0  # asked for
        self.shown: dict[str, list[int | None]] = {}  # by the last picture

    def read(self, file: bytes, halt: threading.Event | None = None) -> Reading:
        """As `PictureReader.read`."""
        self.files += 1
        return self._response(upright(file), halt)

    def jpeg(self, file: bytes, side: int, halt: threading.Event | None = None) -> bytes:
        """As `PictureReader.jpeg`."""
        return jpeg(file, side)

    def watch(self, image: Pixels, halt: threading.Event | None = None) -> Reading:
        """As `PictureReader.watch`."""
        self.frames += 1
        return self._response(image, halt)

    def _response(self, image: Pixels, halt: threading.Event | None) -> Reading:
        halt = halt or threading.Event()
        while self.stuck.is_set():
            if halt.wait(NOTICE_S):
                raise ReadingHalted
        if self.errors:
            raise self.errors.pop(0)
        shown = coded.read(image)
        self.shown = shown.wheels if shown else {}
        if shown is None:
            return Reading({})
        confidence = CERTAIN if shown.is_sharp else IN_DOUBT
        return Reading(
            {
                wheel: tuple(_said(number, confidence) for number in numbers)
                for wheel, numbers in shown.wheels.items()
            },
            {wheel: coded.box(wheel) for wheel in shown.wheels},
            self.page._replace(wheels=len(shown.wheels)),
        )


def _said(number: int | None, confidence: float) -> NumberReading:
    if number is None:
        return NumberReading(None, 0.0)
    return NumberReading(number, confidence, (Candidate(number, confidence),))
