"""The events of this app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from core.realtime.events import Event


@dataclass(frozen=True)
class AutobotStatus(Event):
    """A run of AutoBOT went on: the fields of `GET /api/ocr/autobot/status`."""

    type: ClassVar[str] = "autobot_status"
    socket: ClassVar[str] = "/ws"
    status: Mapping[str, Any]

    def payload(self) -> dict[str, Any]:
        return dict(self.status)
