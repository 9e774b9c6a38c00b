"""Fakes of this app's upstreams."""

from __future__ import annotations

import threading

from core.lib.upstream import UpstreamError
from webtv.types import PageRequest

Said = bytes | UpstreamError | threading.Event


class FakePages:
    """`webtv.types.Pages` from memory, by address; an Event is a page that hangs until set."""

    def __init__(self) -> None:
        self.says: dict[str, Said] = {}
        self.requests: list[str] = []

    def fetch(self, request: PageRequest, *, timeout_s: float) -> bytes:
        self.requests.append(request.url)
        said = self.says[next(part for part in self.says if part in request.url)]
        if isinstance(said, threading.Event):
            said.wait(10)
            raise UpstreamError("too late")
        if isinstance(said, UpstreamError):
            raise said
        return said
