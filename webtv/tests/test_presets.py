from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lib.upstream import UpstreamError
from webtv.models import Preset as PresetName
from webtv.presets import PRESETS, fetch_all, request_of, viewers_in
from webtv.types import PageRequest, ViewerSource

DATA = Path(__file__).parent / "data"


def source(preset: str, key: str = "", **more: Any) -> ViewerSource:
    return ViewerSource(name="s", preset=preset, url="http://cdn:81/x", stream_key=key, **more)


MEDIAMTX = "/v3/paths/list?page={page}&itemsPerPage=1000"
SRS = "/api/v1/streams?start={start}&count=1000"


def generic(path: str, **more: Any) -> ViewerSource:
    return source("generic", path=path, **more)


def test_every_choice_of_the_admin_has_a_preset() -> None:
    assert set(PresetName.values) == {*PRESETS, "generic"}


@pytest.mark.parametrize(
    ("preset", "key", "viewers", "page"),
    [
        ("nginx-rtmp", "", 3 + 2 + 7, ""),
        ("nginx-rtmp", "live/main", 3, ""),
        ("nginx-rtmp", "other/main", 7, ""),
        ("nginx-rtmp", "main", 10, ""),
        ("nginx-rtmp", "live/second", 2, ""),
        ("nginx-rtmp", "live/nobody", 0, ""),
        ("nginx-rtmp", "li've/main", 0, ""),
        ("mediamtx", "", 2, MEDIAMTX),
        ("mediamtx", "live/main", 2, MEDIAMTX),
        ("mediamtx", "second", 0, MEDIAMTX),
        ("srs", "", 5, SRS),
        ("srs", "live/main", 4, SRS),
        ("srs", "main", 4, SRS),
        pytest.param(
            "wowza",
            "live",
            7,
            "/v2/servers/_defaultServer_/vhosts/_defaultVHost_/applications/live/monitoring/current",
            id="wowza-live",
        ),
        pytest.param(
            "wowza",
            "live/ma in",
            7,
            "/v2/servers/_defaultServer_/vhosts/_defaultVHost_/applications/live"
            "/instances/_definst_/incomingstreams/ma%20in/monitoring/current",
            id="wowza-live/ma in",
        ),
        pytest.param(
            "ant-media",
            "app/id",
            7,
            "/app/rest/v2/broadcasts/id/broadcast-statistics",
            id="ant-media-app/id",
        ),
        ("owncast", "", 23, "/api/status"),
        ("icecast", "live.mp3", 3, "/status-json.xsl"),
        ("icecast", "/live.mp3", 3, "/status-json.xsl"),
        ("icecast", "other.mp3", 0, "/status-json.xsl"),
        ("flussonic", "main", 11, "/flussonic/api/media"),
        ("flussonic", "", 13, "/flussonic/api/media"),
        ("restreamer", "", 3, "/api/v3/session/active?collectors=hls,rtmp,srt"),
        pytest.param(
            "restreamer",
            "main",
            2,
            "/api/v3/session/active?collectors=hls,rtmp,srt",
            id="restreamer-main",
        ),
        ("cloudflare", "in/put", 113, "/in%2Fput/views"),
        ("viewer-count", "", 8, ""),
    ],
)
def test_each_preset_requests_and_reads_its_server(
    preset: str, key: str, viewers: int, page: str
) -> None:
    body = next(DATA.glob(f"{preset}.*")).read_bytes()
    assert viewers_in(source(preset, key), body) == viewers
    assert request_of(source(preset, key)).url == "http://cdn:81/x" + page


def test_icecast_lists_no_mount_one_or_several() -> None:
    silent, broken = ((DATA / f"icecast-{n}.json").read_bytes() for n in ("silent", "broken"))
    assert viewers_in(source("icecast", "live.mp3"), silent) == 0
    assert viewers_in(source("icecast", "live.mp3"), broken) == 3
    assert viewers_in(source("icecast"), broken) == 5


@pytest.mark.parametrize(
    ("where", "body"),
    [
        (source("ant-media", "a/b"), b'{"totalRTMPWatchersCount":-1,"totalHLSWatchersCount":-1}'),
        (source("viewer-count"), b'{"viewerCount": -1}'),
        (source("viewer-count"), b'{"streams": []}'),
        (source("owncast"), b'{"online": true}'),
        (source("owncast"), b'{"online": true, "viewerCount": null}'),
        (generic("a.b"), b'{"a": 1}'),
        (generic("a[].b"), b'{"a": []}'),
    ],
    ids=lambda value: value.preset if isinstance(value, ViewerSource) else ascii(value)[2:-1][:40],
)
def test_a_count_that_is_hidden_or_missing_is_unknown(where: ViewerSource, body: bytes) -> None:
    assert viewers_in(where, body) is None


@pytest.mark.parametrize(
    ("where", "body"),
    [
        (source("owncast"), b"{}"),
        (source("wowza", "live"), b'{"message": "Not found"}'),
        (source("cloudflare", "a"), b"[]"),
        (source("owncast"), b'{"online": true, "viewerCount": -2}'),
        (source("viewer-count"), b'{"viewerCount": true}'),
        (source("viewer-count"), b'{"viewerCount": 2.5}'),
        (source("viewer-count"), b'{"viewerCount": "many"}'),
        (source("viewer-count"), b'{"viewerCount": {"a": 1}}'),
        (source("viewer-count"), b'{"viewerCount": 1e300}'),
        (source("viewer-count"), b'{"viewerCount": 999999999999}'),
        (source("owncast"), b"<!DOCTYPE html><html>"),
        (source("owncast"), b""),
        (source("owncast"), b"[" * 100_000),
        (source("icecast"), b'{"else": 1}'),
        (source("icecast"), b"{broken"),
        (source("nginx-rtmp"), b"<html><body/></html>"),
        (source("nginx-rtmp"), b"{}"),
        (source("nginx-rtmp"), b"<rtmp>" * 5),
        (source("srs"), b'{"streams": {"a": 1}}'),
        (generic("length(a)"), b'{"a": 1}'),
    ],
    ids=lambda value: value.preset if isinstance(value, ViewerSource) else ascii(value)[2:-1][:40],
)
def test_a_response_that_makes_no_sense_is_an_error(where: ViewerSource, body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        viewers_in(where, body)
    assert 0 < len(str(caught.value)) < 100


@pytest.mark.parametrize("key", ["", "main", "live/main", "hls/main"])
def test_a_stream_that_is_only_pushed_on_has_no_viewers(key: str) -> None:
    assert viewers_in(source("nginx-rtmp", key), (DATA / "nginx-rtmp-push.xml").read_bytes()) == 0


def test_relays_of_nginx_are_no_viewers() -> None:
    clients = "".join(
        f"<client><id>{n}</id><flashver>{agent}</flashver>{flag}</client>"
        for n, (agent, flag) in enumerate(
            [("ngx-local-relay", "<active/>"), ("FMLE/3.0", "<publishing/>"), ("LNX 9,0", "")]
        )
    )

    def viewers(clients: str, count: int) -> int:
        page = "<rtmp><server><application><name>live</name><live><stream><name>main</name>"
        page += f"{clients}<nclients>{count}</nclients><publishing/></stream></live>"
        page += "</application></server></rtmp>"
        return viewers_in(source("nginx-rtmp", "live/main"), page.encode())

    assert viewers(clients, 3) == 1
    assert viewers(clients.replace("LNX 9,0", "ngx-local-relay"), 3) == 0
    assert viewers(clients.replace("LNX 9,0", "LNX.11,1,102,55"), 3) == 0  # another server pulls
    assert viewers(clients.replace("FMLE/3.0", "LNX.11,1,102,55"), 3) == 1  # another one publishes
    assert viewers("", 3) == 2  # a page without its clients


ODD_ROW = orjson.dumps(
    {"streams": [{"app": "live", "name": "main", "clients": 4}, {"app": None, "clients": "many"},
                 {"app": "live", "name": "second", "clients": 2}, {"app": "live", "name": "third"}]}
)  # fmt: skip


def test_an_odd_stream_of_a_page_stops_no_other() -> None:
    odd: list[UpstreamError] = []
    assert viewers_in(source("srs", "live/main"), ODD_ROW, on_odd=odd.append) == 4
    assert odd == []
    assert viewers_in(source("srs"), ODD_ROW, on_odd=odd.append) == 6
    reason = "the value at the path is not a number of viewers"
    assert [str(error) for error in odd] == [f"1 of 4 streams are left out: {reason}"]
    assert viewers_in(source("srs", "live/third"), ODD_ROW) is None


def test_the_muxer_of_mediamtx_is_no_viewer() -> None:
    readers = [{"type": "hlsMuxer", "id": ""}, {"type": "webRTCSession", "id": "a"}]
    body = orjson.dumps({"items": [{"name": "a", "readers": readers}]})
    assert viewers_in(source("mediamtx", "a"), body) == 1


class Server:
    """`webtv.types.Pages` of a server that lists `streams` streams, of one viewer each."""

    def __init__(self, streams: int) -> None:
        self.names = [f"s{n}" for n in range(streams)]
        self.requests: list[str] = []

    def fetch(self, request: PageRequest, *, timeout_s: float) -> bytes:
        self.requests.append(request.url.partition("x/")[2])
        query = dict(parse_qsl(urlsplit(request.url).query))
        if "itemsPerPage" in query:
            rows = int(query["itemsPerPage"])
            names = self.names[int(query["page"]) * rows :][:rows]
            return orjson.dumps(
                {
                    "pageCount": -(-len(self.names) // rows),
                    "items": [{"name": name, "readers": [{}]} for name in names],
                }
            )
        names = self.names[int(query["start"]) :][: int(query["count"])]
        return orjson.dumps(
            {"streams": [{"app": "live", "name": name, "clients": 1} for name in names]}
        )


@pytest.mark.parametrize("preset", ["mediamtx", "srs"])
@pytest.mark.parametrize(("streams", "pages"), [(0, 1), (999, 1), (2_500, 3)])
def test_all_pages_of_a_list_are_read(preset: str, streams: int, pages: int) -> None:
    server, where = Server(streams), source(preset)
    bodies = fetch_all(server, request_of(where), timeout_s=5)
    assert (len(bodies), len(set(server.requests))) == (pages, pages)
    assert viewers_in(where, *bodies) == streams
    last = "s2499" if preset == "mediamtx" else "live/s2499"
    assert viewers_in(source(preset, last), *bodies) == int(streams == 2_500)


def test_a_list_without_an_end_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="lists more than"):
        fetch_all(Server(20_001), request_of(source("srs")), timeout_s=5)


def test_streams_are_not_credible_together_either() -> None:
    body = orjson.dumps({"streams": [{"clients": 90_000_000}] * 30})
    with pytest.raises(UpstreamError, match="credible"):
        viewers_in(source("srs"), body)


def test_whatever_an_expression_of_staff_does_is_an_error_of_that_source() -> None:
    for path in ("ceil(to_number('inf'))", "to_number(a) == `1`", "sum(@)"):
        with pytest.raises(UpstreamError):
            viewers_in(generic(path), b'{"a": 1}')


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><rtmp>&b;</rtmp>'
    with pytest.raises(UpstreamError):
        viewers_in(source("nginx-rtmp"), bomb)
    local = b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><rtmp>&a;</rtmp>'
    with pytest.raises(UpstreamError):
        viewers_in(source("nginx-rtmp"), local)


@pytest.mark.parametrize(
    ("path", "body", "viewers"),
    [
        ("stats.viewers", b'{"stats": {"viewers": 5}}', 5),
        ("stats.viewers", b'{"stats": {"viewers": "12"}}', 12),
        pytest.param(
            "streams[?live].n",
            b'{"streams": [{"live": true, "n": 2}, {"live": false, "n": 9}]}',
            2,
            id="streams[?live].n",
        ),
        ("sum(s[].n)", b'{"s": []}', 0),
        ("length(@)", b"[1, 2, 3]", 3),
    ],
)
def test_a_generic_source_reads_any_path(path: str, body: bytes, viewers: int) -> None:
    assert viewers_in(generic(path), body) == viewers


def test_a_generic_source_reads_xml_and_may_subtract_the_publisher() -> None:
    where = generic("a[0].n[0]", body_format="xml", subtract_publisher=True)
    assert viewers_in(where, b"<a><n>5</n></a>") == 4
    assert viewers_in(where, b"<a><n>0</n></a>") == 0


@pytest.mark.parametrize(
    "bad",
    [
        ViewerSource(name="s", preset="owncast", url="ftp://cdn"),
        ViewerSource(name="s", preset="owncast", url="http://"),
        ViewerSource(name="s", preset="owncast", url="http://u:p@cdn"),
        ViewerSource(name="s", preset="owncast", url="http://c dn/"),
        ViewerSource(name="s", preset="owncast", url="http://cdn", headers={"X": "a\r\nb"}),
        ViewerSource(name="s", preset="owncast", url="http://cdn", headers={"X\n": "a"}),
        ViewerSource(name="s", preset="owncast", url="http://cdn", headers={"X": 1}),  # type: ignore[dict-item]
        ViewerSource(name="s", preset="nope", url="http://cdn"),
        source("wowza"),
        source("generic"),
        generic("a[["),
    ],
)
def test_mistakes_of_staff_are_reported(bad: ViewerSource) -> None:
    with pytest.raises(ValueError, match=r"\w+ .*\.?"):
        request_of(bad)


def test_credentials_are_sent_in_a_header_and_never_shown() -> None:
    basic = request_of(source("flussonic", "a", user="u", password="s3cret"))
    assert ("Authorization", "Basic dTpzM2NyZXQ=") in basic.headers
    token = request_of(source("restreamer", token="s3cret"))
    assert ("Authorization", "Bearer s3cret") in token.headers
    assert "s3cret" not in repr(source("restreamer", token="s3cret")) + repr(token) + repr(basic)
    assert "Authorization" not in dict(
        request_of(source("wowza", "a", user="u", password="s3cret")).headers
    )  # the password is for a Digest challenge


def test_streams_of_one_server_share_their_page() -> None:
    assert request_of(source("srs", "live/a")) == request_of(source("srs", "live/b"))


@given(body=st.binary(max_size=200), preset=st.sampled_from([*PRESETS, "generic"]))
def test_random_bytes_never_raise_anything_else(body: bytes, preset: str) -> None:
    where = source(preset, "a/b", path="a.b")
    with suppress(UpstreamError):
        assert (viewers_in(where, body) or 0) >= 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["streams", "items", "icestats", "source", "name", "clients", "value"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(value=json_values, preset=st.sampled_from([*PRESETS]))
def test_json_of_any_shape_never_raises_anything_else(value: Any, preset: str) -> None:
    with suppress(UpstreamError):
        assert (viewers_in(source(preset, "a"), orjson.dumps(value)) or 0) >= 0
