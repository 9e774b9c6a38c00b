"""The reader: a picture in, the numbers of its wheels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from lotto.types import DRAWN, WHEELS
from ocr.reader import cells
from ocr.reader.board import Finder, Found, find_board
from ocr.reader.frames import deinterlaced
from ocr.reader.types import (
    SURE,
    Layout,
    NumberReading,
    Page,
    Pixels,
    Quad,
    Reading,
    Recogniser,
    Simbolotto,
)
from ocr.reader.verdict import by_the_rules, in_doubt, verdict
from ocr.types import PageKind

UNCHANGED: Final = 28.0  # grey levels; noise and encoding differ less, another digit more
PART: Final = 12  # so many of a patch's 288 pixels: one stroke of a digit may be all that changed
BLANK: Final = 0.35  # of the contrast that the board's numbers have
GROWN: Final = 24.0  # grey levels of a part of the picture as large as half a digit
CROPS_PER_CELL: Final = 2  # for each recogniser
SOME: Final = 11  # cells by which the size is chosen at which all are read
ASIDE: Final = 0.18  # of a number's height
HARDLY: Final = 1e-3  # of a probability, so that its logarithm is one
HIGHEST_SYMBOL: Final = 45  # of Simbolotto

Sizes = Sequence[tuple[float, ...]]  # of the crops, for each recogniser


class Reader:
    """Reads pictures, each by itself, or one after the other as the frames of a stream.

    Not thread-safe. Loading the engines takes about half a second and some 350 MB.
    """

    def __init__(self, finder: Finder, recognisers: Sequence[Recogniser]) -> None:
        self._finder = finder
        self._recognisers = recognisers
        self._watched: _Watched | None = None

    def read(self, image: Pixels) -> Reading:
        """What the picture's board shows, and what page it is."""
        image = deinterlaced(image)
        found = find_board(image, self._finder)
        layout = _shown(found)
        if layout is None:
            return Reading({}, page=found.page)
        return _on_page(self._numbers(image, layout, self._sizes(image, layout)), found.page)

    def watch(self, image: Pixels) -> Reading:
        """What a stream's next frame shows, by the layout of the one before where that fits.

        A frame on which nothing has changed is not read again.
        """
        image = deinterlaced(image)
        before = self._watched
        if before is not None and before.still_fits(image):
            if before.has_same_numbers(image):
                return before.reading
            numbers = self._numbers(image, before.layout, before.sizes)
            reading = _on_page(numbers, before.found.page)
            self._watched = _Watched(image, before.found, before.layout, before.sizes, reading)
            # Where a number has come or gone, the layout may be a little off, or another.
            if _count(reading) == _count(before.reading) and len(reading.sure()) >= len(
                before.reading.sure()
            ):
                return reading
        found = find_board(image, self._finder)
        layout = _shown(found)
        if layout is None:
            self._watched = None
            return Reading({}, page=found.page)
        sizes = self._sizes(image, layout)
        reading = _on_page(self._numbers(image, layout, sizes), found.page)
        self._watched = _Watched(image, found, layout, sizes, reading)
        return reading

    def _sizes(self, image: Pixels, layout: Layout) -> Sizes:
        """The neighbouring sizes of crops at which each recogniser is surest of some of the cells.

        How high a number is beside what the detector took for it depends on the font and on what
        it stands on; a crop that is too tight for a recogniser makes right numbers doubtful.
        """
        wheels = list(layout.cells)
        some = np.flatnonzero(~self._blank(image, layout, wheels))
        some = some[:: max(len(some) // SOME, 1)]
        best = []
        for recogniser in self._recognisers:
            if len(recogniser.sizes) <= CROPS_PER_CELL:
                best.append(recogniser.sizes)
                continue
            sure = []
            for size in recogniser.sizes:
                crops = cells.cut(image, layout, wheels, size=size)
                sure.append(_sureness(recogniser.numbers([crops[index] for index in some])))
            # Those beside the two count, too: in the midst of sizes that do, another cell does.
            around = np.pad(sure, 1, constant_values=min(sure))
            at = int(np.convolve(around, (0.5, 1, 1, 0.5), "valid").argmax())
            best.append(recogniser.sizes[at : at + CROPS_PER_CELL])
        return best

    def _numbers(self, image: Pixels, layout: Layout, sizes: Sizes) -> Reading:
        wheels = list(layout.cells)
        is_blank = self._blank(image, layout, wheels)
        opinions = self._opinions(image, layout, sizes)
        opinions[:, is_blank] = 0
        numbers = verdict(list(opinions))
        if _mostly_sure(numbers):
            opinions = self._moved(image, layout, sizes, numbers, opinions)
            numbers = verdict(list(opinions))
        lines = {wheel: numbers[i * DRAWN : (i + 1) * DRAWN] for i, wheel in enumerate(wheels)}
        seen = {wheel: by_the_rules(line) for wheel, line in lines.items() if _any(line)}
        boxes = cells.wheels(layout, image)
        return Reading(seen, {wheel: boxes[wheel] for wheel in seen})

    def _opinions(self, image: Pixels, layout: Layout, sizes: Sizes) -> NDArray[np.float64]:
        """`(recognisers, cells, 91)`: the mean probabilities over the crops of each cell."""
        wheels = list(layout.cells)
        return np.array(
            [
                np.mean(
                    [one.numbers(cells.cut(image, layout, wheels, size=s)) for s in its], axis=0
                )
                for one, its in zip(self._recognisers, sizes, strict=True)
            ]
        )

    def _moved(
        self, image: Pixels, layout: Layout, sizes: Sizes,
        numbers: Sequence[NumberReading], opinions: NDArray[np.float64],
    ) -> NDArray[np.float64]:  # fmt: skip
        """The opinions, those on lines with a doubtful number by a place nearby that is read surer.

        Lines of numbers that were found as one text stand beside their places, so that the edge of
        a tile is read, too, or a digit cut. A whole line is moved or none of it: what makes one
        cell surer must not make others less so.
        """
        wheels = list(layout.cells)
        lines = [slice(i * DRAWN, (i + 1) * DRAWN) for i in range(len(wheels))]
        doubtful = [i for i, line in enumerate(lines) if any(map(_is_doubtful, numbers[line]))]
        best = opinions.copy()
        for way in (-ASIDE, ASIDE) if doubtful else ():
            there = {wheels[i]: layout.cells[wheels[i]] + way * layout.across[0] for i in doubtful}
            found = self._opinions(image, replace(layout, cells=there), sizes)
            for place, i in enumerate(doubtful):
                line = found[:, place * DRAWN : (place + 1) * DRAWN]
                line[:, ~opinions[:, lines[i]].any((0, 2))] = 0  # blank
                if _sureness(line) > _sureness(best[:, lines[i]]):
                    best[:, lines[i]] = line
        return best

    def _blank(self, image: Pixels, layout: Layout, wheels: list[str]) -> NDArray[np.bool_]:
        """Which cells show hardly anything: recognisers see numbers in the noise of those."""
        crops = cells.cut(image, layout, wheels, size=1.0)
        contrast = np.array([float(np.std(cv2.cvtColor(c, cv2.COLOR_BGR2GRAY))) for c in crops])
        return np.asarray(contrast < BLANK * np.percentile(contrast, 90))


class _Watched:
    """A frame that was read, as far as is needed to see whether the next one shows the same."""

    def __init__(
        self, image: Pixels, found: Found, layout: Layout, sizes: Sizes, reading: Reading
    ) -> None:
        self.found, self.layout, self.sizes, self.reading = found, layout, sizes, reading
        self._size = image.shape
        self._headings = self._patches(image, _boxes(found.headings))
        self._names = self._patches(image, cells.names(layout))
        self._numbers = self._patches(image, cells.numbers(layout))
        self._whole = _thumbnail(image)

    def still_fits(self, image: Pixels) -> bool:
        """Whether the same headings and names stand at the same places, and no wheel can have come.

        The page is judged anew when one of its headings changes.
        """
        if image.shape != self._size:
            return False
        if not _alike(self._headings, self._patches(image, _boxes(self.found.headings))):
            return False
        if not _alike(self._names, self._patches(image, cells.names(self.layout))):
            return False
        is_whole = len(self.layout.cells) == len(WHEELS)
        return is_whole or bool(np.abs(_thumbnail(image) - self._whole).max() < GROWN)

    def has_same_numbers(self, image: Pixels) -> bool:
        return _alike(self._numbers, self._patches(image, cells.numbers(self.layout)))

    @staticmethod
    def _patches(image: Pixels, boxes: NDArray[np.int64]) -> list[NDArray[np.float32]]:
        patches = []
        for left, top, right, bottom in boxes:
            patch = image[max(top, 0) : bottom, max(left, 0) : right]
            if patch.size:
                small = cv2.resize(patch, (24, 12), interpolation=cv2.INTER_AREA)
                patches.append(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32))
        return patches


def _shown(found: Found) -> Layout | None:
    """The layout whose numbers are to be read: none on a page that says that it is no draw's."""
    if found.page.kind == PageKind.SIMBOLOTTO or not found.page.is_veto:
        return found.layout
    return None


def _on_page(reading: Reading, page: Page) -> Reading:
    """The reading as far as its page lets it count."""
    if page.kind == PageKind.DRAW:
        return reading._replace(page=page)
    if page.kind == PageKind.SIMBOLOTTO:
        return Reading({}, page=page, simbolotto=_simbolotto(reading))
    wheels = {wheel: in_doubt(numbers) for wheel, numbers in reading.wheels.items()}
    return reading._replace(wheels=wheels, page=page)


def _simbolotto(reading: Reading) -> Simbolotto | None:
    if len(reading.wheels) != 1:
        return None
    ((wheel, numbers),) = reading.wheels.items()
    is_one = all(each.number is None or each.number <= HIGHEST_SYMBOL for each in numbers)
    return Simbolotto(wheel, numbers) if is_one else None


def _boxes(quads: Sequence[Quad]) -> NDArray[np.int64]:
    corners = np.array(quads, np.float32).reshape(-1, 4, 2)
    return np.concatenate([corners.min(1), corners.max(1)], 1).round().astype(np.int64)


def _thumbnail(image: Pixels) -> NDArray[np.float32]:
    small = cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _alike(before: list[NDArray[np.float32]], now: list[NDArray[np.float32]]) -> bool:
    return len(before) == len(now) and all(
        float(np.sort(np.abs(a - b), axis=None)[-PART:].mean()) < UNCHANGED
        for a, b in zip(before, now, strict=True)
    )


def _sureness(opinions: NDArray[Any]) -> float:
    """`(..., 91)` to the mean logarithm of the likeliest numbers' probabilities."""
    return float(np.log(opinions[..., 1:].max(-1) + HARDLY).mean())


def _is_doubtful(number: NumberReading) -> bool:
    return bool(number.candidates) and number.confidence < SURE


def _mostly_sure(numbers: Sequence[NumberReading]) -> bool:
    sure = sum(each.confidence >= SURE for each in numbers)
    return 2 * sure > sum(bool(each.candidates) for each in numbers)


def _count(reading: Reading) -> int:
    return sum(each.number is not None for line in reading.wheels.values() for each in line)


def _any(line: Sequence[NumberReading]) -> bool:
    return any(each.number is not None for each in line)
