"""Fakes of this app's upstreams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.lib.upstream import UpstreamError
from webcom.types import CallPage, NotFound, PushMessage


@dataclass
class FakeWebcomTlc:
    """A carrier made of lists; implements `webcom.types.WebcomTlc`.

    `errors` are raised first, one a request, oldest first. `feed` holds the pages of the change
    feed: cursor `page-<n>` gets page n ("" is the first). `requests` lists every request. `pushed`
    are the messages of the push before it drops; an UpstreamError among them is raised.
    """

    active: list[Any] = field(default_factory=list)
    by_id: dict[str, Any] = field(default_factory=dict)
    feed: list[list[Any]] = field(default_factory=list)
    all_lines: list[Any] = field(default_factory=list)
    by_month: dict[str, Any] = field(default_factory=dict)
    pushed: list[PushMessage | UpstreamError | None] = field(default_factory=list)
    errors: list[UpstreamError] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def active_calls(self) -> list[Any]:
        self._note("active")
        return list(self.active)

    def call(self, call_id: str) -> Any:
        self._note(f"call {call_id}")
        if call_id not in self.by_id:
            raise NotFound("webcom does not know this call")
        return self.by_id[call_id]

    def calls_since(self, cursor: str, *, since: int) -> CallPage:
        self._note(f"since {cursor or since}")
        number = int(cursor.removeprefix("page-") or 0)
        if number >= len(self.feed):
            return CallPage([], f"page-{number}", False)
        return CallPage(self.feed[number], f"page-{number + 1}", number + 1 < len(self.feed))

    def lines(self) -> list[Any]:
        self._note("lines")
        return list(self.all_lines)

    def rebates(self, month: str) -> Any:
        self._note(f"rebates {month}")
        return self.by_month.get(month, {"month": month, "updatedAt": 1_760_000_000, "rebates": []})

    def pushes(self, *, idle_s: float) -> Iterator[PushMessage | None]:
        self._note("pushes")
        for message in self.pushed:
            if isinstance(message, UpstreamError):
                raise message
            yield message
        raise UpstreamError("webcom push: closed")

    def _note(self, what: str) -> None:
        self.requests.append(what)
        if self.errors:
            raise self.errors.pop(0)
