"""Pictures off streams, good and bad ones, over real sockets."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from core.lib.upstream import UpstreamError
from ocr.clients.stream.fetch import Piece
from ocr.clients.stream.pictures import DecodedPicture, SegmentDecoder, UnreadableVideo
from ocr.clients.stream.playlist import Segment, fresh_of, parsed
from ocr.tests import bad_streams as bad
from ocr.tests import coded
from ocr.tests.bad_streams import playlist, serving, video
from ocr.tests.watched import failure, shades, stream
from sandbox.testing import RunningTelevision, running_television

pytestmark = pytest.mark.usefixtures("hls")

URL = "http://tv.example.com/a/live.m3u8?token=1"


@pytest.fixture
def television() -> Iterator[RunningTelevision]:
    """A television with cheap pictures, two in a segment."""
    with running_television(segment_s=0.4, draw=coded.drawn) as running:
        running.server.steer(programme="adverts")
        yield running


def pictures(segment: bytes, *, is_strict: bool = True) -> list[DecodedPicture]:
    """All pictures of a segment alone, five a second."""
    decoder = SegmentDecoder(every_s=0.2)
    return list(
        decoder.pictures(segment, follows=False, is_last=True, max_s=5, is_strict=is_strict)
    )


# --- Pictures ------------------------------------------------------------------------------------
def test_one_picture_per_period_across_segments() -> None:
    decoder, segment = SegmentDecoder(every_s=1.0), video([0] * 7)
    found = [
        one.at_s
        for _ in range(4)
        for one in decoder.pictures(segment, follows=False, is_last=True, max_s=5)
    ]
    assert found == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], abs=0.001)


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
        with pytest.raises(UpstreamError, match="over"):
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
        with suppress(UpstreamError):
            read += len(pictures(bytes(damaged)))
    assert read > 100


def test_a_damaged_playlist_is_read_or_refused() -> None:
    more = '#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x01\n#EXT-X-MAP:URI="h",BYTERANGE="5@1"\n'
    dice, whole, read = random.Random(5), playlist("1.ts", "2.ts", more=more), 0
    for _ in range(1_000):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 3, 20))):
            damaged[dice.randrange(8, len(damaged))] = dice.choice(b'\n#:=,"@x0-.\xff1')
        with suppress(UpstreamError):
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
def right() -> list[DecodedPicture]:
    """Its pictures."""
    return pictures(moving())


def wrong(segment: bytes, *, is_strict: bool) -> int:
    """How many pictures of a damaged MOVING are not as they should be."""
    with suppress(UpstreamError):
        found = pictures(segment, is_strict=is_strict)
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
        with suppress(UnreadableVideo):
            return len(pictures(segment, is_strict=is_strict))
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
    assert len(pictures(damaged)) == 3


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
            client.sendall(bad.response(b"".join(parts)[first : last + 1], "206 Partial Content"))

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


def test_unknown_encryption_is_an_error() -> None:
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
    played = None if last is None else Segment(last, 1.0, Piece("/x.ts"), None, None, False)
    return [segment.number for segment in fresh_of(found, played)]


def test_parts_of_a_segment_to_come_are_left_alone() -> None:
    more = b'#EXT-X-PART:DURATION=1,URI="p1.ts"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p2.ts"\n'
    found = parsed(playlist("1.ts", first=7) + more, URL)
    assert [segment.number for segment in found.segments] == [7]


def test_what_is_played_next() -> None:
    assert numbers(10, 5, None) == [14]  # joined at what is newest
    assert numbers(10, 5, 14) == [14]  # another file under the same number
    assert numbers(12, 5, 14) == [15, 16]
    assert numbers(900, 5, 14) == [904]  # it jumped, or we were disconnected
    assert numbers(0, 3, 14) == [2]  # the encoder was restarted
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
        with pytest.raises(UpstreamError, match="over"):
            next(frames)


@pytest.mark.parametrize("page", [bad.silent, bad.slow_head, bad.dripping(b"#EXTM3U")])
def test_a_stop_is_heard_in_the_middle_of_a_request(page: bad.Page) -> None:
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
