"""Streams as others make them: every kind of GOP, of playlist, and of server that is choosy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from core.lib.upstream import UpstreamError
from ocr.clients.stream import HlsStream
from ocr.clients.stream.fetch import headers_by_host
from ocr.clients.stream.pictures import NoPictureYet, SegmentDecoder
from ocr.clients.stream.playlist import parsed
from ocr.tests import bad_streams as bad
from ocr.tests.bad_streams import playlist, serving, video
from ocr.tests.watched import LOOPBACK, failure, shades, stream

pytestmark = pytest.mark.usefixtures("hls")

URL = "http://tv.example.com/a/live.m3u8?token=1"
SHADES = [40, 80, 120, 160, 200, 240, 60, 100]
GOPS = {
    "closed": "keyint=50:min-keyint=50:scenecut=0:bframes=3",
    "open": "keyint=50:min-keyint=50:scenecut=0:open-gop=1:bframes=3:b-pyramid=normal",
    "long": "keyint=500:min-keyint=500:scenecut=0:bframes=0",
    "intra refresh": "intra-refresh=1:keyint=50:scenecut=0",
}


def greys(
    decoder: SegmentDecoder, segment: bytes, *, follows: bool = True, **more: Any
) -> list[int]:
    pictures = decoder.pictures(segment, follows=follows, max_s=5, **more)
    return [round(float(one.image.mean()) / 10) * 10 for one in pictures]


# --- Groups of pictures --------------------------------------------------------------------------
@pytest.mark.parametrize("gop", GOPS)
def test_a_stream_is_shown_whatever_its_segments_begin_with(tmp_path: Path, gop: str) -> None:
    segments = bad.segmented(tmp_path, SHADES, codec_options=GOPS[gop])
    decoder = SegmentDecoder(every_s=1.0)
    shown = [greys(decoder, one, is_last=one is segments[-1]) for one in segments]
    assert [*chain(*shown)] == SHADES


@pytest.mark.parametrize(
    ("gop", "lost"), [("closed", 0), ("open", 2), ("intra refresh", 4)], ids=lambda v: str(v)
)
def test_a_stream_is_joined_anywhere(tmp_path: Path, gop: str, lost: int) -> None:
    """Nothing is shown that is built on what was not seen; that costs a GOP, or two."""
    segments = bad.segmented(tmp_path, SHADES, codec_options=GOPS[gop])[1:]
    decoder, shown = SegmentDecoder(every_s=1.0), []
    for one in segments:
        try:
            shown += greys(decoder, one, is_last=one is segments[-1])
        except UpstreamError:
            continue
    assert shown
    assert set(shown) <= set(SHADES[2:])
    assert len(SHADES[2:]) - len(shown) <= lost


def test_a_segment_without_a_whole_picture_is_waited_out(tmp_path: Path) -> None:
    first, second, *_ = bad.segmented(tmp_path, SHADES, codec_options=GOPS["long"])
    decoder = SegmentDecoder(every_s=1.0)
    with pytest.raises(NoPictureYet):
        greys(decoder, second, follows=False)
    assert greys(decoder, first, follows=False, is_last=True) == SHADES[:2]


def test_what_was_lost_is_not_shown_until_the_next_key_picture(tmp_path: Path) -> None:
    segments = bad.segmented(tmp_path, SHADES, codec_options=GOPS["long"])
    decoder = SegmentDecoder(every_s=0.2)
    assert greys(decoder, segments[0])
    assert set(greys(decoder, segments[1][: len(segments[1]) // 2])) == set(SHADES[2:3])
    with pytest.raises(UpstreamError, match="no whole picture"):
        greys(decoder, segments[2])


def test_what_is_known_of_a_stream_outlives_a_reconnect(tmp_path: Path) -> None:
    segments = bad.segmented(tmp_path, SHADES, codec_options=GOPS["long"])
    pages: dict[str, bad.Page] = {f"/{n}.ts": one for n, one in enumerate(segments)}
    with serving({**pages, "/live.m3u8": playlist("0.ts", seconds=2)}) as served:
        watched = stream(served.url(), every_s=1.0, limit_s=2)
        frames = watched.frames(threading.Event())
        assert shades(frames, 2) == SHADES[:2]
        while served.asked.count("/live.m3u8") < 2:  # the segment is through
            time.sleep(0.05)
        frames.close()  # type: ignore[attr-defined]
        assert watched._thread
        watched._thread.join(5)
        served.pages["/live.m3u8"] = playlist("0.ts", "1.ts", seconds=2)
        assert shades(watched.frames(threading.Event()), 1)[0] in SHADES[1:4]


# --- Bytes before and between --------------------------------------------------------------------
def test_a_tag_or_the_rest_of_a_packet_comes_before_the_video() -> None:
    good = video([60] * 5)
    tag = b"ID3\x04\0\0\0\0\0\x0a" + b"G" * 10
    for segment in (tag + good, b"\0" * 100 + good, good[100:]):
        assert greys(SegmentDecoder(every_s=0.2), segment, is_last=True)[:4] == [60] * 4


# --- Playlists -----------------------------------------------------------------------------------
def test_a_playlist_leads_to_another_and_variables_go_along() -> None:
    top = (
        b'#EXTM3U\n#EXT-X-DEFINE:NAME="cdn",VALUE="/sub"\n#EXT-X-DEFINE:QUERYPARAM="token"\n'
        b"#EXT-X-STREAM-INF:BANDWIDTH=1\n{$cdn}/inner.m3u8?t={$token}\n"
    )
    inner = (
        b'#EXTM3U\n#EXT-X-DEFINE:IMPORT="cdn"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{$cdn}/media.m3u8\n'
    )
    media = playlist("{$dir}/1.ts", more='#EXT-X-DEFINE:NAME="dir",VALUE="/files"\n')
    pages = {
        "/live.m3u8": top, "/sub/inner.m3u8": inner, "/sub/media.m3u8": media,
        "/files/1.ts": video([90] * 5),
    }  # fmt: skip
    with serving(pages) as served:
        frames = stream(served.url("/live.m3u8?token=s3cret")).frames(threading.Event())
        assert shades(frames, 3) == [90] * 3
        assert "/sub/inner.m3u8?t=s3cret" in served.asked


def test_a_variable_that_nobody_defined_is_an_error() -> None:
    with pytest.raises(UpstreamError, match=r"undefined variable \(dir\)"):
        parsed(playlist("{$dir}/1.ts"), URL)


def test_playlists_in_a_circle_are_an_error() -> None:
    circle = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n"
    with serving({"/live.m3u8": circle}) as served:
        assert "without an end" in failure(served.url())


def test_other_files_under_the_same_numbers_are_played() -> None:
    pages: dict[str, bad.Page] = {f"/{n}.ts": video([n * 10] * 5) for n in range(1, 4)}
    with serving({**pages, "/live.m3u8": playlist("1.ts")}) as served:
        frames = stream(served.url(), limit_s=5).frames(threading.Event())
        assert shades(frames, 1) == [10]
        served.pages["/live.m3u8"] = playlist("2.ts?token=other")
        assert 20 in shades(frames, 6)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>', "DASH"),
        (b'<?xml version="1.0"?><Mediaunit/>', "XML"),
        (b"<!DOCTYPE html><title>Login</title>", "web page"),
        (b"\x1f\x8b\x08\0\0", "compressed"),
        (b"", "no HLS playlist."),
    ],
    ids=["dash", "xml", "html", "gzip", "empty"],
)
def test_what_is_no_playlist_is_named(body: bytes, what: str) -> None:
    with pytest.raises(UpstreamError, match=what):
        parsed(body, URL)


def test_an_empty_playlist_is_named() -> None:
    with serving({"/live.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n"}) as served:
        assert "the playlist is empty" in failure(served.url())


def test_a_stream_of_sound_alone_is_named() -> None:
    top = b'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"\na.m3u8\n'
    with pytest.raises(UpstreamError, match="sound only"):
        parsed(top, URL)


# --- Servers that are choosy ---------------------------------------------------------------------
def choosy(answer: bytes, *wanted: bytes, headers: str = "") -> Callable[[Any, bytes], None]:
    """Answers who sends what is wanted, and 403 to others."""

    def page(client: Any, head: bytes) -> None:
        is_welcome = all(line in head for line in wanted)
        client.sendall(
            bad.response(answer, headers=headers)
            if is_welcome
            else bad.response(b"no", "403 Forbidden")
        )

    return page


def test_headers_go_where_they_belong_and_secrets_nowhere_else() -> None:
    agent, cookie = b"User-Agent: Mozilla/5.0", b"Cookie: pass=s3cret"
    headers = headers_by_host(
        {"ocr_stream_1": {"HOST": "127.0.0.1", "USER_AGENT": "Mozilla/5.0",
                          "REFERER": "https://tv.example/", "COOKIE": "pass=s3cret"}}
    )  # fmt: skip
    with serving({"/1.ts": video([90] * 5)}, "127.0.0.2") as other, serving({}) as home:
        home.pages["/live.m3u8"] = choosy(playlist(other.url("/1.ts")), agent, cookie)
        watched = HlsStream(home.url(), LOOPBACK, 0.2, 2.0, headers)
        assert shades(watched.frames(threading.Event()), 2) == [90] * 2
        [head] = {head.split(b"\r\n", 1)[1] for head in other.heads}
        assert agent in head
        assert b"Referer: https://tv.example/" in head
        assert b"s3cret" not in head


def test_a_cookie_that_the_first_answer_sets_is_presented_to_that_host_alone() -> None:
    with serving({"/1.ts": video([90] * 5)}, "127.0.0.2") as other, serving({}) as home:
        top = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia.m3u8\n"
        home.pages["/live.m3u8"] = choosy(top, headers="Set-Cookie: hdntl=a~b; path=/\r\n")
        home.pages["/media.m3u8"] = choosy(playlist(other.url("/1.ts")), b"Cookie: hdntl=a~b")
        frames = stream(home.url(), limit_s=2).frames(threading.Event())
        assert shades(frames, 2) == [90] * 2
        assert not any(b"hdntl" in head for head in other.heads)


def test_the_limit_allows_three_segments() -> None:
    listed = playlist("1.ts", seconds=4)
    with serving({"/live.m3u8": listed, "/1.ts": video([90] * 5)}) as served:
        watched = stream(served.url(), limit_s=1)
        assert watched.silence_limit_s == 1
        next(watched.frames(threading.Event()))
        assert watched.silence_limit_s == 12
