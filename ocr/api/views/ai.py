"""`/api/ocr/ai/*`: requests to a vision model, and which models there are."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body
from core.api.rest import upstream_problem
from core.lib.upstream import NotConfigured, UpstreamError
from ocr.ai import services
from ocr.api import schema
from ocr.api.queries import OcrAiQuestionBody
from ocr.api.views.images import image_file
from ocr.serializers.ai import ai_document, models_document
from ocr.types import ImageRefused


class AiValidateView(APIView):
    takes_images = waits_for_others = True
    staff_permission = "ocr.change_autobotrun"

    @schema.AI_VALIDATE
    def post(self, request: Request) -> Response | HttpResponse:
        body = read_body(request.data, OcrAiQuestionBody)
        file = image_file(body.image_base64)
        try:
            response = services.ask(file, body.prompt, body.model)
        except ImageRefused as exc:
            raise ValidationError({"image_base64": [str(exc)]}) from None
        except (NotConfigured, UpstreamError) as exc:
            return upstream_problem(exc, success=False)
        return Response(ai_document(response))


class AiModelsView(APIView):
    waits_for_others = True

    @schema.AI_MODELS
    def get(self, request: Request) -> Response | HttpResponse:
        try:
            found = services.models()
        except (NotConfigured, UpstreamError) as exc:
            return upstream_problem(exc, success=False)
        return Response(models_document(found, settings.OPENROUTER_MODEL))
