"""What this app says on its socket."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from core.realtime.events import Event


def iso(at: datetime) -> str:
    """The instant as the reference's examples spell it: 2025-11-15T18:57:08.177349+00:00."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


class ViewersCounted(Event):
    """A sample arrived; of several streams each, and then their sum as stream `total`."""

    type: ClassVar[str] = "webtv_update"
    socket: ClassVar[str] = "/ws"

    def __init__(self, stream: str, viewers: int, at: datetime) -> None:
        self.stream, self.viewers, self.at = stream, viewers, at

    def payload(self) -> dict[str, Any]:
        return {"viewers": self.viewers, "timestamp": iso(self.at), "stream": self.stream}
