"""`GET /api/ocr/config`: what is switched on, and never a secret."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ocr.ai import budget, services
from ocr.api import schema
from ocr.outlets import lotto_site, telegram
from ocr.serializers.ai import OcrAiConfigDocument, OcrConfigDocument, OcrSwitchDocument
from ocr.serializers.common import timestamp


class ConfigView(APIView):
    @schema.OCR_CONFIG
    def get(self, request: Request) -> Response:
        ai = OcrAiConfigDocument(
            services.is_on(),
            settings.OPENROUTER_MODEL,
            settings.OPENROUTER_MONTHLY_BUDGET or None,
            float(budget.spent_usd()),
        )
        return Response(
            OcrConfigDocument(
                ai,
                telegram=OcrSwitchDocument(telegram.is_on()),
                upload=OcrSwitchDocument(lotto_site.is_on()),
                timestamp=timestamp(),
            )
        )
