"""The pages' client over real HTTP: every failure of a server is bounded and reported."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from core.lib.upstream import UpstreamError
from sandbox.faults import KINDS
from sandbox.testing import RunningCdn, running_cdn
from webtv import clients
from webtv.clients import HttpPages
from webtv.presets import request_of, viewers_in
from webtv.types import PageRequest, ViewerSource

FAULTS = sorted(KINDS.keys() - {"endless"})  # which is about further pages


@pytest.fixture(scope="module")
def cdn_server() -> Iterator[RunningCdn]:
    with running_cdn() as cdn:
        yield cdn


@pytest.fixture
def cdn(cdn_server: RunningCdn) -> Iterator[RunningCdn]:
    cdn_server.faults.clear()
    yield cdn_server
    cdn_server.faults.clear()


def source(cdn: RunningCdn) -> ViewerSource:
    return ViewerSource(name="s", preset="owncast", url=f"{cdn.url}/main", token="s3cret")


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_is_an_error_in_time_and_over_with_the_next_response(
    cdn: RunningCdn, kind: str
) -> None:
    pages, request = HttpPages(), request_of(source(cdn))
    cdn.faults.arm(kind=kind, times=2, delay_s=5)  # twice: a cut connection is tried once more
    began = time.monotonic()
    with pytest.raises(UpstreamError) as caught:
        viewers_in(source(cdn), pages.fetch(request, timeout_s=0.5))
    assert time.monotonic() - began < 4
    assert "s3cret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    cdn.faults.clear()
    viewers = viewers_in(source(cdn), pages.fetch(request, timeout_s=5))
    assert viewers == cdn.server.viewers("main")


def test_an_absent_server_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="no connection"):
        HttpPages().fetch(PageRequest("http://127.0.0.1:1/"), timeout_s=1)


def test_open_connections_are_bounded(cdn: RunningCdn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MAX_CLIENTS", 2)
    pages = HttpPages()
    for n in range(4):
        pages.fetch(PageRequest(f"{cdn.url}/main/api/status", (("X-N", str(n)),)), timeout_s=5)
    assert len(pages._clients) == 2
