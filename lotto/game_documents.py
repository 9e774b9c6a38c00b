"""JSON documents of the games beside the draw: 10eLotto of the evening, and tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import date, datetime
from typing import Annotated, Any, Final

from msgspec import Meta

from core.api.documents import Document, Instant, like
from core.api.shapes import SLASHED_DAY
from lotto.dieci_e_lotto import NUMBERS, DieciELotto, dieci_e_lotto
from lotto.rules import format_day
from lotto.ticket import Result
from lotto.types import WHEELS

GAMES: Final = ("dieci_e_lotto", "oro", "doppio_oro", "extra", "gong", "provisional")
CSV_FIELDS: Final = ("date", *WHEELS, *GAMES)
_TWENTY: Final = [1, 4, 6, 8, 11, 14, 19, 23, 27, 30, 55, 59, 64, 72, 73, 76, 79, 80, 82, 84]
_FIFTEEN: Final = [18, 25, 26, 31, 32, 35, 39, 48, 49, 54, 56, 67, 70, 78, 81]


class DieciELottoDocument(Document):
    numbers: Annotated[Sequence[int], like(_TWENTY, max_length=NUMBERS)]
    oro: Annotated[int | None, like(80)]
    doppio_oro: Annotated[Sequence[int] | None, like([80, 8])]
    extra: Annotated[Sequence[int] | None, like(_FIFTEEN)]
    gong: Annotated[int | None, like(60)]
    provisional: Annotated[bool, like(False, "Until all ten wheels are known")]


Evening = Annotated[
    DieciELottoDocument | None,
    Meta(
        description="10eLotto of the evening; null before 11 June 2009. Its games: from their day"
    ),
]


class TicketWheelDocument(Document):
    ruota: Annotated[str, like("BA")]
    hits: Annotated[Sequence[int], like([12, 45], "In the order drawn")]
    outcomes: Annotated[dict[str, int], like({"ambo": 1}, "Combinations that won, by outcome")]


class TicketDocument(Document, kw_only=True):
    success: Annotated[bool, like(True)]
    data: Annotated[str, like("2025/12/07"), SLASHED_DAY]
    numeri: Annotated[Sequence[int], like([12, 45, 67])]
    ruote: list[TicketWheelDocument]
    prizes_cents: Annotated[dict[str, int], like({"ambo": 8333}, "Gross, by outcome")]
    prize_cents: Annotated[int, like(8333, "Gross, at most 6 million euro")]
    timestamp: Annotated[Instant, like("2025-12-09T10:00:00Z")]


def evening_document(found: DieciELotto | None) -> DieciELottoDocument | None:
    """An evening's 10eLotto."""
    if found is None:
        return None
    return DieciELottoDocument(
        found.numbers, found.oro, found.doppio_oro, found.extra, found.gong, found.is_provisional
    )


def ticket_document(
    day: date, numbers: Sequence[int], result: Result, *, now: datetime
) -> TicketDocument:
    """What a ticket won."""
    wheels = [TicketWheelDocument(win.wheel, win.hits, win.won) for win in result.wins]
    return TicketDocument(
        success=True,
        data=format_day(day),
        numeri=numbers,
        ruote=wheels,
        prizes_cents=result.prizes,
        prize_cents=result.prize,
        timestamp=now,
    )


def draw_row(draw: tuple[date, Mapping[str, Sequence[int]]]) -> dict[str, Any]:
    """A day as a row of CSV: its wheels, and its 10eLotto (empty where there was none)."""
    day, wheels = draw
    evening = dieci_e_lotto(day, wheels)
    games = dict(zip(GAMES, astuple(evening), strict=True)) if evening else {}
    cells: dict[str, Any] = {**wheels, **games}
    return {"date": format_day(day)} | {name: _cell(cells.get(name)) for name in CSV_FIELDS[1:]}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
