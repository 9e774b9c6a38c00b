"""`GET /api/ocr/config`: what is switched on, and never a secret."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ocr import serializers
from ocr.ai import budget, services
from ocr.api.schema.config import CONFIG
from ocr.outlets import lotto_site, telegram


class ConfigView(APIView):
    @CONFIG
    def get(self, request: Request) -> Response:
        return Response(
            {
                "ai": {
                    "enabled": services.is_on(),
                    "default_model": settings.OPENROUTER_MODEL,
                    "monthly_budget_usd": settings.OPENROUTER_MONTHLY_BUDGET or None,
                    "spent_usd": budget.spent_usd(),
                },
                "telegram": {"enabled": telegram.is_on()},
                "upload": {"enabled": lotto_site.is_on()},
                "timestamp": serializers.timestamp(),
            }
        )
