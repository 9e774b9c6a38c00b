"""`POST /api/ocr/telegram/send`."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body
from core.api.rest import upstream_problem
from core.lib.upstream import NotConfigured
from ocr import serializers
from ocr.api.queries import TelegramBody
from ocr.api.schema.telegram import TELEGRAM
from ocr.api.views.images import image_file
from ocr.outlets import telegram
from ocr.types import TelegramError


class TelegramView(APIView):
    takes_images = True
    staff_permission = "ocr.change_autobotrun"

    @TELEGRAM
    def post(self, request: Request) -> Response | HttpResponse:
        body = read_body(request.data, TelegramBody)
        picture = image_file(body.image_base64) if body.image_base64 else None
        try:
            ids = telegram.send(body.message, parse_mode=body.parse_mode, picture=picture)
        except NotConfigured as exc:
            return upstream_problem(exc, success=False)
        except TelegramError as exc:
            return upstream_problem(exc, success=False, sent=exc.sent)
        return Response(
            {
                "success": True,
                "message_ids": ids,
                "parts": len(ids),
                "timestamp": serializers.timestamp(),
            }
        )
