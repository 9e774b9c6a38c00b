"""The scripted reader is no better and no worse than the real one, and survives what video does."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from ocr.autobot import evidence
from ocr.clients.stream.pictures import SegmentDecoder
from ocr.reader.reader import Reader
from ocr.reader.types import Reading
from ocr.synthetic.boards import Pixels
from ocr.tests import coded
from ocr.tests.evenings import DAY, drawn
from ocr.tests.fakes import ScriptedReader
from ocr.types import ImageRefused, ReaderBusy, ReadingHalted
from sandbox import pictures, programme
from sandbox.programme import Scene

HALF_DRAWN = programme.evening(programme.LEAD_S + 3 * programme.WHEEL_S + 8, DAY)
SCENES = {
    "a wheel half drawn": (HALF_DRAWN, False),
    "out of focus": (HALF_DRAWN, True),
    "an advert": (Scene("advert", DAY, number=1), False),
    "the presenter": (Scene("presenter", DAY, "20:00"), False),
}


def shown(draw: Any, scene: Scene, is_blurred: bool) -> Pixels:
    image = draw(scene, (1280, 720))
    return pictures.blurred(image) if is_blurred else image


def numbers(reading: Reading) -> dict[str, list[int | None]]:
    return {w: [each.number for each in line] for w, line in reading.wheels.items()}


@pytest.mark.parametrize("name", SCENES)
def test_it_says_of_a_scene_what_the_real_reader_says(eyes: Reader, name: str) -> None:
    ours = ScriptedReader().watch(shown(coded.drawn, *SCENES[name]))
    theirs = eyes.read(shown(pictures.drawn, *SCENES[name]))
    assert ours.sure() == theirs.sure()
    if not SCENES[name][1]:
        assert numbers(ours) == numbers(theirs)
        assert ours.boxes.keys() == theirs.boxes.keys()


@pytest.mark.parametrize("is_blurred", [False, True], ids=["sharp", "out of focus"])
@pytest.mark.parametrize("crf", [23, 33])
def test_video_takes_nothing_of_a_coded_picture(crf: int, is_blurred: bool) -> None:
    image = shown(coded.drawn, HALF_DRAWN, is_blurred)
    segment = pictures.encoded([image] * 2, begins_s=0, rate=5, crf=crf)
    shown_again = SegmentDecoder(0.2).pictures(segment, follows=False, is_last=True, max_s=5)
    found = [coded.read(one.image) for one in shown_again]
    assert found == [coded.read(image)] * 2
    assert found[0].is_sharp is not is_blurred


def test_a_file_is_read_as_a_frame_is() -> None:
    reader, image = ScriptedReader(), coded.board(drawn())
    for file in (evidence.jpeg(image), evidence.png(image)):
        assert reader.read(file) == reader.watch(image)
    assert reader.watch(image).sure() == drawn()
    with pytest.raises(ImageRefused):
        reader.read(b"no picture")


def test_a_damaged_picture_says_nothing() -> None:
    image = coded.board(drawn())
    image[4 * coded.BLOCK : 5 * coded.BLOCK] = 0
    assert coded.read(image) is None
    assert coded.read(np.zeros((720, 1280, 3), np.uint8)) is None


def test_it_raises_its_errors_once_each_and_is_halted_while_stuck() -> None:
    reader, image, halt = ScriptedReader(), coded.board(drawn()), threading.Event()
    reader.errors.append(ReaderBusy("Too many"))
    with pytest.raises(ReaderBusy):
        reader.watch(image)
    assert reader.watch(image).wheels
    reader.stuck.set()
    halt.set()
    with pytest.raises(ReadingHalted):
        reader.watch(image, halt)
