"""Requests for the viewers of each kind of server, and the place of the number in the response.

JMESPath expressions for JSON and XML alike (every XML element is a list, so that one stream and
several have the same shape). What each number counts, with sources: docs/upstreams/cdn.md.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

import jmespath
import orjson
import xmltodict
from jmespath.exceptions import JMESPathError

from core.lib.upstream import UpstreamError
from webtv.types import MAX_VIEWERS, PageRequest, Pages, ViewerSource

PAGE_ROWS: Final = 1_000
MAX_PAGES: Final = 20


@dataclass(frozen=True, slots=True)
class PresetSpec:
    """One kind of server. Expressions are JMESPath; those of a stream start at its document."""

    viewers: str  # of a stream: a number, or several to be added up; -1 is unknown
    page: str = ""  # below the address; {key}, {app}, {stream}: of the key; {page}, {start}: above
    document: str = "@"  # what a response of this server always has
    streams: str = "[@]"  # the streams' documents; {app} picks those of one application
    name: str = ""  # of a stream; without it the page is about one stream only
    publishing: str = ""  # of a stream: true when its publisher is counted too
    relays: str = ""  # of a stream: how many of its counted clients only pass it on
    more: str = ""  # as PageRequest.more
    uncounted: str = ""  # how people may watch without being in the number
    body_format: str = "json"
    needs_key: bool = False
    digest: bool = False  # the password is for HTTP Digest and never sent as it is
    broken: bool = False  # some versions write invalid JSON


_WOWZA: Final = "/v2/servers/_defaultServer_/vhosts/_defaultVHost_/applications/{app}"
PRESETS: Final[dict[str, PresetSpec]] = {
    "nginx-rtmp": PresetSpec(
        document="rtmp",
        streams="rtmp[].server[].application[] | [?{app}].live[].stream[]",
        name="name[0]",
        viewers="nclients[0]",
        publishing="publishing",
        relays='length(client[?!publishing && contains(`["ngx-local-relay", '
        '"LNX.11,1,102,55"]`, flashver[0])] || `[]`)',  # pushed to others, pulled by others
        uncounted="HLS, DASH",
        body_format="xml",
    ),
    "mediamtx": PresetSpec(
        page=f"/v3/paths/list?page={{page}}&itemsPerPage={PAGE_ROWS}",
        document="items",
        streams="items",
        name="name",
        viewers="length(readers || `[]`)",
        # Before version 1.16 one `hlsMuxer` stands for any number of viewers, or for none.
        relays="length(readers[?type == 'hlsMuxer'] || `[]`)",
        more="pageCount > `{next}`",
        uncounted="HLS (MediaMTX < 1.16)",
    ),
    "srs": PresetSpec(
        page=f"/api/v1/streams?start={{start}}&count={PAGE_ROWS}",
        document="streams",
        streams="streams",
        name="join('/', [app, name])",
        viewers="clients",
        publishing="publish.active",
        more=f"length(streams) >= `{PAGE_ROWS}`",
    ),
    "wowza": PresetSpec(
        page="{wowza}/monitoring/current",
        document="serverName",
        viewers="totalConnections",
        needs_key=True,
        digest=True,
    ),
    "ant-media": PresetSpec(
        page="/{app}/rest/v2/broadcasts/{stream}/broadcast-statistics",
        document="keys(@)",
        viewers="[totalRTMPWatchersCount, totalHLSWatchersCount, totalWebRTCWatchersCount, "
        "totalDASHWatchersCount][?@ != null]",
        needs_key=True,
    ),
    "owncast": PresetSpec(page="/api/status", document="online", viewers="viewerCount"),
    "icecast": PresetSpec(
        page="/status-json.xsl",
        document="icestats",
        streams="[icestats.source][]",
        name="listenurl",
        viewers="listeners",
        broken=True,
    ),
    "flussonic": PresetSpec(
        page="/flussonic/api/media",
        streams="[]",
        name="value.name || entry",
        viewers="value.stats.client_count",
    ),
    "restreamer": PresetSpec(
        page="/api/v3/session/active?collectors=hls,rtmp,srt",
        streams="values(@)[]",
        name="reference",
        viewers="`1`",
    ),
    "cloudflare": PresetSpec(
        page="/{key}/views", document="keys(@)", viewers="liveViewers", needs_key=True
    ),
    "viewer-count": PresetSpec(
        document="keys(@)",
        viewers="viewerCount || stream.viewerCount || streams[].viewerCount",
    ),
}
_EMPTY_TITLE: Final = re.compile(rb'(":\s*)-(?=\s*[,}\]])')  # Icecast 2.4's "title": - ,
_NUMBER: Final = re.compile(r"\s*-?[0-9]{1,12}\s*\Z", re.ASCII)


def request_of(source: ViewerSource) -> PageRequest:
    """What to fetch; equal for sources that share it.

    Raises ValueError, with a message for staff, when address, headers, key or path are unusable.
    """
    preset = _preset(source)
    parts = urlsplit(source.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("The address must begin with http:// or https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("User and password do not belong in the address.")
    if re.search(r"[\x00-\x20\x7f]", source.url):
        raise ValueError("The address contains spaces or control characters.")
    if preset.needs_key and not source.stream_key:
        raise ValueError("This server needs the stream's name on the server.")
    _compiled(preset.viewers)
    page = preset.page.format_map(_PageParts(source.stream_key))
    url = source.url.rstrip("/") + page if page else source.url
    headers = tuple(sorted(_headers(source, preset).items()))
    login = (source.user, source.password) if source.user and not source.token else None
    return PageRequest(url, headers, login, preset.more)


def fetch_all(pages: Pages, request: PageRequest, *, timeout_s: float) -> tuple[bytes, ...]:
    """The bodies of all pages of what is asked for, within `timeout_s` together.

    Raises UpstreamError: of the client, or when there are more than MAX_PAGES.
    """
    if not request.more:
        return (pages.fetch(request, timeout_s=timeout_s),)
    until = time.monotonic() + timeout_s
    bodies: list[bytes] = []
    for n in range(MAX_PAGES):
        url = request.url.replace("{page}", str(n)).replace("{start}", str(n * PAGE_ROWS))
        left_s = max(until - time.monotonic(), 0.001)
        bodies.append(pages.fetch(replace(request, url=url), timeout_s=left_s))
        if not _search(request.more.replace("{next}", str(n + 1)), _json(bodies[-1])):
            return tuple(bodies)
    raise UpstreamError(f"the server lists more than {MAX_PAGES * PAGE_ROWS} streams")


def viewers_in(
    source: ViewerSource,
    *bodies: bytes,
    on_odd: Callable[[UpstreamError], None] = lambda error: None,
) -> int | None:
    """The viewers of the source's stream, or of all streams of the server without a `stream_key`.

    `bodies` are what `fetch_all` gave. None when the server hides how many, or does not know. 0
    when it lists its streams and this one is not among them. Of several streams the unknown ones
    are left out; so are those that make no sense, and `on_odd` gets the reason. Raises
    UpstreamError when a response, or all that it says of the streams, makes no sense.
    """
    preset = _preset(source)
    streams = [one for body in bodies for one in _streams(preset, source.stream_key, body)]
    counts: list[int | None] = []
    odd: list[UpstreamError] = []
    for stream in streams:
        try:
            counts.append(_viewers(preset, source, stream))
        except UpstreamError as exc:
            odd.append(exc)
    if odd and not counts:
        raise odd[0]
    if odd:
        on_odd(UpstreamError(f"{len(odd)} of {len(streams)} streams are left out: {odd[0]}"))
    return _sum(counts) if streams else 0


def uncounted(source: ViewerSource) -> str:
    """How people may watch without being in this server's number; '' when it counts them all."""
    return _preset(source).uncounted


class _PageParts(dict[str, str]):
    """The parts of a stream's key that a page's address may contain."""

    def __init__(self, key: str) -> None:
        app, _, stream = key.partition("/")
        application = _WOWZA.format(app=quote(app, safe=""))
        inner = f"/instances/_definst_/incomingstreams/{quote(stream, safe='')}"
        super().__init__(
            page="{page}",
            start="{start}",
            key=quote(key, safe=""),
            app=quote(app, safe=""),
            stream=quote(stream, safe=""),
            wowza=application + (inner if stream else ""),
        )


def _preset(source: ViewerSource) -> PresetSpec:
    if source.preset == "generic":
        if not source.path:
            raise ValueError("A generic source needs the path of the number.")
        return PresetSpec(viewers=source.path, body_format=source.body_format)
    try:
        return PRESETS[source.preset]
    except KeyError:
        raise ValueError(f"There is no server called {source.preset!r}.") from None


def _headers(source: ViewerSource, preset: PresetSpec) -> dict[str, str]:
    headers = {
        "Accept": "application/json" if preset.body_format == "json" else "text/xml,*/*;q=0.5"
    }
    if source.token:
        headers["Authorization"] = f"Bearer {source.token}"
    elif source.user and not preset.digest:
        pair = f"{source.user}:{source.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    for name, value in source.headers.items():
        text = str(value)
        if text != value or not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValueError(f"The header {name!r} is not a text under a valid name.")
        if not (text.isprintable() and text.isascii()):
            raise ValueError(f"The header {name!r} contains characters that no header has.")
        headers[name] = text
    return headers


def _parsed(preset: PresetSpec, body: bytes) -> Any:
    if preset.body_format == "xml":
        try:
            return xmltodict.parse(body, force_list=True)
        except Exception as exc:  # expat's errors, refused entities, an unknown encoding
            raise UpstreamError(f"the response is not XML ({type(exc).__name__})") from None
    if preset.broken:
        body = _EMPTY_TITLE.sub(rb"\1null", body).decode(errors="replace").encode()
    return _json(body)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        kind = "HTML" if body.lstrip()[:1] == b"<" else "unreadable"
        raise UpstreamError(f"the response is {kind}, not JSON") from None


def _streams(preset: PresetSpec, key: str, body: bytes) -> list[Any]:
    """The documents of the streams that are meant by `key`. Raises UpstreamError."""
    document = _parsed(preset, body)
    if _search(preset.document, document) is None:
        raise UpstreamError("the response is not this server's")
    app, _, stream = key.rpartition("/")
    wanted = f"name[0] == {_literal(app)}" if app else "`true`"
    found = _search(preset.streams.replace("{app}", wanted), document)
    if not isinstance(found, list):
        raise UpstreamError("the response lists no streams")
    if not (preset.name and key):
        return found
    named = [(_name(preset, one), one) for one in found]
    if "{app}" in preset.streams:
        return [one for name, one in named if name == stream]
    exact = [one for name, one in named if name == key]
    return exact or [one for name, one in named if str(name).endswith(f"/{key.lstrip('/')}")]


def _name(preset: PresetSpec, stream: Any) -> Any:
    try:
        return _search(preset.name, stream)
    except UpstreamError:  # one without a name is none of those that staff name
        return None


def _literal(text: str) -> str:
    """A JMESPath raw string."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _viewers(preset: PresetSpec, source: ViewerSource, stream: Any) -> int | None:
    """The viewers of one stream; None when they are unknown. Raises UpstreamError."""
    found = _search(preset.viewers, stream)
    numbers = found if isinstance(found, list) else [found]
    # -1 next to other numbers is a protocol that the server does not count.
    total = _sum([_number(number) for number in numbers])
    if total is None:
        return None
    if source.subtract_publisher or (preset.publishing and _search(preset.publishing, stream)):
        total -= 1
    if preset.relays:
        total -= _search(preset.relays, stream)
    return max(total, 0)


def _sum(counts: list[int | None]) -> int | None:
    """The sum of those that are known; None when none is. Raises UpstreamError if not credible."""
    known = [count for count in counts if count is not None]
    if sum(known) > MAX_VIEWERS:
        raise UpstreamError("the number of viewers is not credible")
    return sum(known) if known else None


def _number(value: Any) -> int | None:
    """A whole number; None when missing or -1: unknown. UpstreamError for anything else."""
    if isinstance(value, str) and _NUMBER.match(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or value == -1:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UpstreamError("the value at the path is not a number of viewers")
    return value


def _search(expression: str, document: Any) -> Any:
    try:
        return _compiled(expression).search(document)
    except Exception as exc:  # staff's expression on whatever a server sent: inf, None, ...
        raise UpstreamError(f"the path does not fit the response ({type(exc).__name__})") from None


@lru_cache(1_024)
def _compiled(expression: str) -> Any:
    """The compiled expression. Raises ValueError when it is not JMESPath."""
    try:
        return jmespath.compile(expression)
    except (JMESPathError, RecursionError) as exc:
        raise ValueError(f"The path is not a JMESPath expression: {exc}") from None
