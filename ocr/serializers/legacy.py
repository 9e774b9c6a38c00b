"""JSON documents of the legacy database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

from msgspec import Meta

from core.api.documents import Document, like
from core.api.shapes import shaped
from lotto.types import OUTCOMES, WHEELS
from ocr.legacy.riscontri import Riscontro, newest, outcomes
from ocr.legacy.selectors import Followed, LegacyDraw
from ocr.serializers.common import TimedDocument, timestamp

MAX_UNREADABLE: Final = 100

Drawn = Annotated[int, Meta(ge=1, le=90)]


class LegacyDateDocument(Document):
    raw: Annotated[str, like("20251207", "As it is stored: YYYYMMDD"), shaped("^[0-9]{8}$")]
    formatted: Annotated[dt.date, like("2025-12-07")]
    display: Annotated[
        str,
        like("07/12/2025", "As it is shown: DD/MM/YYYY"),
        shaped("^[0-9]{2}/[0-9]{2}/[0-9]{4}$"),
    ]


class LegacyWheelDocument(Document):
    name: Annotated[str, like("BARI")]
    numbers: Annotated[Sequence[Drawn], like([12, 45, 67, 23, 89], min_length=5, max_length=5)]


LegacyWheels = Annotated[
    dict[str, LegacyWheelDocument], like({"BA": {"name": "BARI", "numbers": [12, 45, 67, 23, 89]}})
]
Ok = Annotated[str, like("ok")]


class LegacyRiscontroDocument(Document):
    id: Annotated[int, like(1207)]
    date: Annotated[dt.date, like("2025-12-06", "The draw that it was made for")]
    colpo: Annotated[int, like(2, "How many draws it is followed for; 1: the one of its date")]
    wheels: Annotated[Sequence[str], like(["BA", "CA"], f"Of {', '.join(WHEELS)}")]
    tutte: Annotated[bool, like(False, "Played on all wheels: the ten of the cities")]
    numbers: Annotated[Sequence[Drawn], like([45, 23, 4])]
    note: Annotated[str, like("Terzina per Bari e Cagliari")]
    hits: Annotated[int, like(2, "The most of its numbers that came on one wheel")]
    hits_by_wheel: Annotated[Mapping[str, Sequence[int]], like({"BA": [45, 23], "CA": [4]})]
    missing: Annotated[Sequence[str], like([], "Its wheels that the draw does not have yet")]
    outcome: Annotated[str | None, like("ambo", extra_json_schema={"enum": [*OUTCOMES, None]})]


class LegacyStatsDocument(Document):
    """Predictions, and how many have each best outcome; from `terni` on these are additions."""

    total: Annotated[int, like(1)]
    estratti: Annotated[int, like(0)]
    ambi: Annotated[int, like(1)]
    terni: Annotated[int, like(0)]
    quaterne: Annotated[int, like(0)]
    cinquine: Annotated[int, like(0)]


class LegacyDatesDocument(TimedDocument):
    status: Ok
    dates: list[LegacyDateDocument]
    count: Annotated[int, like(1)]


class LegacyExtractionDocument(TimedDocument):
    """`date` is an addition to the reference."""

    status: Ok
    date: LegacyDateDocument
    extraction: LegacyWheels
    wheel_count: Annotated[int, like(1)]


class LegacyUnreadableDocument(Document):
    id: Annotated[int, like(1208)]
    reason: Annotated[str, like("'12 su BA' is more than numbers.")]


class LegacyRiscontriDocument(TimedDocument):
    """`date`, `unreadable` and `unreadable_rows` are additions to the reference."""

    status: Ok
    date: LegacyDateDocument
    extraction: LegacyWheels
    predictions: list[LegacyRiscontroDocument]
    stats: LegacyStatsDocument
    stats_last3: LegacyStatsDocument
    unreadable: Annotated[int, like(0, "Rows that are no prediction")]
    unreadable_rows: Annotated[
        Sequence[LegacyUnreadableDocument], like([], f"The first {MAX_UNREADABLE} of them")
    ]


def dates_document(days: Sequence[dt.date]) -> LegacyDatesDocument:
    return LegacyDatesDocument("ok", list(map(_date, days)), len(days), timestamp=timestamp())


def extraction_document(draw: LegacyDraw) -> LegacyExtractionDocument:
    """The day of a draw, and its wheels by code."""
    return LegacyExtractionDocument(
        "ok", _date(draw.day), _wheels(draw), len(draw.wheels), timestamp=timestamp()
    )


def riscontri_document(found: Followed) -> LegacyRiscontriDocument:
    return LegacyRiscontriDocument(
        status="ok",
        date=_date(found.draw.day),
        extraction=_wheels(found.draw),
        predictions=[_prediction(each) for each in found.riscontri],
        stats=_stats(found.riscontri),
        stats_last3=_stats(newest(found.riscontri, 3)),
        unreadable=len(found.unreadable),
        unreadable_rows=[
            LegacyUnreadableDocument(row.id, row.reason)
            for row in found.unreadable[:MAX_UNREADABLE]
        ],
        timestamp=timestamp(),
    )


def _date(day: dt.date) -> LegacyDateDocument:
    return LegacyDateDocument(f"{day:%Y%m%d}", day, f"{day:%d/%m/%Y}")


def _wheels(draw: LegacyDraw) -> dict[str, LegacyWheelDocument]:
    return {
        wheel: LegacyWheelDocument(WHEELS[wheel], numbers) for wheel, numbers in draw.wheels.items()
    }


def _prediction(each: Riscontro) -> LegacyRiscontroDocument:
    made = each.prediction
    return LegacyRiscontroDocument(
        id=made.id,
        date=made.day,
        colpo=each.colpo,
        wheels=made.wheels,
        tutte=made.is_all,
        numbers=made.numbers,
        note=made.note,
        hits=each.best,
        hits_by_wheel=each.hits,
        missing=each.missing,
        outcome=each.outcome,
    )


def _stats(riscontri: Iterable[Riscontro]) -> LegacyStatsDocument:
    found = outcomes(riscontri)
    return LegacyStatsDocument(found.total(), *(found[one] for one in OUTCOMES))
