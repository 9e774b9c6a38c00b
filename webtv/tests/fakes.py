"""Servers for tests: what each page says, by address."""

from __future__ import annotations

import threading

from webtv.types import CdnError, PageRequest

Said = bytes | CdnError | threading.Event


class FakePages:
    """`webtv.types.Pages` without a network; an Event is a page that hangs until it is set."""

    def __init__(self) -> None:
        self.says: dict[str, Said] = {}
        self.asked: list[str] = []

    def fetch(self, request: PageRequest, *, timeout_s: float) -> bytes:
        self.asked.append(request.url)
        said = self.says[next(part for part in self.says if part in request.url)]
        if isinstance(said, threading.Event):
            said.wait(10)
            raise CdnError("too late")
        if isinstance(said, CdnError):
            raise said
        return said
