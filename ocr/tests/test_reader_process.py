"""The reading process behind `POST /api/ocr/process`."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import pytest

from ocr import reader_process
from ocr.reader_process import ReadingProcess
from ocr.synthetic import boards
from ocr.synthetic.boards import Appearance
from ocr.tests.files import base64_of, board_file, plain_file
from ocr.types import ImageRefused, ReaderBusy, ReaderFailed, ReadingHalted

pytestmark = pytest.mark.django_db
ADDRESS = "/api/ocr/process"
Processes = Callable[..., ReadingProcess]


def test_boxes_are_of_the_picture_as_it_was_given(reading_process: ReadingProcess) -> None:
    wheels = boards.invented_wheels(random.Random(8))
    picture = boards.draw(wheels, Appearance("table"))
    large = cv2.resize(picture.image, None, fx=1.6, fy=1.6)
    reading = reading_process.read(cv2.imencode(".jpg", large)[1].tobytes())
    assert reading.boxes.keys() == wheels.keys()
    for (wheel, _), corners in picture.cells.items():
        left, top, right, bottom = reading.boxes[wheel]
        x, y = corners.mean(0) * 1.6
        assert (left < x < right, top < y < bottom) == (True, True)
    assert max(bottom - top for _, top, _, bottom in reading.boxes.values()) < 250


def test_a_killed_reading_process_is_replaced(api: Any, reading_process: ReadingProcess) -> None:
    body = {"image_base64": base64_of(plain_file())}
    assert api.post(ADDRESS, body, format="json").status_code == 200
    os.kill(reading_process.pid, signal.SIGKILL)
    reading_process._process.wait()
    responses = [api.post(ADDRESS, body, format="json") for _ in range(2)]
    assert responses[-1].status_code == 200
    assert responses[0].status_code in (200, 503)


def test_process_that_does_not_respond_is_ended(reading_processes: Processes) -> None:
    process = reading_processes(response_s=0.0)
    with pytest.raises(ReaderFailed):
        process.read(board_file(1)[1])
    assert process.pid is None


def test_a_halted_reading_is_cut_off_and_another_one_can_follow(
    reading_process: ReadingProcess,
) -> None:
    file = plain_file()
    assert not reading_process.read(file).wheels
    pid = reading_process.pid
    os.kill(pid, signal.SIGSTOP)  # a reading that never ends
    halts = [threading.Event(), threading.Event()]  # the one that is served, and one that waits
    halted = []

    def ask(halt: threading.Event) -> None:
        with pytest.raises(ReadingHalted):
            reading_process.read(file, halt)
        halted.append(halt)

    room = reading_process._room
    free = room._value
    threads = [threading.Thread(target=ask, args=(halt,)) for halt in halts]
    for count, thread in enumerate(threads, 1):
        thread.start()
        while room._value > free - count or not reading_process._in_use.locked():
            assert thread.is_alive()
            time.sleep(0.01)
    for halt, thread in zip(reversed(halts), reversed(threads), strict=True):
        assert thread.is_alive()
        halt.set()
        thread.join(10)
    assert halted == [*reversed(halts)]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not reading_process.read(file).wheels


def test_beyond_the_queue_nobody_waits(
    api: Any, reading_processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = reading_processes(waiting=0)
    reader_process.use(process)
    begun, may_go = threading.Event(), threading.Event()

    def slow(request: Any, halt: threading.Event) -> Any:
        begun.set()
        may_go.wait(30)
        raise ReaderFailed("enough")

    monkeypatch.setattr(process, "_response", slow)
    file = board_file(1)[1]

    def ask() -> None:
        with pytest.raises(ReaderFailed):
            process.read(file)

    asking = threading.Thread(target=ask)
    asking.start()
    begun.wait(30)
    with pytest.raises(ReaderBusy):
        process.read(file)
    response = api.post(ADDRESS, {"image_base64": base64_of(file)}, format="json")
    may_go.set()
    asking.join()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "detail" in response.json()


def test_an_idle_process_is_ended_and_started_again(reading_processes: Processes) -> None:
    process = reading_processes(idle_s=0.01)
    assert not process.read(plain_file()).wheels
    process._idle.join()
    assert process.pid is None
    assert not process.read(plain_file()).wheels


def test_a_stopped_one_ends_at_once_and_starts_no_other(reading_processes: Processes) -> None:
    process = reading_processes()
    assert not process.read(plain_file()).wheels
    pid = process.pid
    os.kill(pid, signal.SIGSTOP)  # a decoder that never ends
    failed: list[ReaderFailed] = []

    def ask() -> None:
        with pytest.raises(ReaderFailed) as refused:
            process.read(plain_file())
        failed.append(refused.value)

    thread = threading.Thread(target=ask)
    thread.start()
    while not process._in_use.locked():
        time.sleep(0.01)
    process.stop()
    thread.join(10)
    assert len(failed) == 1
    with pytest.raises(ReaderFailed, match="being stopped"):
        process.read(plain_file())


def test_a_file_that_takes_too_long_to_decode_is_refused(reading_processes: Processes) -> None:
    process = reading_processes()
    process.read(plain_file())
    os.kill(process.pid, signal.SIGSTOP)
    process._decode_s = 0.0
    with pytest.raises(ImageRefused, match="takes too long"):
        process.jpeg(plain_file(), 100)
    assert process.pid is None
    process._decode_s = reader_process.DECODE_S
    assert process.jpeg(plain_file(), 100)[:2] == b"\xff\xd8"
