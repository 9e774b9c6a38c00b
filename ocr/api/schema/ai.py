from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from ocr.api.queries import DEFAULT_PROMPT
from ocr.api.schema.common import ADDED, IMAGE, PICTURE, TAGS, TOO_LARGE, refused, wrong

UNAVAILABLE: Final = {
    502: refused("OpenRouter: Provider returned error"),
    503: refused("AI validation is not configured."),
}


class AiUsageSerializer(s.Serializer[Any]):
    prompt_tokens = s.IntegerField()
    completion_tokens = s.IntegerField()
    cost_usd = s.FloatField(allow_null=True, help_text=f"US dollars {ADDED}")


class AiPricing(s.Serializer[Any]):
    prompt = s.CharField(allow_null=True, help_text="US dollars a token; null: it depends")
    completion = s.CharField(allow_null=True, help_text="US dollars a token")
    image = s.CharField(allow_null=True, help_text="US dollars a picture, beside its tokens")


class AiModelEntry(s.Serializer[Any]):
    id = s.CharField()
    name = s.CharField()
    context_length = s.IntegerField(help_text="Tokens")
    pricing = AiPricing()
    structured_outputs = s.BooleanField(help_text="Whether it can validate a reading")


VALIDATE: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_ai_validate",
    summary="Ask a vision model about an image",
    description=(
        "The text goes to the model with the image, and its answer comes back as it is: nothing is "
        "stored but what it cost. To have a reading validated use `ai_validation` of "
        "`/api/ocr/process`. 503 with `Retry-After` when OpenRouter asks to wait, or the month's "
        "budget is used up."
    ),
    request=inline_serializer(
        "OcrAiQuestion",
        {
            "image_base64": s.CharField(help_text=IMAGE),
            "prompt": s.CharField(
                required=False, min_length=1, max_length=20_000, default=DEFAULT_PROMPT
            ),
            "model": s.CharField(
                required=False,
                allow_null=True,
                min_length=1,
                max_length=200,
                help_text="One of `/api/ocr/ai/models`; default: the configured one",
            ),
        },
    ),
    responses={
        200: OpenApiResponse(
            inline_serializer(
                "OcrAiAnswer",
                {
                    "success": s.BooleanField(),
                    "model": s.CharField(),
                    "response": s.CharField(),
                    "usage": AiUsageSerializer(),
                    "timestamp": s.DateTimeField(),
                },
            ),
            examples=[
                OpenApiExample(
                    "Answered",
                    {
                        "success": True,
                        "model": "anthropic/claude-sonnet-4.5",
                        "response": "BARI 50 29 12 47 73",
                        "usage": {
                            "prompt_tokens": 1690,
                            "completion_tokens": 200,
                            "cost_usd": 0.00807,
                        },
                        "timestamp": "2025-12-09T10:00:00Z",
                    },
                    response_only=True,
                )
            ],
        ),
        400: wrong("There is no vision model 'openai/gpt-3.5-turbo' to ask."),
        413: TOO_LARGE,
        **UNAVAILABLE,
    },
    examples=[
        OpenApiExample(
            "Request",
            {"image_base64": PICTURE, "prompt": "Verify these numbers: BARI 50 29 12 47 73"},
            request_only=True,
        )
    ],
)

MODELS: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_ai_models",
    summary="The vision models that may be asked",
    description="OpenRouter's list, at most an hour old; `OPENROUTER_MODELS` may narrow it.",
    responses={
        200: OpenApiResponse(
            inline_serializer(
                "OcrAiModels",
                {
                    "models": AiModelEntry(many=True),
                    "default": s.CharField(),
                    "count": s.IntegerField(),
                    "timestamp": s.DateTimeField(),
                },
            ),
            examples=[
                OpenApiExample(
                    "One model",
                    {
                        "models": [
                            {
                                "id": "anthropic/claude-sonnet-4.5",
                                "name": "Claude Sonnet 4.5",
                                "context_length": 1_000_000,
                                "pricing": {
                                    "prompt": "0.000003",
                                    "completion": "0.000015",
                                    "image": "0.0048",
                                },
                                "structured_outputs": True,
                            }
                        ],
                        "default": "anthropic/claude-sonnet-4.5",
                        "count": 1,
                        "timestamp": "2025-12-09T10:00:00Z",
                    },
                    response_only=True,
                )
            ],
        ),
        **UNAVAILABLE,
    },
)
