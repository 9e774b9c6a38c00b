"""`POST /api/ocr/process`: what an image shows, and what is done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.authentication import require_of_staff
from core.api.params import read_body
from core.api.rest import problem
from core.lib.upstream import NotConfigured, UpstreamError
from ocr.ai import services
from ocr.api import schema
from ocr.api.queries import OcrProcessBody
from ocr.api.views.images import image_file
from ocr.outlets import lotto_site, telegram
from ocr.reader.types import Reading
from ocr.reader_process import reader
from ocr.serializers.readings import (
    OcrReportDocument,
    OcrUploadReportDocument,
    OcrValidatedDocument,
    processed_document,
    upload_report,
    validation_document,
)
from ocr.types import ImageRefused, PageKind, ReaderBusy, ReaderFailed

NO_DRAW: Final = "The picture does not say that it is a board of the draw: no AI was asked."
NOTHING_SURE: Final = "No wheel is sure: nothing was sent."
OTHER_DAY: Final = "The picture names another day: nothing was sent."
BUSY_RETRY_S: Final = 5


class ProcessView(APIView):
    takes_images = waits_for_others = True
    staff_permission = "ocr.change_autobotrun"

    @schema.PROCESS
    def post(self, request: Request) -> Response | HttpResponse:
        body = read_body(request.data, OcrProcessBody)
        if body.send_telegram or body.auto_upload:
            require_of_staff(request, "lotto.change_extraction")  # as saving a draw
        day = body.day()
        file = image_file(body.image_base64)
        try:
            reading = reader().read(file)
        except ImageRefused as exc:
            raise ValidationError({"image_base64": [str(exc)]}) from None
        except (ReaderBusy, ReaderFailed) as exc:
            return problem(503, str(exc), headers={"Retry-After": str(BUSY_RETRY_S)}, success=False)
        checked: OcrValidatedDocument | None = None
        if body.ai_validation:
            reading, checked = _validated(file, reading)
        sure, why_not = reading.sure(), NOTHING_SURE
        if not reading.page.is_of(day):
            sure, why_not = {}, OTHER_DAY
        return Response(
            processed_document(
                day,
                reading,
                ai_validation=checked,
                telegram=_sent(day, sure, file, why_not) if body.send_telegram else None,
                upload=_uploaded(day, sure, why_not) if body.auto_upload else None,
            )
        )


def _validated(file: bytes, reading: Reading) -> tuple[Reading, OcrValidatedDocument]:
    """The reading after an AI's validation, and the outcome of that."""
    if reading.page.kind != PageKind.DRAW:
        return reading, OcrValidatedDocument(False, 0, None, NO_DRAW)
    try:
        found = services.validate(file, reading)
    except (NotConfigured, UpstreamError) as exc:
        return reading, OcrValidatedDocument(False, 0, None, str(exc))
    return found.reading, validation_document(found)


def _sent(
    day: date, wheels: Mapping[str, Sequence[int]], picture: bytes, why_not: str
) -> OcrReportDocument:
    """The outcome of sending them to staff; without wheels, why there are none."""
    if not wheels:
        return OcrReportDocument(False, why_not)
    try:
        telegram.send(telegram.draw_message(day, wheels), parse_mode="HTML", picture=picture)
    except (NotConfigured, UpstreamError) as exc:
        return OcrReportDocument(False, str(exc))
    return OcrReportDocument(True)


def _uploaded(
    day: date, wheels: Mapping[str, Sequence[int]], why_not: str
) -> OcrUploadReportDocument:
    """The outcome of putting them on the Lotto site; without wheels, why there are none."""
    if not wheels:
        return OcrUploadReportDocument(False, 0, detail=why_not)
    try:
        return upload_report(lotto_site.upload(day, wheels))
    except (NotConfigured, UpstreamError) as exc:
        return OcrUploadReportDocument(False, 0, detail=str(exc))
