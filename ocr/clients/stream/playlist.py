"""HLS playlists (RFC 8216): which files, in which order, a stream consists of."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

import m3u8

from core.lib.upstream import UpstreamError
from ocr.clients.stream.fetch import Piece

SHORTEST_S, LONGEST_S = 0.1, 30.0  # of a segment; other durations are ignored
MAX_BEHIND: Final = 3  # segments
MAX_LINES: Final = 20_000  # parsing takes 10 us each
FULL_HD: Final = 1920 * 1080
SOUND: Final = ("mp4a", "ac-3", "ec-3", "opus", "flac")


class SegmentKey(NamedTuple):
    """What an encrypted segment is decrypted with: AES-128, CBC."""

    url: str
    iv: bytes


class Segment(NamedTuple):
    """A few seconds of the stream; `head` (EXT-X-MAP) goes before its bytes."""

    number: int
    duration_s: float
    body: Piece
    head: Piece | None
    key: SegmentKey | None
    breaks: bool  # a discontinuity comes before it

    def follows(self, other: Segment | None) -> bool:
        """Whether it goes on where `other` ended."""
        is_next = other is not None and self.number == other.number + 1
        return is_next and not self.breaks


class Playlist(NamedTuple):
    """A playlist: either of `variants`, best first, or of segments, oldest first."""

    variants: list[str]
    segments: list[Segment]
    target_s: float
    is_over: bool  # nothing will be added
    defined: Mapping[str, str]  # EXT-X-DEFINE, for the playlists that it leads to


def parsed(body: bytes, url: str, defined: Mapping[str, str] | None = None) -> Playlist:
    """The playlist that came from `url`; `defined` are the variables of the one that led to it.

    Raises UpstreamError when it is none, or one we cannot play.
    """
    if not body.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"#EXTM3U"):
        raise UpstreamError(_what_came(body))
    if body.count(b"\n") > MAX_LINES:
        raise UpstreamError("The playlist is too long.")
    try:
        text, own = _substituted(body.decode("utf-8-sig", "replace"), url, defined or {})
        listed = m3u8.loads(text)
        variants = _variants(listed.playlists, url)
        if listed.playlists and not variants:
            raise UpstreamError("The stream has sound only.")
        segments = [] if variants else _segments(listed.segments, url)
        target_s = min(max(float(listed.target_duration or 0), 0.5), LONGEST_S)
        return Playlist(variants, segments, target_s, bool(listed.is_endlist), own)
    except UpstreamError:
        raise
    except Exception as exc:  # the parser fails in as many ways as there are malformed lines
        raise UpstreamError(f"The playlist is malformed ({type(exc).__name__}).") from exc


def fresh_of(playlist: Playlist, last: Segment | None) -> list[Segment]:
    """The segments to play after `last`; None when nothing was played yet.

    A live stream is joined at its newest segment. So is one whose numbers went back (the encoder
    was restarted), that has another file under a number, or that is more than three ahead of us:
    old pictures are of no use.
    """
    found = playlist.segments
    if not found or (playlist.is_over and last is None):
        return found
    if last is None or found[-1].number < last.number:
        return found[-1:]
    if found[-1].number == last.number:
        return found[-1:] if _file(found[-1]) != _file(last) else []
    new = [segment for segment in found if segment.number > last.number]
    return new if playlist.is_over or len(new) <= MAX_BEHIND else new[-1:]


def _file(segment: Segment) -> tuple[str, int]:
    """Which file it is, wherever it lies: tokens and hosts may change from one copy to the next."""
    return urlsplit(segment.body.url).path.rpartition("/")[2], segment.body.first


def _what_came(body: bytes) -> str:
    begin = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1_000].lower()
    kind = next((kind for sign, kind in _OTHERS.items() if sign in begin), "")
    return "What came is no HLS playlist" + (f" but {kind}." if kind else ".")


_OTHERS: Final = {
    b"<mpd": "a DASH manifest; the stream needs an HLS address (.m3u8)",
    b"<html": "a web page",
    b"<!doctype html": "a web page",
    b"<?xml": "XML; the address of the stream may stand in it",
    b"\x1f\x8b": "a compressed file that does not say so",
    b"[playlist]": "a PLS playlist",
}
_DEFINE: Final = "#EXT-X-DEFINE:"
_ATTRIBUTE: Final = re.compile(r'([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))')
_VARIABLE: Final = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")


def _substituted(text: str, url: str, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The playlist with its variables replaced, and their values (RFC 8216bis, 4.3).

    Raises UpstreamError for a variable that nobody defined.
    """
    if _DEFINE not in text and "{$" not in text:
        return text, dict(given)
    values: dict[str, str] = {}
    query = dict(parse_qsl(urlsplit(url).query))

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise UpstreamError(f"The playlist uses an undefined variable ({match[1][:40]}).")
        return values[match[1]]

    lines = []
    for line in text.splitlines():
        if not line.startswith(_DEFINE):
            lines.append(_VARIABLE.sub(value, line))
            continue
        said = {name: quoted or bare for name, quoted, bare in _ATTRIBUTE.findall(line)}
        if "NAME" in said:
            values[said["NAME"]] = _VARIABLE.sub(value, said.get("VALUE", ""))
        for kind, source in (("IMPORT", given), ("QUERYPARAM", query)):
            if said.get(kind) in source:
                values[said[kind]] = source[said[kind]]
    return "\n".join(lines), values


def _variants(playlists: Any, url: str) -> list[str]:
    """The variants with a picture: the largest up to full HD first, the larger ones last."""

    def rank(variant: Any) -> tuple[bool, int, int]:
        info = variant.stream_info
        pixels = info.resolution[0] * info.resolution[1] if info.resolution else 0
        is_large = pixels > FULL_HD
        return is_large, pixels if is_large else -pixels, -(info.bandwidth or 0)

    with_picture = [one for one in playlists if not _is_sound(one.stream_info.codecs)]
    return [urljoin(url, one.uri) for one in sorted(with_picture, key=rank)]


def _is_sound(codecs: str | None) -> bool:
    return bool(codecs) and all(one.strip().startswith(SOUND) for one in str(codecs).split(","))


def _segments(listed: Any, url: str) -> list[Segment]:
    found: list[Segment] = []
    ends: dict[str, int] = {}  # where the next range of a file begins unless it says so
    for one in listed:
        if not one.uri:  # parts of a segment that is still being made
            continue
        file = urljoin(url, one.uri)
        body = _piece(file, one.byterange, ends.get(file, 0))
        ends[file] = body.first + (body.length or 0)
        if one.gap_tag:
            continue
        head = one.init_section
        number = int(one.media_sequence)
        found.append(
            Segment(
                number,
                min(max(float(one.duration or 0), SHORTEST_S), LONGEST_S),
                body,
                _piece(urljoin(url, head.uri), head.byterange, 0) if head and head.uri else None,
                _key(one.key, url, number),
                bool(one.discontinuity),
            )
        )
    return found


def _piece(url: str, byterange: str | None, following: int) -> Piece:
    if not byterange:
        return Piece(url)
    length, _, first = str(byterange).strip('"').partition("@")
    piece = Piece(url, int(first) if first else following, int(length))
    if piece.first < 0 or (piece.length or 0) <= 0:
        raise UpstreamError("The playlist has an impossible byte range.")
    return piece


def _key(key: Any, url: str, number: int) -> SegmentKey | None:
    method = key.method if key else None
    if method in (None, "", "NONE"):
        return None
    if method != "AES-128" or key.keyformat not in (None, "identity") or not key.uri:
        raise UpstreamError(f"The stream is encrypted in an unsupported way ({method[:20]}).")
    if not key.iv:
        return SegmentKey(urljoin(url, key.uri), number.to_bytes(16, "big"))
    return SegmentKey(urljoin(url, key.uri), binascii.unhexlify(key.iv[2:].zfill(32)))
