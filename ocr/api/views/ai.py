"""`/api/ocr/ai/*`: a vision model asked over the API, and which ones there are."""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body
from core.api.rest import problem
from ocr.ai import services
from ocr.api.queries import AiBody
from ocr.api.schema.ai import MODELS, VALIDATE
from ocr.api.views.images import image_file
from ocr.types import AiError, AiModel, AiOff, ImageRefused


class AiValidateView(APIView):
    takes_images = True
    staff_permission = "ocr.change_autobotrun"

    @VALIDATE
    def post(self, request: Request) -> Response | HttpResponse:
        wish = read_body(request.data, AiBody)
        file = image_file(wish.image_base64)
        try:
            response = services.ask(file, wish.prompt, wish.model)
        except ImageRefused as exc:
            raise ValidationError({"image_base64": [str(exc)]}) from None
        except (AiOff, AiError) as exc:
            return _not_answered(exc)
        return Response(
            {
                "success": True,
                "model": response.model,
                "response": response.text,
                "usage": {
                    "prompt_tokens": response.usage.prompt_tokens,
                    "completion_tokens": response.usage.completion_tokens,
                    "cost_usd": response.usage.cost_usd,
                },
                "timestamp": timezone.now().replace(microsecond=0),
            }
        )


class AiModelsView(APIView):
    @MODELS
    def get(self, request: Request) -> Response | HttpResponse:
        try:
            found = services.models()
        except (AiOff, AiError) as exc:
            return _not_answered(exc)
        return Response(
            {
                "models": [_told(model) for model in found],
                "default": settings.OPENROUTER_MODEL,
                "count": len(found),
                "timestamp": timezone.now().replace(microsecond=0),
            }
        )


def _told(model: AiModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "context_length": model.context_length,
        "pricing": {
            "prompt": _price(model.prompt_usd),
            "completion": _price(model.completion_usd),
            "image": _price(model.image_usd),
        },
        "structured_outputs": model.is_structured,
    }


def _price(dollars: Decimal | None) -> str | None:
    """As OpenRouter spells it."""
    return None if dollars is None else f"{dollars:f}"


def _not_answered(exc: AiOff | AiError) -> HttpResponse:
    if isinstance(exc, AiOff):
        return problem(503, str(exc), success=False)
    if exc.is_refused:
        return problem(400, str(exc), success=False)
    if exc.retry_after_s is not None:
        wait = {"Retry-After": str(ceil(exc.retry_after_s))}
        return problem(503, str(exc), headers=wait, success=False)
    return problem(502, str(exc), success=False)
