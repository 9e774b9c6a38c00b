"""JSON documents of readings and of what is done with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from core.api.documents import Document, like, one_of
from core.api.shapes import LOTTO_NUMBER
from lotto.types import WHEELS
from ocr.ai.consensus import NumberCorrection, Validation
from ocr.reader.types import NumberReading, Page, Reading
from ocr.serializers.common import Success, TimedDocument, Wheels, texts, timestamp, two_digits
from ocr.types import PageKind, WheelUploaded

Percent = Annotated[float, like(61.5, "0 to 100; sure from 90 on")]


class OcrCandidateDocument(Document):
    number: Annotated[str, like("79"), LOTTO_NUMBER]
    confidence: Percent


class OcrUncertainNumberDocument(Document):
    number: Annotated[str | None, like("79", "Null: nothing can be read there"), LOTTO_NUMBER]
    confidence: Percent
    candidates: list[OcrCandidateDocument]


class OcrPageReasonDocument(Document):
    words: Annotated[str, like("CONCORSO")]
    kind: Annotated[str, like("draw")]
    weight: Annotated[int, like(3, "Positive: for a board of the draw")]


class OcrPageDocument(Document):
    """What the picture says that it is; only a `draw` has sure numbers, `unknown` has doubtful."""

    kind: Annotated[str, one_of([*PageKind])]
    title: Annotated[str, like("ESTRAZIONI DEL LOTTO")]
    dates: Annotated[list[str], like(["28/11/2026"], "As it names them; the year may be missing")]
    reasons: list[OcrPageReasonDocument]


class OcrSimbolottoDocument(Document):
    wheel: Annotated[str, like("GENOVA")]
    numbers: list[OcrUncertainNumberDocument]


class OcrReportDocument(Document):
    success: Success
    detail: Annotated[str | UnsetType, Meta(description="Why nothing was sent")] = UNSET


class OcrChangeDocument(Document):
    wheel: Annotated[str, like("CAGLIARI")]
    place: Annotated[int, like(2, "1 to 5")]
    before: Annotated[str | None, like("79", "As read; null: nothing could be"), LOTTO_NUMBER]
    after: Annotated[str, like("70", "As the AI says"), LOTTO_NUMBER]


class OcrValidatedDocument(Document):
    """`corrections` and `confidence` are the reference's."""

    success: Success
    corrections: Annotated[int, like(0, "Numbers in doubt that are others now, and sure")]
    confidence: Annotated[float | None, like(98.0, "The AI's own, 0 to 100")]
    detail: Annotated[str | UnsetType, Meta(description="Why no AI answered")] = UNSET
    model: str | UnsetType = UNSET
    confirmed: Annotated[
        int | UnsetType, Meta(description="Numbers in doubt that are sure as they were read")
    ] = UNSET
    changes: list[OcrChangeDocument] | UnsetType = UNSET
    disputed: Annotated[
        list[OcrChangeDocument] | UnsetType,
        Meta(description="Sure numbers that it doubts; they stay"),
    ] = UNSET


class OcrWheelUploadedDocument(Document):
    wheel: Annotated[str, like("BARI")]
    success: Success
    detail: Annotated[str | UnsetType, Meta(description="What the site says of it")] = UNSET


class OcrUploadReportDocument(Document):
    """`results` and `detail` are additions to the reference."""

    success: Success
    wheels_uploaded: Annotated[int, like(1)]
    results: list[OcrWheelUploadedDocument] | UnsetType = UNSET
    detail: Annotated[str | UnsetType, Meta(description="Why nothing was uploaded")] = UNSET


class OcrUploadedDocument(TimedDocument):
    success: Success
    wheels_uploaded: Annotated[int, like(1)]
    results: list[OcrWheelUploadedDocument]


class OcrProcessedDocument(TimedDocument):
    """`data_estrazione`, `doubtful`, `page` and `timestamp` are additions to the reference.

    So is `simbolotto`.
    """

    success: Success
    data_estrazione: Annotated[dt.date, like("2025-12-02")]
    page: OcrPageDocument
    simbolotto: Annotated[
        OcrSimbolottoDocument | None, Meta(description="Null: the picture shows no Simbolotto")
    ]
    wheels: Wheels
    wheels_count: Annotated[int, like(1)]
    confidence: Annotated[float, like(97.2, "Mean over all numbers found")]
    doubtful: Annotated[
        dict[str, list[OcrUncertainNumberDocument]],
        like({"CAGLIARI": [{"number": None, "confidence": 0.0, "candidates": []}]}),
    ]
    ai_validation: Annotated[OcrValidatedDocument | None, Meta(description="Null: not asked for")]
    telegram: Annotated[OcrReportDocument | None, Meta(description="Null: not asked for")]
    upload: Annotated[OcrUploadReportDocument | None, Meta(description="Null: not asked for")]


class TelegramSentDocument(TimedDocument):
    success: Success
    message_ids: Annotated[list[int], like([4711])]
    parts: Annotated[int, like(1)]


class OcrRiscontriDocument(TimedDocument):
    success: Success
    html: Annotated[str, like("<html>...</html>")]
    current_offset: Annotated[int, like(0)]


def processed_document(
    day: dt.date,
    reading: Reading,
    *,
    ai_validation: OcrValidatedDocument | None,
    telegram: OcrReportDocument | None,
    upload: OcrUploadReportDocument | None,
) -> OcrProcessedDocument:
    """The wheels of a board by name: those beyond doubt, and cell by cell the others."""
    sure = reading.sure()
    return OcrProcessedDocument(
        success=True,
        data_estrazione=day,
        page=page_document(reading.page),
        simbolotto=_simbolotto(reading),
        wheels={WHEELS[wheel]: texts(sure[wheel]) for wheel in sure},
        wheels_count=len(sure),
        confidence=round(reading.confidence(), 1),
        doubtful={
            WHEELS[wheel]: [_number(each) for each in numbers]
            for wheel, numbers in reading.wheels.items()
            if wheel not in sure
        },
        ai_validation=ai_validation,
        telegram=telegram,
        upload=upload,
        timestamp=timestamp(),
    )


def page_document(page: Page) -> OcrPageDocument:
    return OcrPageDocument(
        page.kind,
        page.title,
        [str(each) for each in page.dates],
        [OcrPageReasonDocument(*reason) for reason in page.reasons],
    )


def _simbolotto(reading: Reading) -> OcrSimbolottoDocument | None:
    if reading.simbolotto is None:
        return None
    wheel, numbers = reading.simbolotto
    return OcrSimbolottoDocument(WHEELS[wheel], [_number(each) for each in numbers])


def _number(each: NumberReading) -> OcrUncertainNumberDocument:
    candidates = [
        OcrCandidateDocument(f"{number:02}", round(confidence, 1))
        for number, confidence in each.candidates
    ]
    return OcrUncertainNumberDocument(
        two_digits(each.number), round(each.confidence, 1), candidates
    )


def validation_document(found: Validation) -> OcrValidatedDocument:
    return OcrValidatedDocument(
        success=True,
        corrections=len(found.corrections),
        confidence=round(found.confidence, 1),
        model=found.model,
        confirmed=found.confirmed,
        changes=[_change(each) for each in found.corrections],
        disputed=[_change(each) for each in found.disputed],
    )


def _change(each: NumberCorrection) -> OcrChangeDocument:
    return OcrChangeDocument(
        WHEELS[each.wheel], each.place, two_digits(each.before), f"{each.after:02}"
    )


def upload_report(results: Sequence[WheelUploaded]) -> OcrUploadReportDocument:
    """The outcome of each wheel; a success when all are on the site."""
    return OcrUploadReportDocument(*_uploaded(results))


def upload_document(results: Sequence[WheelUploaded]) -> OcrUploadedDocument:
    return OcrUploadedDocument(*_uploaded(results), timestamp=timestamp())


def _uploaded(
    results: Sequence[WheelUploaded],
) -> tuple[bool, int, list[OcrWheelUploadedDocument]]:
    return (
        all(each.is_done for each in results),
        sum(each.is_done for each in results),
        [
            OcrWheelUploadedDocument(WHEELS[each.wheel], each.is_done, each.detail or UNSET)
            for each in results
        ],
    )
