"""`POST /api/ocr/process`: what an image shows, and what is done with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway_arq.lib.query import read_body
from gateway_arq.lib.rest import problem
from lotto.types import WHEELS
from ocr import telegram
from ocr.api.queries import ProcessBody
from ocr.api.schema.process import PROCESS
from ocr.api.views.images import image_file
from ocr.reader.types import NumberReading
from ocr.reading import reader
from ocr.types import ImageRefused, ReaderBusy, ReaderFailed, TelegramError, TelegramOff

BUSY_RETRY_S: Final = 5


class ProcessView(APIView):
    @PROCESS
    def post(self, request: Request) -> Response | HttpResponse:
        wish = read_body(request.data, ProcessBody)
        day = wish.day()
        file = image_file(wish.image_base64)
        try:
            reading = reader().read(file)
        except ImageRefused as exc:
            raise ValidationError({"image_base64": [str(exc)]}) from None
        except (ReaderBusy, ReaderFailed) as exc:
            return problem(503, str(exc), headers={"Retry-After": str(BUSY_RETRY_S)}, success=False)
        sure = reading.sure()
        return Response(
            {
                "success": True,
                "data_estrazione": day.isoformat(),
                "wheels": {WHEELS[wheel]: _two_digits(numbers) for wheel, numbers in sure.items()},
                "wheels_count": len(sure),
                "confidence": round(reading.confidence(), 1),
                "doubtful": {
                    WHEELS[wheel]: [_doubt(each) for each in numbers]
                    for wheel, numbers in reading.wheels.items()
                    if wheel not in sure
                },
                "telegram": _told(day, sure, file) if wish.send_telegram else None,
                "timestamp": timezone.now().replace(microsecond=0),
            }
        )


def _told(day: date, wheels: Mapping[str, Sequence[int]], picture: bytes) -> dict[str, Any]:
    """What became of telling staff."""
    if not wheels:
        return {"success": False, "detail": "No wheel is sure: nothing was sent."}
    try:
        telegram.send(telegram.draw_message(day, wheels), parse_mode="HTML", picture=picture)
    except (TelegramOff, TelegramError) as exc:
        return {"success": False, "detail": str(exc)}
    return {"success": True}


def _two_digits(numbers: Iterable[int]) -> list[str]:
    return [f"{number:02}" for number in numbers]


def _doubt(each: NumberReading) -> dict[str, Any]:
    return {
        "number": None if each.number is None else f"{each.number:02}",
        "confidence": round(each.confidence, 1),
        "candidates": [
            {"number": f"{number:02}", "confidence": round(confidence, 1)}
            for number, confidence in each.candidates
        ],
    }
