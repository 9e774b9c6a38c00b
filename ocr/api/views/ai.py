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
from ocr import serializers
from ocr.ai import services
from ocr.api.queries import AiBody
from ocr.api.schema.ai import MODELS, VALIDATE
from ocr.api.views.images import image_file
from ocr.types import ImageRefused


class AiValidateView(APIView):
    takes_images = True
    staff_permission = "ocr.change_autobotrun"

    @VALIDATE
    def post(self, request: Request) -> Response | HttpResponse:
        body = read_body(request.data, AiBody)
        file = image_file(body.image_base64)
        try:
            response = services.ask(file, body.prompt, body.model)
        except ImageRefused as exc:
            raise ValidationError({"image_base64": [str(exc)]}) from None
        except (NotConfigured, UpstreamError) as exc:
            return upstream_problem(exc, success=False)
        return Response({**serializers.ai_document(response), "timestamp": serializers.timestamp()})


class AiModelsView(APIView):
    @MODELS
    def get(self, request: Request) -> Response | HttpResponse:
        try:
            found = services.models()
        except (NotConfigured, UpstreamError) as exc:
            return upstream_problem(exc, success=False)
        return Response(
            {
                "models": [serializers.model_document(model) for model in found],
                "default": settings.OPENROUTER_MODEL,
                "count": len(found),
                "timestamp": serializers.timestamp(),
            }
        )
