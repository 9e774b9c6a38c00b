"""`POST /api/ocr/process`, and the reading process behind it."""

from __future__ import annotations

import base64
import io
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import pytest
from PIL import Image

from lotto.types import WHEELS
from ocr import reader_process
from ocr.autobot import evidence
from ocr.reader_process import ReadingProcess
from ocr.synthetic import boards
from ocr.synthetic.boards import Appearance
from ocr.tests import coded
from ocr.types import ReaderBusy, ReaderFailed, ReadingHalted

pytestmark = pytest.mark.django_db
ADDRESS = "/api/ocr/process"
Processes = Callable[..., ReadingProcess]


def board_file(shown: int = 11) -> tuple[dict[str, list[int]], bytes]:
    wheels = boards.invented_wheels(random.Random(8))
    some = {
        wheel: numbers if i < shown else [] for i, (wheel, numbers) in enumerate(wheels.items())
    }
    image = boards.draw(some, Appearance("table")).image
    return wheels, cv2.imencode(".png", image)[1].tobytes()


def plain_file() -> bytes:
    """A picture without a board, which is read in a quarter of the time."""
    file = io.BytesIO()
    Image.new("RGB", (640, 360), "green").save(file, "JPEG")
    return file.getvalue()


def base64_of(file: bytes) -> str:
    return base64.b64encode(file).decode()


def test_a_board_is_answered_as_the_reference_shows(
    api: Any, reading_process: ReadingProcess
) -> None:
    wheels, file = board_file()
    response = api.post(
        ADDRESS, {"image_base64": base64_of(file), "data_estrazione": "2025-12-02"}, format="json"
    )
    assert response.status_code == 200
    told = response.json()
    assert told["success"] is True
    assert told["wheels_count"] == 11
    assert told["wheels"] == {
        WHEELS[wheel]: [f"{number:02}" for number in numbers] for wheel, numbers in wheels.items()
    }
    assert told["confidence"] > 95
    assert told["doubtful"] == {}
    assert told["data_estrazione"] == "2025-12-02"


def test_boxes_are_of_the_picture_as_it_was_given(reading_process: ReadingProcess) -> None:
    wheels = boards.invented_wheels(random.Random(8))
    picture = boards.draw(wheels, Appearance("table"))
    large = cv2.resize(picture.image, None, fx=1.6, fy=1.6)
    told = reading_process.read(cv2.imencode(".jpg", large)[1].tobytes())
    assert told.boxes.keys() == wheels.keys()
    for (wheel, _), corners in picture.cells.items():
        left, top, right, bottom = told.boxes[wheel]
        x, y = corners.mean(0) * 1.6
        assert (left < x < right, top < y < bottom) == (True, True)
    assert max(bottom - top for _, top, _, bottom in told.boxes.values()) < 250


@pytest.mark.usefixtures("scripted")
def test_a_wheel_in_doubt_is_told_apart(api: Any) -> None:
    wheels, _ = board_file()
    file = evidence.png(coded.board({**wheels, "VE": wheels["VE"][:3]}))
    told = api.post(ADDRESS, {"image_base64": base64_of(file)}, format="json").json()
    assert told["wheels_count"] == 10
    (doubt,) = told["doubtful"].values()
    assert [each["number"] for each in doubt] == [
        *(f"{number:02}" for number in wheels["VE"][:3]), None, None,
    ]  # fmt: skip


@pytest.mark.usefixtures("scripted")
def test_a_picture_without_a_board_has_no_wheels(api: Any) -> None:
    told = api.post(ADDRESS, {"image_base64": base64_of(plain_file())}, format="json").json()
    assert (told["wheels"], told["wheels_count"], told["confidence"]) == ({}, 0, 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "image_base64"),
        ({"image_base64": "%%"}, "image_base64"),
        ({"image_base64": 5}, "image_base64"),
        ({"image_base64": "aGVsbG8="}, "image_base64"),
        ({"image_base64": "", "data_estrazione": "2025-12-02"}, "image_base64"),
        ({"image_base64": "aGVsbG8=", "data_estrazione": "2025-13-02"}, "data_estrazione"),
        ({"image_base64": "aGVsbG8=", "data_estrazione": "2999-01-01"}, "data_estrazione"),
    ],
)
def test_bad_bodies_are_told_by_field(api: Any, body: Any, field: str) -> None:
    response = api.post(ADDRESS, body, format="json")
    assert response.status_code == 400
    assert field in response.json()["detail"]


def test_a_broken_file_is_a_400_too(api: Any, reading_process: ReadingProcess) -> None:
    _, file = board_file()
    response = api.post(ADDRESS, {"image_base64": base64_of(file[: len(file) // 2])}, format="json")
    assert (response.status_code, "broken" in response.json()["detail"]) == (400, True)


def test_too_large_an_image_is_a_413(api: Any) -> None:
    response = api.post(ADDRESS, {"image_base64": "A" * 14_500_000}, format="json")
    assert response.status_code == 413
    assert "10485760" in response.json()["detail"]


def test_images_may_be_larger_than_other_bodies(api: Any, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1_000
    body = {"image_base64": "A" * 5_000}
    assert api.post(ADDRESS, body, format="json").status_code == 400
    assert api.post("/api/lotto/save", body, format="json").status_code == 413


def test_a_killed_reading_process_is_replaced(api: Any, reading_process: ReadingProcess) -> None:
    body = {"image_base64": base64_of(plain_file())}
    assert api.post(ADDRESS, body, format="json").status_code == 200
    os.kill(reading_process.pid, signal.SIGKILL)
    reading_process._process.wait()
    responses = [api.post(ADDRESS, body, format="json") for _ in range(2)]
    assert responses[-1].status_code == 200
    assert responses[0].status_code in (200, 503)


def test_a_process_that_does_not_answer_is_ended(reading_processes: Processes) -> None:
    process = reading_processes(answer_s=0.0)
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
    halts = [threading.Event(), threading.Event()]  # who is being served, and who waits
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
        while room._value > free - count or not reading_process._asking.locked():
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

    def slow(question: Any, halt: threading.Event) -> Any:
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
