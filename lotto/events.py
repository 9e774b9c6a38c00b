"""What this app says on its socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from gateway_arq.realtime.events import Event
from lotto.rules import told_day


class DrawSaved(Event):
    """Wheels of a day arrived, or were changed."""

    type: ClassVar[str] = "lotto_draw_saved"

    def __init__(self, day: date, wheels: Mapping[str, Sequence[int]], source: str) -> None:
        self.day, self.wheels, self.source = day, wheels, source

    def payload(self) -> dict[str, Any]:
        wheels = {wheel: list(numbers) for wheel, numbers in sorted(self.wheels.items())}
        return {"date": told_day(self.day), "wheels": wheels, "source": self.source}
