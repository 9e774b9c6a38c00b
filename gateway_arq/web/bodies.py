"""A request's body, read in the event loop before any thread has to do with it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

Receive = Callable[[], Awaitable[dict[str, Any]]]

BODY_S: Final = 10.0  # that a body may take, and a second more
MIN_RATE: Final = 20_000  # for each so many bytes that have come
SMALL: Final = 65_536  # bytes: there is always room for a body of this size


class BodyRefused(Exception):
    """The body is not waited for: status, and what to say."""

    def __init__(self, status: int, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.retry_after_s = status, detail, retry_after_s


class Disconnected(Exception):
    """The client is gone."""


class BodyRoom:
    """How much memory the bodies of all requests take; no address has more than half of it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used: Counter[str] = Counter()

    @contextmanager
    def share(self, address: str) -> Iterator[Callable[[int], None]]:
        """Takes bytes for the address, which are free again after the block.

        Raises BodyRefused (503) where there is no room for them.
        """
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            total, mine = self._used.total() + count, self._used[address] + count
            if total > self._limit or mine > self._limit // 2:
                text = "Too many large requests at once. Try again shortly."
                raise BodyRefused(503, text, retry_after_s=5)
            self._used[address] += count
            taken += count

        try:
            yield take
        finally:
            self._used[address] -= taken
            if self._used[address] <= 0:
                del self._used[address]


async def collected(receive: Receive, length: int, take: Callable[[int], None]) -> bytes:
    """The body of so many bytes. Raises BodyRefused (408, 503) or Disconnected.

    A body that comes slowly is given up as soon as it is slower than MIN_RATE after BODY_S, not
    when its last byte is late: as Apache's mod_reqtimeout does.
    """
    loop = asyncio.get_running_loop()
    began, pieces, count = loop.time(), [], 0
    while count < length:
        try:
            async with asyncio.timeout_at(began + BODY_S + count / MIN_RATE):
                message = await receive()
        except TimeoutError:
            raise BodyRefused(408, "The request's body took too long to arrive.") from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        piece = message.get("body", b"")
        if length > SMALL:
            take(len(piece))
        pieces.append(piece)
        count += len(piece)
        if not message.get("more_body", False):
            break
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
