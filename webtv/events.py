"""Events of this app on the sockets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from core.realtime.events import Event
from webtv.serializers import format_instant


@dataclass(frozen=True)
class ViewersCounted(Event):
    """A sample arrived; of several streams each, and then their sum as stream `total`."""

    type: ClassVar[str] = "webtv_update"
    socket: ClassVar[str] = "/ws"
    stream: str
    viewers: int
    at: datetime

    def payload(self) -> dict[str, Any]:
        return {
            "viewers": self.viewers,
            "timestamp": format_instant(self.at),
            "stream": self.stream,
        }


@dataclass(frozen=True)
class StreamAlert(Event):
    """An alert rule was met (`raised`), or is no longer met (`cleared`)."""

    type: ClassVar[str] = "webtv_alert"
    socket: ClassVar[str] = "/ws"
    stream: str
    kind: str
    state: str
    detail: str
    viewers: int | None
    percent: int
    minutes: int
    at: datetime

    def payload(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "kind": self.kind,
            "state": self.state,
            "detail": self.detail,
            "viewers": self.viewers,
            "percent": self.percent,
            "minutes": self.minutes,
            "timestamp": int(self.at.timestamp()),
        }
