from __future__ import annotations

import ipaddress
import json
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from ocr.clients.stream import HlsStream
from sandbox import ROME, draws, programme
from sandbox.programme import LASTS_S, LEAD_S, ORDER, evening, on_the_air
from sandbox.testing import RunningTelevision, running_television

DAY = date(2026, 11, 24)  # a Tuesday, after the real history
EIGHT = datetime(2026, 11, 24, 20, tzinfo=ROME)
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


def board_of(scene: programme.Scene) -> dict[str, tuple[int, ...]]:
    return dict(scene.wheels)


def test_the_wheels_come_one_by_one_and_stay() -> None:
    drawn, complete = draws.on(DAY), -1
    for tenth in range(int(LEAD_S) * 10, int(LASTS_S) * 10):
        scene = evening(tenth / 10, DAY)
        if scene.kind == "board":
            shown = board_of(scene)
            assert list(shown) == list(ORDER[: len(shown)])
            right = [wheel for wheel in shown if shown[wheel] == drawn[wheel]]
            assert len(right) >= max(complete, len(shown) - 1)
            complete = len(right)
    assert complete == 11


def test_a_number_runs_and_shows_its_first_digit_before_it_stands() -> None:
    first = [board_of(evening(LEAD_S + tenth / 10 + 0.05, DAY))["BA"][0] for tenth in range(30)]
    number = draws.on(DAY)["BA"][0]
    assert set(first[14:]) == {number}
    assert set(first[9:14]) == {int(str(number)[0])}
    assert len(set(first[:9])) > 2


def test_adverts_come_between() -> None:
    kinds = {evening(second, DAY).kind for second in range(int(LASTS_S))}
    assert kinds == {"advert", "presenter", "board"}


def test_until_the_draw_the_last_one_is_shown_again() -> None:
    shown = [on_the_air(EIGHT - timedelta(seconds=second)) for second in range(1, 91)]
    boards = [scene for scene in shown if scene.kind == "board"]
    assert {scene.day for scene in boards} == {date(2026, 11, 21)}
    assert all(board_of(scene) == draws.on(date(2026, 11, 21)) for scene in boards)


@pytest.mark.parametrize("hours", [0, 1, 3])
def test_on_a_day_without_a_draw_the_last_one_stays(hours: int) -> None:
    monday = EIGHT - timedelta(days=1) + timedelta(hours=hours)
    shown = [on_the_air(monday + timedelta(seconds=second)) for second in range(90)]
    assert {scene.day for scene in shown if scene.kind == "board"} == {date(2026, 11, 21)}


def test_the_board_stays_after_the_evening() -> None:
    late = [on_the_air(EIGHT + timedelta(hours=2, seconds=second)) for second in range(90)]
    assert {scene.day for scene in late if scene.kind == "board"} == {DAY}


def test_draws_of_the_real_history_are_known() -> None:
    last = draws.history_ends()
    assert len(draws.on(last)) == 11
    assert draws.before(last + timedelta(1)) == last
    lines = draws.archive(last).decode().splitlines()[-11:]
    assert {line.split("\t")[1]: line.split("\t")[2:] for line in lines} == {
        wheel: [str(number) for number in numbers] for wheel, numbers in draws.on(last).items()
    }
    assert draws.on(date(2026, 5, 25)) == {}


# --- As a server ----------------------------------------------------------------------------------
def steer(tv: RunningTelevision, change: Any) -> dict[str, Any]:
    base = tv.url.removesuffix("/tv/live.m3u8")
    request = Request(f"{base}/_sandbox/television", json.dumps(change).encode())
    request.add_header("Content-Type", "application/json")
    with urlopen(request, timeout=10) as response:
        return json.load(response)


def sharpness(tv: RunningTelevision) -> float:
    """How much neighbouring pixels of what is on now differ."""
    frames = HlsStream(tv.url, LOOPBACK, every_s=0.2).frames(threading.Event())
    image = next(islice(frames, 1)).image.astype(np.int16)
    return float(np.abs(np.diff(image, axis=1)).mean())


@pytest.fixture
def television() -> Iterator[RunningTelevision]:
    """A channel that is watched: it draws and encodes."""
    with running_television(segment_s=0.4) as running:
        yield running


@pytest.fixture
def channel() -> Iterator[RunningTelevision]:
    """A channel that nobody watches, which costs nothing."""
    with running_television(segment_s=0.2) as running:
        yield running


def test_it_is_steered_over_http(channel: RunningTelevision) -> None:
    change = {"programme": "board", "day": "2026-11-24", "quality": "low", "blur": True}
    response = steer(channel, change)
    assert {name: response[name] for name in change} == change
    assert response["on_the_air"]["draw_of"] == "2026-11-24"
    assert response["on_the_air"]["wheels"]["RN"] == list(draws.on(DAY)["RN"])
    assert steer(channel, {"programme": "yesterday"})["on_the_air"]["draw_of"] == "2026-11-21"


@pytest.mark.parametrize(
    "change",
    [
        {"programme": "film"}, {"quality": "8k"}, {"trouble": 1}, {"speed": -1}, {"speed": "fast"},
        {"blur": 1}, {"day": "tomorrow"}, {"day": "1900-01-01"}, {"day": 5}, {"colour": "red"},
        {"trouble_s": []}, {"programme": []}, {"to_s": -1},
    ],
    ids=str,
)  # fmt: skip
def test_an_impossible_change_is_refused(channel: RunningTelevision, change: Any) -> None:
    with pytest.raises(HTTPError) as refused:
        steer(channel, change)
    with refused.value as response:
        assert response.code == 400
        assert json.load(response)["error"]


def test_its_pictures_come_off_a_stream_in_their_order(television: RunningTelevision) -> None:
    television.server.steer(programme="adverts")
    watched = HlsStream(television.url, LOOPBACK, every_s=0.2, limit_s=5)
    frames = list(islice(watched.frames(threading.Event()), 5))
    assert {frame.image.shape for frame in frames} == {(720, 1280, 3)}
    assert all(before.at < after.at for before, after in pairwise(frames))


def test_the_picture_can_be_blurred(television: RunningTelevision) -> None:
    television.server.steer(programme="board", day=DAY)
    sharp = sharpness(television)
    television.server.steer(blur=True)
    assert sharpness(television) < sharp / 3


def test_trouble_does_not_restart_the_evening(channel: RunningTelevision) -> None:
    channel.server.steer(programme="evening", day=DAY, from_s=LASTS_S - 5, speed=0)
    before = channel.server.scene(1e9)
    channel.server.steer(trouble="stall")
    assert channel.server.trouble() == "stall"
    assert channel.server.scene(1e9) == before


def test_the_evening_begins_and_stops_where_set(
    channel: RunningTelevision,
) -> None:
    tv, begins_s, ends_s = channel.server, LEAD_S + 20, LEAD_S + 40
    tv.steer(programme="evening", day=DAY, from_s=begins_s, to_s=ends_s, speed=1)
    now = time.monotonic()
    assert tv.scene(now - 60) == evening(begins_s, DAY)
    assert tv.scene(now + 60) == tv.scene(now + 600) == evening(ends_s, DAY)
    tv.steer(to_s=None)
    assert dict(tv.scene(now + 600).wheels) == draws.on(DAY)


def test_its_requests_are_counted_from_the_last_change(channel: RunningTelevision) -> None:
    for _ in range(2):
        urlopen(channel.url, timeout=10).close()
    assert channel.server.request_count == 2
    channel.server.steer(trouble="stall")
    assert channel.server.request_count == 0


def test_nothing_is_encoded_without_a_viewer(channel: RunningTelevision) -> None:
    with urlopen(channel.url, timeout=10) as response:
        assert response.read().startswith(b"#EXTM3U")
    assert len(channel.server._encoded) == 0


def test_only_segments_that_are_whole_and_not_too_old_exist(channel: RunningTelevision) -> None:
    for number in (0, 10**9):
        with pytest.raises(HTTPError) as refused:
            urlopen(channel.url.replace("live.m3u8", f"{number}.ts"), timeout=10)
        refused.value.close()
        assert refused.value.code == 404
