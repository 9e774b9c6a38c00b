"""What cannot be watched on a stream, and where none may lead, over real sockets."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest

from core.lib.upstream import UpstreamError
from ocr.clients.stream import HlsStream, checked_url
from ocr.clients.stream.pictures import DecodedPicture, SegmentDecoder, UnreadableVideo
from ocr.tests import bad_streams as bad
from ocr.tests.bad_streams import playlist, serving, video
from ocr.tests.watched import LOOPBACK, failure, shades, stream
from ocr.types import StreamRefused

pytestmark = pytest.mark.usefixtures("hls")

# --- What is not decoded -------------------------------------------------------------------------


def decoded(segment: bytes) -> list[DecodedPicture]:
    decoder = SegmentDecoder(every_s=1.0)
    return list(decoder.pictures(segment, follows=False, is_last=True, max_s=5))


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libsvtav1", "jpeg2000"])
def test_what_live_streams_are_not_made_of_is_not_decoded(codec: str) -> None:
    with pytest.raises(UnreadableVideo, match="of a kind that is not read"):
        decoded(video([60], kind="mp4", codec=codec))


@pytest.mark.parametrize(
    ("codec", "kind"),
    [("libx264", "mpegts"), ("libx265", "mp4"), ("mpeg2video", "mpegts"), ("mpeg4", "mp4")],
)
def test_what_live_streams_are_made_of_is_decoded(codec: str, kind: str) -> None:
    [picture] = decoded(video([60], kind=kind, codec=codec))
    assert picture.image.shape == (180, 320, 3)


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
    "a playlist of nothing": ({"/live.m3u8": playlist()}, "is empty"),
    "a malformed playlist": ({"/live.m3u8": b"#EXTM3U\n#EXTINF:x,\n1.ts\n"}, "malformed"),
    "playlists within playlists": (
        {"/live.m3u8": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n"}, "without an end",
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
            error = failure(served.url("/live.m3u8?token=secret"), limit_s=LIMIT_S)
            return error, time.monotonic() - began

    with ThreadPoolExecutor(len(FAULTS)) as pool:
        return dict(zip(FAULTS, pool.map(ending, FAULTS), strict=True))


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_in_time_with_its_error(
    fault: str, endings: dict[str, tuple[str, float]]
) -> None:
    error, seconds = endings[fault]
    assert FAULTS[fault][1] in error
    assert "secret" not in error
    assert seconds < LIMIT_S + 3


def test_a_fall_and_a_recovery_are_logged_once_each(caplog: Any) -> None:
    caplog.set_level("INFO")
    with serving({}) as served:
        watched = stream(served.url(), limit_s=0.5)
        for _ in range(2):
            with pytest.raises(UpstreamError):
                next(watched.frames(threading.Event()))
        served.pages.update({"/live.m3u8": playlist("1.ts"), "/1.ts": GOOD})
        assert shades(watched.frames(threading.Event()), 2) == [60, 60]
    logged = [record.message for record in caplog.records if record.message.startswith("stream.")]
    assert [message.split(" ")[0] for message in logged] == ["stream.lost", "stream.recovered"]


def test_nobody_listens() -> None:
    with serving({}) as served:
        url = served.url()
    assert "no connection" in failure(url)


def test_a_stream_that_stands_still_ends_after_its_last_picture() -> None:
    with serving({"/live.m3u8": playlist("1.ts"), "/1.ts": GOOD}) as served:
        frames = stream(served.url()).frames(threading.Event())
        came = [frame.at for frame in islice(frames, 5)]
        assert came[-1] - came[0] > timedelta(seconds=0.7)  # in their time, not at once
        with pytest.raises(UpstreamError, match="does not move on"):
            next(frames)


WATCH = """
import ipaddress, re, sys, threading
from pathlib import Path
from ocr.clients.stream import HlsStream
from core.lib.upstream import UpstreamError
loopback = [ipaddress.ip_network("127.0.0.0/8")]
for url in sys.argv[1:]:
    try:
        list(HlsStream(url, loopback, limit_s=1).frames(threading.Event()))
    except UpstreamError as exc:
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
def test_public_address_is_accepted_as_it_is(url: str) -> None:
    assert checked_url(url) == url


def test_a_name_that_is_not_known_now_may_be_later() -> None:
    assert checked_url("https://tv.invalid/live.m3u8") == "https://tv.invalid/live.m3u8"


def test_an_internal_address_needs_leave() -> None:
    assert checked_url("http://127.0.0.1/x", LOOPBACK)
    with serving({"/live.m3u8": playlist("1.ts")}) as served:
        frames = HlsStream(served.url()).frames(threading.Event())
        with pytest.raises(UpstreamError, match="internal address"):
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
        assert "internal" in (error := failure(served.url(), limit_s=20)) or "no http" in error
