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

from core.api.params import read_body
from core.api.rest import problem
from lotto.types import WHEELS
from ocr.ai import services
from ocr.ai.consensus import Correction
from ocr.api.queries import ProcessBody
from ocr.api.schema.process import PROCESS
from ocr.api.views.images import image_file
from ocr.api.views.lotto_site import told_of
from ocr.outlets import lotto_site, telegram
from ocr.reader.types import NumberReading, Reading
from ocr.reader_process import reader
from ocr.types import (
    AiError,
    AiOff,
    ImageRefused,
    ReaderBusy,
    ReaderFailed,
    SiteError,
    SiteOff,
    TelegramError,
    TelegramOff,
)

PublishedEvents = dict[str, Any]
NOTHING_SURE: Final = "No wheel is sure: nothing was sent."
BUSY_RETRY_S: Final = 5


class ProcessView(APIView):
    takes_images = True
    staff_permission = "ocr.change_autobotrun"

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
        checked: PublishedEvents | None = None
        if wish.ai_validation:
            reading, checked = _validated(file, reading)
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
                "ai_validation": checked,
                "telegram": _sent(day, sure, file) if wish.send_telegram else None,
                "upload": _uploaded(day, sure) if wish.auto_upload else None,
                "timestamp": timezone.now().replace(microsecond=0),
            }
        )


def _validated(file: bytes, reading: Reading) -> tuple[Reading, PublishedEvents]:
    """The reading after an AI's look at it, and what came of that."""
    try:
        found = services.validate(file, reading)
    except (AiOff, AiError) as exc:
        return reading, {"success": False, "corrections": 0, "confidence": None, "detail": str(exc)}
    return found.reading, {
        "success": True,
        "corrections": len(found.corrections),
        "confidence": round(found.confidence, 1),
        "model": found.model,
        "confirmed": found.confirmed,
        "changes": [_change(each) for each in found.corrections],
        "disputed": [_change(each) for each in found.disputed],
    }


def _change(each: Correction) -> PublishedEvents:
    return {
        "wheel": WHEELS[each.wheel],
        "place": each.place,
        "before": None if each.before is None else f"{each.before:02}",
        "after": f"{each.after:02}",
    }


def _sent(day: date, wheels: Mapping[str, Sequence[int]], picture: bytes) -> PublishedEvents:
    """What became of telling staff."""
    if not wheels:
        return {"success": False, "detail": NOTHING_SURE}
    try:
        telegram.send(telegram.draw_message(day, wheels), parse_mode="HTML", picture=picture)
    except (TelegramOff, TelegramError) as exc:
        return {"success": False, "detail": str(exc)}
    return {"success": True}


def _uploaded(day: date, wheels: Mapping[str, Sequence[int]]) -> PublishedEvents:
    """What became of putting them on the Lotto site."""
    nothing = {"success": False, "wheels_uploaded": 0}
    if not wheels:
        return {**nothing, "detail": NOTHING_SURE}
    try:
        return told_of(lotto_site.upload(day, wheels))
    except (SiteOff, SiteError) as exc:
        return {**nothing, "detail": str(exc)}


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
