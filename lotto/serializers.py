"""JSON documents of the draws, in the spelling of the API reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, TypeVar

from msgspec import Meta

from core.api.documents import Document, Instant, example_of, like
from core.api.shapes import SLASHED_DAY, shaped
from lotto.dieci_e_lotto import dieci_e_lotto
from lotto.draw_calendar import PlannedDraw
from lotto.game_documents import Evening, evening_document
from lotto.models import Extraction, Intake
from lotto.rules import format_day
from lotto.statistics import PAIR_NUMBERS, DelayTable, Found, Ints
from lotto.types import ALL, DRAWN, HIGHEST, OUTCOMES, WHEELS, Draw, Totals

EXAMPLE_NUMBERS: Final = [12, 45, 67, 23, 89]
Numbers = Annotated[
    Sequence[Annotated[int, Meta(ge=1, le=HIGHEST)]],
    like(EXAMPLE_NUMBERS, min_length=DRAWN, max_length=DRAWN),
]
Wheels = Annotated[Mapping[str, Numbers], like({"BA": EXAMPLE_NUMBERS})]
_Day = Annotated[str, like("2025/12/07"), SLASHED_DAY]
_Wheel = Annotated[str, like("BA"), shaped(f"^({'|'.join((*WHEELS, ALL))})$")]
_FirstDay = Annotated[str | None, like("1939/01/07", "Null: no draw"), SLASHED_DAY]
_LastDay = Annotated[str | None, like("2025/12/07", "Null: no draw"), SLASHED_DAY]
_Counted = Annotated[int, like(7236, "Draws that were counted; with TUTTE the days with a draw")]
_Count = Annotated[int, like(1, "Of this page")]
_Total = Annotated[int, like(187, "Of all pages")]


class LottoStatsDocument(Document):
    total_records: Annotated[int, like(75845)]
    unique_dates: Annotated[int, like(6895)]
    first_date: _FirstDay
    last_date: _LastDay
    by_wheel: Annotated[dict[str, int], like({"BA": 6895, "CA": 6895})]


class DrawDateDocument(Document):
    date: _Day
    wheels: Wheels
    dieci_e_lotto: Evening


class LatestDrawsDocument(Document):
    dates: list[DrawDateDocument]


class RangeDrawDocument(Document):
    data: _Day
    ruota: _Wheel
    numeri: Numbers


class CombinationFoundDocument(RangeDrawDocument):
    hits: Annotated[int, like(2)]
    outcome: Annotated[str, like("ambo")]


class _StandingDocument(Document, kw_only=True):  # its fields come last
    frequency: Annotated[int, like(421, "How often it was drawn")]
    delay: Annotated[int, like(57, "Ritardo: draws since then; 0: in the last draw")]
    max_delay: Annotated[int, like(146, "Most draws without it, the running delay included")]
    last_date: Annotated[str | None, like("2025/08/02", "Null: never"), SLASHED_DAY]


class NumberStandingDocument(_StandingDocument):
    number: Annotated[int, like(63, ge=1, le=HIGHEST)]


class PairStandingDocument(_StandingDocument):
    numbers: Annotated[list[int], like([5, 12])]


class WheelNumbersDocument(Document):
    draws: _Counted
    first_date: _FirstDay
    last_date: _LastDay
    numbers: list[NumberStandingDocument]


class RejectedLineDocument(Document):
    line: Annotated[int, like(7)]
    reason: Annotated[str, like("'32' is not a number from 1 to 90.")]


_Rejected = Annotated[list[RejectedLineDocument], like([], "The first 1,000 rejected lines")]


class _SuccessDocument(Document):
    success: Annotated[bool, like(True)]


class _StampedDocument(_SuccessDocument, kw_only=True):
    timestamp: Annotated[Instant, like("2025-12-09T10:00:00Z")]  # comes last


class PlannedDrawDocument(Document):
    date: _Day
    due: Annotated[
        str | None, like("2026/12/08", "By the weekly rule; null: an extra draw"), SLASHED_DAY
    ]
    reason: Annotated[str, like("Immacolata Concezione", "The holiday or exception that moved it")]
    begins_at: Annotated[Instant, like("2026-12-09T19:00:00Z")]
    wheels: Annotated[int, like(0, "Stored in the archive")]


class CalendarDocument(_StampedDocument):
    next: PlannedDrawDocument | None
    count: Annotated[int, like(1)]
    draws: list[PlannedDrawDocument]


class DrawOfDayDocument(_StampedDocument):
    date: _Day
    wheels: Wheels
    dieci_e_lotto: Evening


class DrawOfWheelDocument(_StampedDocument):
    data: _Day
    ruota: _Wheel
    numeri: Numbers
    source: Annotated[str, like("sync")]
    verified: Annotated[bool, like(True, "The operator says the same")]


class DrawRangeDocument(_StampedDocument):
    count: _Count
    total: _Total
    results: list[RangeDrawDocument]


class DayDeletedDocument(_StampedDocument):
    deleted: Annotated[int, like(11)]
    message: Annotated[str, like("Deleted 11 extractions for 2025/12/07")]


class WheelDeletedDocument(_StampedDocument):
    message: Annotated[str, like("Deleted 2025/12/07 BA")]


class NumberStatisticsDocument(_StampedDocument):
    wheels: Annotated[
        dict[str, WheelNumbersDocument], like({"BA": example_of(WheelNumbersDocument)})
    ]


class DelayedNumbersDocument(_StampedDocument):
    wheels: Annotated[
        dict[str, list[NumberStandingDocument]],
        like({"BA": [example_of(NumberStandingDocument)]}),
    ]


class PairStatisticsDocument(_StampedDocument):
    ruota: _Wheel
    draws: _Counted
    first_date: _FirstDay
    last_date: _LastDay
    count: _Count
    total: _Total
    pairs: list[PairStandingDocument]


class CombinationSearchDocument(_StampedDocument):
    numeri: Annotated[Sequence[int], like([12, 45])]
    ruota: _Wheel
    sorte: Annotated[str, like("ambo")]
    draws: Annotated[int, like(7236, "Days with a draw that were searched")]
    delay: Annotated[int, like(3, "Of those, since the newest result")]
    outcomes: Annotated[dict[str, int], like({"ambo": 187}, "Results by outcome")]
    count: _Count
    total: _Total
    results: list[CombinationFoundDocument]


class DrawSavedDocument(_StampedDocument):
    data: _Day
    ruota: _Wheel
    numeri: Numbers
    created: Annotated[bool, like(True, "False: it was there")]
    changed: Annotated[bool, like(False, "True: other numbers were replaced")]


class FullDrawSavedDocument(_StampedDocument):
    data: _Day
    saved: Annotated[int, like(1, "Wheels that are stored now")]
    total: Annotated[int, like(1)]
    errors: Annotated[dict[str, str] | None, like(None, "Always null: errors are a 400")]
    results: Annotated[
        dict[str, str], like({"BA": "created"}, "created, changed or unchanged, by wheel")
    ]


class ImportedDocument(_StampedDocument):
    inserted: Annotated[int, like(1234)]
    skipped: Annotated[int, like(500, "Known already")]
    rejected: Annotated[int, like(0, "Wrong lines")]
    errors: _Rejected
    duration_seconds: Annotated[float, like(2.5)]


class SyncedDocument(_StampedDocument):
    imported: Annotated[int, like(55)]
    skipped: Annotated[int, like(75790, "Known already")]
    verified: Annotated[int, like(11, "Of those, confirmed now")]
    corrected: Annotated[int, like(0, "Stored otherwise until now")]
    rejected: Annotated[int, like(0, "Lines that were not imported")]
    errors: _Rejected
    message: Annotated[str, like("Sync completed: 55 new records imported")]


class ExportedDocument(_StampedDocument):
    exported: Annotated[int, like(75845)]
    file_path: Annotated[str, like("/tmp/lotto_exports/lotto_export.tsv")]


class NoSuchDrawDocument(Document):
    detail: Annotated[str, like("There is no draw of 2025/12/08.")]


class DrawConflictDocument(Document):
    detail: Annotated[
        str, like("2025/12/07 is stored with other numbers: BA [12, 45, 67, 23, 89].")
    ]
    success: Annotated[bool, like(False)]
    stored: Annotated[Wheels, Meta(description="The numbers that are stored, by wheel")]


class ImportForbiddenDocument(Document):
    detail: Annotated[str, like("Only files of the import folder can be imported.")]


class SyncProblemDocument(Document):
    detail: Annotated[str, like("A sync is running already.")]
    success: Annotated[bool, like(False)]


S = TypeVar("S", bound=_StandingDocument)


def totals_document(totals: Totals) -> LottoStatsDocument:
    """Counts over the whole archive."""
    return LottoStatsDocument(
        totals.draws,
        totals.days,
        _day_text(totals.first),
        _day_text(totals.last),
        totals.by_wheel,
    )


def latest_document(days: Sequence[tuple[date, Wheels]]) -> LatestDrawsDocument:
    """Days and their wheels, in the order given."""
    return LatestDrawsDocument(
        [
            DrawDateDocument(format_day(day), found, evening_document(dieci_e_lotto(day, found)))
            for day, found in days
        ]
    )


def planned_document(draw: PlannedDraw, begins_at: datetime, wheels: int) -> PlannedDrawDocument:
    """A draw of the calendar, with so many wheels in the archive."""
    due, at = _day_text(draw.due_on), begins_at.astimezone(UTC)
    return PlannedDrawDocument(format_day(draw.day), due, draw.reason, at, wheels)


def extraction_document(draw: Extraction, *, now: datetime) -> DrawOfWheelDocument:
    """A stored draw with its source."""
    day = format_day(draw.day)
    return DrawOfWheelDocument(
        True, day, draw.wheel, draw.numbers, draw.source, draw.verified, timestamp=now
    )


def range_document(total: int, page: Sequence[Draw], *, now: datetime) -> DrawRangeDocument:
    """One page of `total` draws."""
    results = [RangeDrawDocument(format_day(day), wheel, numbers) for day, wheel, numbers in page]
    return DrawRangeDocument(True, len(results), total, results, timestamp=now)


def import_document(done: Intake, *, now: datetime) -> ImportedDocument:
    """Result of the import of a file."""
    return ImportedDocument(
        True, done.inserted, done.skipped, done.rejected, _rejected(done), done.duration_s,
        timestamp=now,
    )  # fmt: skip


def sync_document(done: Intake, *, now: datetime) -> SyncedDocument:
    """Result of a sync with the operator's archive."""
    return SyncedDocument(
        True, done.inserted, done.skipped, done.verified, done.corrected, done.rejected,
        _rejected(done), f"Sync completed: {done.inserted} new records imported", timestamp=now,
    )  # fmt: skip


def wheel_numbers_document(table: DelayTable, items: Ints) -> WheelNumbersDocument:
    """The numbers of these items, and what they were counted in."""
    return WheelNumbersDocument(*_extent(table), number_documents(table, items))


def number_documents(table: DelayTable, items: Ints) -> list[NumberStandingDocument]:
    """Frequency and delay of the numbers of these items."""
    return _standings(NumberStandingDocument, (items + 1).tolist(), table, items)


def pairs_document(
    wheel: str, table: DelayTable, items: Ints, *, total: int, now: datetime
) -> PairStatisticsDocument:
    """One page of `total` pairs: those of these items."""
    pairs = _standings(PairStandingDocument, PAIR_NUMBERS[items].tolist(), table, items)
    return PairStatisticsDocument(
        True, wheel, *_extent(table), len(pairs), total, pairs, timestamp=now
    )


def search_document(
    numbers: Sequence[int],
    wheel: str,
    found: Found,
    draws: Sequence[Draw],
    hits: Sequence[int],
    *,
    at_least: int,
    now: datetime,
) -> CombinationSearchDocument:
    """The result of a search, with one page of its draws and their hits."""
    results = [
        CombinationFoundDocument(
            format_day(draw.day), draw.wheel, draw.numbers, count, OUTCOMES[count - 1]
        )
        for draw, count in zip(draws, hits, strict=True)
    ]
    maximum = min(len(numbers), len(OUTCOMES))
    outcomes = {
        OUTCOMES[count - 1]: int((found.hits == count).sum())
        for count in range(at_least, maximum + 1)
    }
    return CombinationSearchDocument(
        True, numbers, wheel, OUTCOMES[at_least - 1], found.draws, found.delay, outcomes,
        len(results), len(found.rows), results, timestamp=now,
    )  # fmt: skip


def _rejected(done: Intake) -> list[RejectedLineDocument]:
    return [RejectedLineDocument(**error) for error in done.errors]


def _day_text(day: date | None) -> str | None:
    return format_day(day) if day else None


def _extent(table: DelayTable) -> tuple[int, str | None, str | None]:
    """How many draws a table counts, and from when to when."""
    days = table.days
    if not len(days):
        return 0, None, None
    return len(days), format_day(days[0].item()), format_day(days[-1].item())


def _standings(
    make: Callable[..., S], names: Sequence[Any], table: DelayTable, items: Ints
) -> list[S]:
    """Frequency and delay of these items, which are called `names`."""
    delays = table.delays
    figures = zip(
        names,
        delays.frequency[items].tolist(),
        delays.delay[items].tolist(),
        delays.longest[items].tolist(),
        map(table.last_day, items.tolist()),
        strict=True,
    )
    return [
        make(name, frequency=n, delay=now, max_delay=longest, last_date=_day_text(last))
        for name, n, now, longest, last in figures
    ]
