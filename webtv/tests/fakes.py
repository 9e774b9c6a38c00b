"""Fakes of this app's upstreams."""

from __future__ import annotations

import threading

from webtv.types import CdnError, PageRequest

Said = bytes | CdnError | threading.Event


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
            raise CdnError("too late")
        if isinstance(said, CdnError):
            raise said
        return said
