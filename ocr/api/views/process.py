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

from core.api.params import read_body
from core.api.rest import problem
from core.lib.upstream import NotConfigured, UpstreamError
from ocr import serializers
from ocr.ai import services
from ocr.api.queries import ProcessBody
from ocr.api.schema.process import PROCESS
from ocr.api.views.images import image_file
from ocr.outlets import lotto_site, telegram
from ocr.reader.types import Reading
from ocr.reader_process import reader
from ocr.serializers import Document
from ocr.types import ImageRefused, ReaderBusy, ReaderFailed

NOTHING_SURE: Final = "No wheel is sure: nothing was sent."
BUSY_RETRY_S: Final = 5


class ProcessView(APIView):
    takes_images = True
    staff_permission = "ocr.change_autobotrun"

    @PROCESS
    def post(self, request: Request) -> Response | HttpResponse:
        body = read_body(request.data, ProcessBody)
        day = body.day()
        file = image_file(body.image_base64)
        try:
            reading = reader().read(file)
        except ImageRefused as exc:
            raise ValidationError({"image_base64": [str(exc)]}) from None
        except (ReaderBusy, ReaderFailed) as exc:
            return problem(503, str(exc), headers={"Retry-After": str(BUSY_RETRY_S)}, success=False)
        checked: Document | None = None
        if body.ai_validation:
            reading, checked = _validated(file, reading)
        sure = reading.sure()
        return Response(
            {
                "success": True,
                "data_estrazione": day.isoformat(),
                **serializers.reading_document(reading),
                "ai_validation": checked,
                "telegram": _sent(day, sure, file) if body.send_telegram else None,
                "upload": _uploaded(day, sure) if body.auto_upload else None,
                "timestamp": serializers.timestamp(),
            }
        )


def _validated(file: bytes, reading: Reading) -> tuple[Reading, Document]:
    """The reading after an AI's validation, and the outcome of that."""
    try:
        found = services.validate(file, reading)
    except (NotConfigured, UpstreamError) as exc:
        return reading, {"success": False, "corrections": 0, "confidence": None, "detail": str(exc)}
    return found.reading, serializers.validation_document(found)


def _sent(day: date, wheels: Mapping[str, Sequence[int]], picture: bytes) -> Document:
    """The outcome of sending them to staff."""
    if not wheels:
        return {"success": False, "detail": NOTHING_SURE}
    try:
        telegram.send(telegram.draw_message(day, wheels), parse_mode="HTML", picture=picture)
    except (NotConfigured, UpstreamError) as exc:
        return {"success": False, "detail": str(exc)}
    return {"success": True}


def _uploaded(day: date, wheels: Mapping[str, Sequence[int]]) -> Document:
    """The outcome of putting them on the Lotto site."""
    nothing = {"success": False, "wheels_uploaded": 0}
    if not wheels:
        return {**nothing, "detail": NOTHING_SURE}
    try:
        return serializers.upload_document(lotto_site.upload(day, wheels))
    except (NotConfigured, UpstreamError) as exc:
        return {**nothing, "detail": str(exc)}
