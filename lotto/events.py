"""Events of this app on the sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from msgspec import to_builtins

from core.realtime.events import Event
from lotto.dieci_e_lotto import DieciELotto
from lotto.game_documents import evening_document
from lotto.rules import format_day


@dataclass(frozen=True)
class DrawSaved(Event):
    """Wheels of a day were added or changed."""

    type: ClassVar[str] = "lotto_draw_saved"
    socket: ClassVar[str] = "/ws"
    day: date
    wheels: Mapping[str, Sequence[int]]
    source: str
    evening: DieciELotto | None  # of all wheels of the day

    def payload(self) -> dict[str, Any]:
        wheels = {wheel: list(numbers) for wheel, numbers in sorted(self.wheels.items())}
        return {
            "date": format_day(self.day),
            "wheels": wheels,
            "source": self.source,
            "dieci_e_lotto": to_builtins(evening_document(self.evening)),
        }


@dataclass(frozen=True)
class DrawCorrected(Event):
    """Wheels of a day were stored with other numbers before."""

    type: ClassVar[str] = "lotto_corrected"
    socket: ClassVar[str] = "/ws"
    day: date
    before: Mapping[str, Sequence[int]]
    after: Mapping[str, Sequence[int]]
    source: str

    def payload(self) -> dict[str, Any]:
        wheels = {
            wheel: {"before": list(before), "after": list(self.after[wheel])}
            for wheel, before in sorted(self.before.items())
        }
        return {"date": format_day(self.day), "wheels": wheels, "source": self.source}
