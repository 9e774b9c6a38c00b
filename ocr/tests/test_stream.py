"""Pictures off streams, good and bad ones, over real sockets."""

from __future__ import annotations

import gzip
import ipaddress
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ocr.clients.stream import Frame, HlsStream, checked_url
from ocr.clients.stream.pictures import Picture, Unreadable, pictures
from ocr.clients.stream.playlist import fresh_of, parsed
from ocr.tests import bad_streams as bad
from ocr.tests import coded
from ocr.tests.bad_streams import playlist, serving, video
from ocr.types import StreamError, StreamRefused
from sandbox.testing import RunningTelevision, running_television

pytestmark = pytest.mark.once
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
URL = "http://tv.example.com/a/live.m3u8?token=1"


def stream(url: str, *, every_s: float = 0.2, limit_s: float = 1.0) -> HlsStream:
    return HlsStream(url, LOOPBACK, every_s=every_s, limit_s=limit_s)


def shades(frames: Iterator[Frame], count: int) -> list[int]:
    """The greys of the next pictures, rounded to tens."""
    return [round(float(frame.image.mean()) / 10) * 10 for frame in islice(frames, count)]


def failure(url: str, *, limit_s: float = 1.0) -> str:
    """Why no picture comes off a stream."""
    with pytest.raises(StreamError) as failed:
        list(stream(url, limit_s=limit_s).frames(threading.Event()))
    return str(failed.value)


@pytest.fixture
def television() -> Iterator[RunningTelevision]:
    """A television with cheap pictures, two in a segment."""
    with running_television(segment_s=0.4, draw=coded.drawn) as running:
        running.server.steer(programme="adverts")
        yield running


# --- Pictures ------------------------------------------------------------------------------------
def test_one_picture_per_period_across_segments() -> None:
    found: list[float] = []
    first_s = 0.0
    for number in range(4):
        for one in pictures(video([0] * 7), every_s=1.0, first_s=first_s, most_s=5):
            found.append(round(number * 1.4 + one.at_s, 1))
            first_s = one.at_s + 1.0
        first_s = max(first_s - 1.4, 0)
    assert found == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_recording_is_shown_from_its_beginning_to_its_end(codec: str) -> None:
    listed = playlist("1.ts", "2.ts") + b"#EXT-X-ENDLIST\n"
    pages = {
        "/live.m3u8": listed,
        "/1.ts": video([50] * 5, rate=25, codec=codec),
        "/2.ts": video([150] * 5, rate=25, codec=codec),
    }
    with serving(pages) as served:
        frames = stream(served.url(), every_s=0.04).frames(threading.Event())
        assert shades(frames, 10) == [50] * 5 + [150] * 5
        with pytest.raises(StreamError, match="over"):
            next(frames)


@pytest.mark.parametrize("kind", ["mpegts", "fmp4"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_what_ffmpeg_makes_with_sound_and_reordered_pictures(
    tmp_path: Path, kind: str, codec: str
) -> None:
    shown = [20 * (1 + second) for second in range(6)]
    bad.recorded(tmp_path / "live.m3u8", shown, kind=kind, codec=codec)
    pages = {f"/{file.name}": file.read_bytes() for file in tmp_path.iterdir()}
    assert len(pages) >= 4
    with serving(pages) as served:
        frames = stream(served.url(), every_s=1.0).frames(threading.Event())
        assert shades(frames, 6) == shown


def test_a_variant_no_larger_than_needed_is_chosen() -> None:
    listed = parsed(
        b"#EXTM3U\n"
        b'#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"\nsound.m3u8\n'
        b"#EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=3840x2160\nuhd.m3u8\n"
        b"#EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=1280x720\nhd.m3u8\n"
        b"#EXT-X-STREAM-INF:BANDWIDTH=6000000,RESOLUTION=1920x1080\nsub/fhd.m3u8?a=b\n"
        b"#EXT-X-STREAM-INF:BANDWIDTH=4000000,RESOLUTION=1920x1080\n//cdn.example.com/f.m3u8\n",
        URL,
    )
    assert listed.variants == [
        "http://tv.example.com/a/sub/fhd.m3u8?a=b",
        "http://cdn.example.com/f.m3u8",
        "http://tv.example.com/a/hd.m3u8",
        "http://tv.example.com/a/uhd.m3u8",
    ]


def test_a_variant_that_does_not_work_gives_way_to_the_next() -> None:
    top = (
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=1280x720\nno.m3u8\n"
        b"#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=320x180\nsub/yes.m3u8\n"
    )
    pages = {"/live.m3u8": top, "/sub/yes.m3u8": playlist("1.ts"), "/sub/1.ts": video([90] * 5)}
    with serving(pages) as served:
        assert shades(stream(served.url(), limit_s=3).frames(threading.Event()), 3) == [90] * 3


def test_fragmented_mp4_with_its_head_apart() -> None:
    whole = video([200] * 5, kind="mp4")
    moof = whole.index(b"moof") - 4
    listed = playlist("1.m4s", more='#EXT-X-MAP:URI="head.mp4"\n')
    pages = {"/live.m3u8": listed, "/head.mp4": whole[:moof], "/1.m4s": whole[moof:]}
    with serving(pages) as served:
        assert shades(stream(served.url()).frames(threading.Event()), 3) == [200] * 3


def test_another_head_at_the_same_address() -> None:
    """As of an encoder that was started again with another size of picture."""
    head = '#EXT-X-MAP:URI="head.mp4"\n'

    def pages(number: int, size: tuple[int, int]) -> dict[str, bad.Page]:
        whole = video([200] * 5, kind="mp4", size=size)
        moof = whole.index(b"moof") - 4
        names = [f"{number + n}.m4s" for n in range(3)]
        listed = playlist(*names, first=number, more=head)
        return {
            "/live.m3u8": listed, "/head.mp4": whole[:moof],
            **{f"/{name}": whole[moof:] for name in names},
        }  # fmt: skip

    with serving(pages(0, (320, 180))) as served:
        frames = stream(served.url(), every_s=0.5, limit_s=5).frames(threading.Event())
        assert next(frames).image.shape == (180, 320, 3)
        served.pages.update(pages(10, (640, 360)))
        assert [frame.image.shape for frame in islice(frames, 4)][-1] == (360, 640, 3)


@pytest.mark.parametrize("kind", ["mpegts", "mp4"])
def test_a_damaged_video_is_read_as_far_as_it_goes_or_refused(kind: str) -> None:
    dice, whole, read = random.Random(5), video([60] * 10, kind=kind), 0
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 5, 50, 500))):
            damaged[dice.randrange(8, len(damaged))] = dice.randrange(256)
        with suppress(StreamError):
            read += len(list(pictures(bytes(damaged), every_s=0.2, first_s=0, most_s=5)))
    assert read > 100


def test_a_damaged_playlist_is_read_or_refused() -> None:
    more = '#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x01\n#EXT-X-MAP:URI="h",BYTERANGE="5@1"\n'
    dice, whole, read = random.Random(5), playlist("1.ts", "2.ts", more=more), 0
    for _ in range(1_000):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 3, 20))):
            damaged[dice.randrange(8, len(damaged))] = dice.choice(b'\n#:=,"@x0-.\xff1')
        with suppress(StreamError):
            read += len(parsed(bytes(damaged), URL).segments)
    assert read > 100


MOVING = [np.roll(bad.texture(), 5 * step, axis=1) for step in range(8)]


def damaged(seed: int) -> bytes:
    """A video in which two bytes are others."""
    dice, video = random.Random(seed), bytearray(moving())
    for _ in range(2):
        video[dice.randrange(1_000, len(video))] = dice.randrange(256)
    return bytes(video)


@cache
def moving() -> bytes:
    """A video of MOVING."""
    return bad.encoded(MOVING)


@cache
def right() -> list[Picture]:
    """Its pictures."""
    return list(pictures(moving(), every_s=0.2, first_s=0, most_s=5))


def wrong(segment: bytes, *, is_strict: bool) -> int:
    """How many pictures of a damaged MOVING are not as they should be."""
    with suppress(StreamError):
        found = list(pictures(segment, every_s=0.2, first_s=0, most_s=5, is_strict=is_strict))
        return sum(
            min(cv2.norm(one.image, good.image, cv2.NORM_L1) for good in right()) > one.image.size
            for one in found
        )
    return 0


def test_what_a_decoder_filled_in_is_not_shown() -> None:
    segments = [damaged(seed) for seed in range(20)]
    shown = sum(wrong(segment, is_strict=True) for segment in segments)
    filled_in = sum(wrong(segment, is_strict=False) for segment in segments)
    assert shown < filled_in / 2


def test_an_encoder_that_is_never_quite_right_is_watched_nevertheless() -> None:
    def count(segment: bytes, *, is_strict: bool) -> int:
        with suppress(Unreadable):
            return len(list(
                pictures(segment, every_s=0.2, first_s=0, most_s=5, is_strict=is_strict)
            ))  # fmt: skip
        return 0

    bent = next(
        segment for segment in map(damaged, range(100))
        if not count(segment, is_strict=True) and count(segment, is_strict=False)
    )  # fmt: skip
    listed = playlist(*(f"{n}.ts" for n in range(4))) + b"#EXT-X-ENDLIST\n"
    with serving({"/live.m3u8": listed, **{f"/{n}.ts": bent for n in range(4)}}) as served:
        frames = stream(served.url(), limit_s=5).frames(threading.Event())
        assert next(frames).image.shape == MOVING[0].shape


def test_a_title_in_another_encoding_is_no_reason() -> None:
    damaged = video([60] * 3, kind="mp4").replace(b"VideoHandler", b"Citt\xe0 Video.")
    assert b"Citt\xe0" in damaged
    assert len(list(pictures(damaged, every_s=0.2, first_s=0, most_s=5))) == 3


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_pieces_of_one_file(knows_ranges: bool) -> None:
    parts = [video([50] * 5), video([150] * 5)]
    sizes = [len(part) for part in parts]
    listed = (
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
        f"#EXTINF:1,\n#EXT-X-BYTERANGE:{sizes[0]}@0\nall.ts\n"
        f"#EXTINF:1,\n#EXT-X-BYTERANGE:{sizes[1]}\nall.ts\n#EXT-X-ENDLIST\n"
    )
    pages: dict[str, bad.Page] = {"/live.m3u8": listed.encode(), "/all.ts": b"".join(parts)}
    with serving(pages) as served:

        def piece(client: Any) -> None:
            wanted = served.heads[-1].split(b"Range: bytes=")[1].split(b"\r\n")[0]
            first, last = map(int, wanted.split(b"-"))
            client.sendall(bad.answer(b"".join(parts)[first : last + 1], "206 Partial Content"))

        if knows_ranges:
            served.pages["/all.ts"] = piece
        frames = stream(served.url(), every_s=0.2).frames(threading.Event())
        assert shades(frames, 10) == [50] * 5 + [150] * 5


@pytest.mark.parametrize("iv", ["", ",IV=0x0000000000000000000000000000002a"])
def test_an_encrypted_stream(iv: str) -> None:
    key, number = b"sixteen bytes ok", 7
    padder = padding.PKCS7(128).padder()
    plain = padder.update(video([120] * 5)) + padder.finalize()
    vector = (0x2A if iv else number).to_bytes(16, "big")
    cipher = Cipher(algorithms.AES128(key), modes.CBC(vector)).encryptor()
    more = f'#EXT-X-KEY:METHOD=AES-128,URI="key"{iv}\n'
    pages = {
        "/live.m3u8": playlist("1.ts", first=number, more=more),
        "/1.ts": cipher.update(plain) + cipher.finalize(),
        "/key": key,
    }
    with serving(pages) as served:
        assert shades(stream(served.url()).frames(threading.Event()), 3) == [120] * 3
        served.pages["/key"] = b"another key, eh?"
        assert "decrypted" in failure(served.url())


def test_an_encryption_that_we_do_not_know_is_told() -> None:
    listed = playlist("1.ts", more='#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key"\n')
    with serving({"/live.m3u8": listed}) as served:
        assert "unsupported way (SAMPLE-AES)" in failure(served.url())


def test_redirects_are_followed_and_what_is_relative_is_so_to_their_end() -> None:
    pages = {
        "/live.m3u8": bad.redirect("/there/now.m3u8?t=1"),
        "/there/now.m3u8": playlist("1.ts"),
        "/there/1.ts": video([70] * 5),
    }
    with serving(pages) as served:
        assert shades(stream(served.url()).frames(threading.Event()), 2) == [70] * 2


# --- A live stream's life ------------------------------------------------------------------------
def numbers(first: int, count: int, last: int | None, *, over: bool = False) -> list[int]:
    listed = playlist(*(f"{n}.ts" for n in range(count)), first=first)
    found = parsed(listed + (b"#EXT-X-ENDLIST\n" if over else b""), URL)
    return [segment.number for segment in fresh_of(found, last)]


def test_parts_of_a_segment_to_come_are_left_alone() -> None:
    more = b'#EXT-X-PART:DURATION=1,URI="p1.ts"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.ts"\n'
    found = parsed(playlist("1.ts", first=7) + more, URL)
    assert [segment.number for segment in found.segments] == [7]


def test_what_is_played_next() -> None:
    assert numbers(10, 5, None) == [14]  # joined at what is newest
    assert numbers(10, 5, 14) == []
    assert numbers(12, 5, 14) == [15, 16]
    assert numbers(900, 5, 14) == [904]  # it jumped, or we were away
    assert numbers(0, 3, 14) == [2]  # the encoder began anew
    assert numbers(0, 0, 14) == []
    assert numbers(0, 5, None, over=True) == [0, 1, 2, 3, 4]
    assert numbers(0, 5, 1, over=True) == [2, 3, 4]


@pytest.mark.parametrize(
    "change",
    [{"trouble": "stall"}, {"trouble": "cut"}, {"trouble": "hang"}, {"restart": True}],
    ids=["stall", "cut", "hang", "restart"],
)
def test_it_goes_on_after_trouble(television: RunningTelevision, change: dict[str, Any]) -> None:
    frames = stream(television.url, limit_s=4).frames(threading.Event())
    assert len(list(islice(frames, 2))) == 2
    television.server.steer(**{"trouble_s": 0.8, **change})
    assert len(list(islice(frames, 8))) == 8


def test_missing_segments_are_left_out(television: RunningTelevision) -> None:
    television.server.steer(trouble="gap")
    frames = stream(television.url, limit_s=5).frames(threading.Event())
    assert len(list(islice(frames, 5))) == 5


def test_a_broken_segment_costs_only_itself() -> None:
    good = video([60] * 5)
    pages = {"/live.m3u8": playlist("1.ts", "2.ts", "3.ts") + b"#EXT-X-ENDLIST\n",
             "/1.ts": good, "/2.ts": b"G" + b"\0" * 5_000, "/3.ts": good}  # fmt: skip
    with serving(pages) as served:
        frames = stream(served.url(), every_s=1).frames(threading.Event())
        assert shades(frames, 2) == [60, 60]
        with pytest.raises(StreamError, match="over"):
            next(frames)


@pytest.mark.parametrize("page", [bad.silent, bad.slow_head, bad.dripping(b"#EXTM3U")])
def test_a_wish_to_stop_is_heard_in_the_middle_of_a_request(page: bad.Page) -> None:
    stopping = threading.Event()
    with serving({"/live.m3u8": page}) as served:
        frames = stream(served.url(), limit_s=30).frames(stopping)
        threading.Timer(0.2, stopping.set).start()
        began = time.monotonic()
        assert list(frames) == []
        assert time.monotonic() - began < 5


def test_nothing_is_fetched_any_more_once_nobody_looks(television: RunningTelevision) -> None:
    others = set(threading.enumerate())
    frames = stream(television.url, limit_s=5).frames(threading.Event())
    next(frames)
    (watcher,) = [each for each in set(threading.enumerate()) - others if each.name == "hls-stream"]
    frames.close()  # type: ignore[attr-defined]
    watcher.join(5)
    assert not watcher.is_alive()


# --- What cannot be watched ----------------------------------------------------------------------
GOOD = video([60] * 5)
LIMIT_S = 4.0
HTML = b"<!doctype html><title>502 Bad Gateway</title>"
PACKED = b"Content-Encoding: gzip\r\n"
FAULTS: dict[str, tuple[dict[str, bad.Page], str]] = {
    "a playlist that is missing": ({}, "HTTP 404"),
    "a server that is broken": ({"/live.m3u8": bad.refusing("500 Oops")}, "HTTP 500"),
    "silence": ({"/live.m3u8": bad.silent}, "no complete answer"),
    "half an answer": ({"/live.m3u8": bad.cut}, "cut"),
    "a head byte by byte": ({"/live.m3u8": bad.slow_head}, "no complete answer"),
    "a playlist byte by byte": ({"/live.m3u8": bad.dripping(b"#EXTM3U\n")}, "no complete answer"),
    "a playlist without an end": ({"/live.m3u8": bad.endless(b"#EXTM3U\n")}, "over 524288 bytes"),
    "a playlist of very many lines": (
        {"/live.m3u8": playlist(*["1.ts"] * 15_000)}, "too long",
    ),
    "a compressed playlist that is none": (
        {"/live.m3u8": bad.endless(headers=PACKED)}, "compression",
    ),
    "a small playlist that unpacks to a large one": (
        {"/live.m3u8": bad.endless(gzip.compress(b"\0" * 50_000_000), headers=PACKED)},
        "over 524288 bytes",
    ),
    "redirects in a circle": ({"/live.m3u8": bad.redirect("/live.m3u8")}, "over 5 redirects"),
    "a page": ({"/live.m3u8": HTML}, "no HLS playlist"),
    "nothing": ({"/live.m3u8": b""}, "no HLS playlist"),
    "a playlist of nothing": ({"/live.m3u8": playlist()}, "does not move on"),
    "a malformed playlist": ({"/live.m3u8": b"#EXTM3U\n#EXTINF:x,\n1.ts\n"}, "malformed"),
    "playlists within playlists": (
        {"/live.m3u8": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n"}, "does not move on",
    ),
    "a segment that is missing": ({"/live.m3u8": playlist("1.ts")}, "HTTP 404"),
    "a segment byte by byte": (
        {"/live.m3u8": playlist("1.ts"), "/1.ts": bad.dripping(GOOD)}, "no complete answer",
    ),
    "a segment without an end": (
        {"/live.m3u8": playlist("1.ts"), "/1.ts": bad.endless(GOOD)}, "bytes",
    ),
    "a page as segment": ({"/live.m3u8": playlist("1.ts"), "/1.ts": HTML}, "no video"),
    "sound alone": ({"/live.m3u8": playlist("1.ts"), "/1.ts": GOOD[:188] * 50}, "video"),
    "a picture that is far too large": (
        {"/live.m3u8": playlist("1.ts"), "/1.ts": video([9], size=(4_096, 2_304))}, "2560",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def endings() -> dict[str, tuple[str, float]]:
    """What each fault ended with, and after how many seconds; they are watched side by side."""

    def ending(fault: str) -> tuple[str, float]:
        with serving(FAULTS[fault][0]) as served:
            began = time.monotonic()
            told = failure(served.url("/live.m3u8?token=secret"), limit_s=LIMIT_S)
            return told, time.monotonic() - began

    with ThreadPoolExecutor(len(FAULTS)) as pool:
        return dict(zip(FAULTS, pool.map(ending, FAULTS), strict=True))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_ends_in_time_and_is_told(
    fault: str, endings: dict[str, tuple[str, float]]
) -> None:
    told, seconds = endings[fault]
    assert FAULTS[fault][1] in told
    assert "secret" not in told
    assert seconds < LIMIT_S + 3


def test_a_fall_and_a_recovery_are_logged_once_each(caplog: Any) -> None:
    caplog.set_level("INFO")
    with serving({}) as served:
        watched = stream(served.url(), limit_s=0.5)
        for _ in range(2):
            with pytest.raises(StreamError):
                next(watched.frames(threading.Event()))
        served.pages.update({"/live.m3u8": playlist("1.ts"), "/1.ts": GOOD})
        assert shades(watched.frames(threading.Event()), 2) == [60, 60]
    told = [record.message for record in caplog.records if record.message.startswith("stream.")]
    assert [message.split(" ")[0] for message in told] == ["stream.lost", "stream.recovered"]


def test_nobody_listens() -> None:
    with serving({}) as served:
        url = served.url()
    assert "no connection" in failure(url)


def test_a_stream_that_stands_still_ends_after_its_last_picture() -> None:
    with serving({"/live.m3u8": playlist("1.ts"), "/1.ts": GOOD}) as served:
        frames = stream(served.url()).frames(threading.Event())
        came = [frame.at for frame in islice(frames, 5)]
        assert came[-1] - came[0] > timedelta(seconds=0.7)  # in their time, not at once
        with pytest.raises(StreamError, match="does not move on"):
            next(frames)


WATCH = """
import ipaddress, re, sys, threading
from pathlib import Path
from ocr.clients.stream import HlsStream
from ocr.types import StreamError
loopback = [ipaddress.ip_network("127.0.0.0/8")]
for url in sys.argv[1:]:
    try:
        list(HlsStream(url, loopback, limit_s=1).frames(threading.Event()))
    except StreamError as exc:
        print(exc, file=sys.stderr)
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_that_a_server_sends_takes_much_memory() -> None:
    """Under 150 MB for the whole process, of which Python and its libraries have 60."""
    large = video([9], size=(7_680, 4_320))
    worst = {
        "/playlist": bad.endless(b"#EXTM3U\n"),
        "/line": b"#EXTM3U\n#EXT-X-STREAM-INF:" + b"a=b," * 100_000 + b"\nx\n",
        "/lines": b"#EXTM3U\n" + b"#EXTINF:1,\nx\n" * 9_000,
        "/bomb": playlist("bomb.ts"), "/bomb.ts": large,
        "/segment": playlist("endless.ts"), "/endless.ts": bad.endless(GOOD),
        "/unpacked": bad.endless(gzip.compress(b"\0" * 200_000_000, 1), headers=PACKED),
    }  # fmt: skip
    with serving(worst) as served:
        paths = ("/playlist", "/line", "/lines", "/bomb", "/segment", "/unpacked")
        watched = subprocess.run(
            [sys.executable, "-c", WATCH, *(served.url(path) for path in paths)],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    assert len(watched.stderr.splitlines()) >= len(paths), watched.stderr
    assert int(watched.stdout) < 150 * 1024, watched.stdout


# --- Where it must not lead ----------------------------------------------------------------------
REFUSED = (
    "ftp://example.com/x", "file:///etc/passwd", "/live.m3u8", "http://", "http:///x",
    "http://user:password@example.com/", "http://exa mple.com/", "http://example.com/\n", "rtmp://x/y",
    "http://localhost:0/", "http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest",
    "http://[fd00:ec2::254]/", "http://10.0.0.1:8080/", "http://2130706433/", "http://0x7f.1/",
    "http://[::ffff:127.0.0.1]/", "http://127.0.0.1\\@8.8.8.8/", "http://localhost/",
    "http://example.com/" + "x" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(StreamRefused):
        checked_url(url)


@pytest.mark.parametrize("url", ["https://8.8.8.8/live.m3u8?a=b", "http://[2606:4700::1]:8080/x"])
def test_a_public_address_is_taken_as_it_is(url: str) -> None:
    assert checked_url(url) == url


def test_a_name_that_is_not_known_now_may_be_later() -> None:
    assert checked_url("https://tv.invalid/live.m3u8") == "https://tv.invalid/live.m3u8"


def test_an_internal_address_needs_leave() -> None:
    assert checked_url("http://127.0.0.1/x", LOOPBACK)
    with serving({"/live.m3u8": playlist("1.ts")}) as served:
        frames = HlsStream(served.url()).frames(threading.Event())
        with pytest.raises(StreamError, match="internal address"):
            next(frames)
        assert served.asked == []


METADATA = "http://169.254.169.254/latest"
KEY = f'#EXT-X-KEY:METHOD=AES-128,URI="{METADATA}"\n'
LEADING_AWAY: dict[str, dict[str, bad.Page]] = {
    "redirect": {"/live.m3u8": bad.redirect(METADATA)},
    "variant": {"/live.m3u8": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{METADATA}\n".encode()},
    "segment": {"/live.m3u8": playlist(METADATA)},
    "segment's redirect": {"/live.m3u8": playlist("1.ts"), "/1.ts": bad.redirect(METADATA)},
    "key": {"/live.m3u8": playlist("1.ts", more=KEY), "/1.ts": GOOD},
    "head": {
        "/live.m3u8": playlist("1.ts", more=f'#EXT-X-MAP:URI="{METADATA}"\n'), "/1.ts": GOOD,
    },
    "file": {"/live.m3u8": playlist("file:///etc/passwd")},
    "file's redirect": {"/live.m3u8": bad.redirect("file:///etc/passwd")},
    "other scheme": {"/live.m3u8": playlist("gopher://127.0.0.1/x")},
}  # fmt: skip


@pytest.mark.parametrize("way", LEADING_AWAY)
def test_no_way_leads_into_an_internal_network(way: str) -> None:
    with serving(LEADING_AWAY[way]) as served:
        assert "internal" in (told := failure(served.url(), limit_s=20)) or "no http" in told
