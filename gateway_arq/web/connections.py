"""Which connections are open, whose they are, and how long each may keep the server waiting.

One table for all of a server's connections, HTTP and sockets alike, on which nothing waits and no
timer is set per request: two dictionaries in the order of their deadlines are swept.
"""

from __future__ import annotations

import logging
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from core.lib.clientip import Network, bucket, is_inside

logger = logging.getLogger(__name__)

HEAD_S: Final = 10.0  # for a request's head, from the connection's start or the last response
WRITE_S: Final = 30.0  # for a client to read what fills the buffer (48 kB), or its last part
LINGER_S: Final = 2.0  # for a refused client to read why
RESERVED_FILES: Final = 256  # database, listeners, reading process, upstreams
MAX_FILES: Final = 65_536
LOG_EVERY_S: Final = 60.0
FULL: Final = "Too many connections. Try again shortly."


class Connection(Protocol):
    """What the table asks of a server's connection."""

    def head_is_late(self) -> None:
        """The head of a request did not come within HEAD_S."""

    def cut(self) -> None:
        """Drop it with whatever is unsent."""


T = TypeVar("T", bound=Connection)


class Deadlines(Generic[T]):
    """Connections that wait, in the order of their deadlines, which are all equally far."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._due: dict[T, float] = {}

    def __contains__(self, connection: T) -> bool:
        return connection in self._due

    def start(self, connection: T) -> None:
        """Its time begins now."""
        self._due.pop(connection, None)
        self._due[connection] = time.monotonic() + self._within_s

    def stop(self, connection: T) -> None:
        """It waits no more."""
        self._due.pop(connection, None)

    def oldest(self) -> T | None:
        """Who waits longest."""
        return next(iter(self._due), None)

    def expired(self) -> Iterator[T]:
        """Take out who is late, the latest first."""
        now = time.monotonic()
        while (connection := self.oldest()) is not None and self._due[connection] <= now:
            del self._due[connection]
            yield connection


class Connections:
    """The connections of one server."""

    def __init__(self, *, total: int, per_address: int, trusted: Sequence[Network] = ()) -> None:
        self.heads: Deadlines[Connection] = Deadlines(HEAD_S)
        self.writes: Deadlines[Connection] = Deadlines(WRITE_S)
        self.lingering: Deadlines[Connection] = Deadlines(LINGER_S)
        self._total, self._per_address, self._trusted = total, per_address, trusted
        self._owners: dict[object, str] = {}  # by transport, which outlives a change of protocol
        self._counts: Counter[str] = Counter()
        self._logged_at = -LOG_EVERY_S

    def __len__(self) -> int:
        return len(self._owners)

    def admit(self, transport: object, address: str) -> bool:
        """Count a new connection; False where its address, or all together, have too many.

        Our own proxies stand for many clients and limit them themselves: they are not counted by
        address. When all together are too many, who has waited longest to begin its request goes.
        """
        owner = "" if is_inside(address, self._trusted) else bucket(address)
        if owner and self._counts[owner] >= self._per_address:
            self._log("address", address)
            return False
        if len(self._owners) >= self._total and not self._make_room():
            self._log("total", address)
            return False
        self._owners[transport] = owner
        self._counts[owner] += 1
        return True

    def leave(self, transport: object) -> None:
        """A connection is gone, whether it was admitted or not."""
        owner = self._owners.pop(transport, None)
        if owner is not None:
            self._counts[owner] -= 1
            if not self._counts[owner]:
                del self._counts[owner]

    def forget(self, connection: Connection) -> None:
        """It waits for nothing any more."""
        for deadlines in (self.heads, self.writes, self.lingering):
            deadlines.stop(connection)

    def sweep(self) -> None:
        """Let go of all who are late."""
        for connection in self.heads.expired():
            connection.head_is_late()
        for deadlines in (self.writes, self.lingering):
            for connection in deadlines.expired():
                connection.cut()

    def _make_room(self) -> bool:
        oldest = self.heads.oldest()
        if oldest is None:
            return False
        self.heads.stop(oldest)
        oldest.cut()
        return True

    def _log(self, limit: str, address: str) -> None:
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            logger.warning(
                "connections.refused limit=%s address=%s open=%d", limit, address, len(self)
            )


def raise_file_limit() -> int:
    """Raise the limit of open files as far as this process may; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MAX_FILES if soft == resource.RLIM_INFINITY else soft
