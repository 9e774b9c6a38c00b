"""`POST /api/ocr/telegram/send`."""

from __future__ import annotations

from math import ceil

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body
from core.api.rest import problem
from ocr.api.queries import TelegramBody
from ocr.api.schema.telegram import TELEGRAM
from ocr.api.views.images import image_file
from ocr.outlets import telegram
from ocr.types import TelegramError, TelegramOff


class TelegramView(APIView):
    takes_images = True
    staff_permission = "ocr.change_autobotrun"

    @TELEGRAM
    def post(self, request: Request) -> Response | HttpResponse:
        wish = read_body(request.data, TelegramBody)
        picture = image_file(wish.image_base64) if wish.image_base64 else None
        try:
            ids = telegram.send(wish.message, parse_mode=wish.parse_mode, picture=picture)
        except TelegramOff as exc:
            return problem(503, str(exc), success=False)
        except TelegramError as exc:
            return _not_sent(exc)
        return Response(
            {
                "success": True,
                "message_ids": ids,
                "parts": len(ids),
                "timestamp": timezone.now().replace(microsecond=0),
            }
        )


def _not_sent(exc: TelegramError) -> HttpResponse:
    if exc.is_refused:
        return problem(400, str(exc), success=False, sent=exc.sent)
    if exc.retry_after_s is not None:
        wait = {"Retry-After": str(ceil(exc.retry_after_s))}
        return problem(503, str(exc), headers=wait, success=False, sent=exc.sent)
    return problem(502, str(exc), success=False, sent=exc.sent)
