from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from ocr.api.schema.common import ADDED, TAGS


class OcrAiConfig(s.Serializer[Any]):
    enabled = s.BooleanField()
    default_model = s.CharField()
    monthly_budget_usd = s.FloatField(allow_null=True, help_text=f"Null: no limit {ADDED}")
    spent_usd = s.FloatField(help_text=f"This month, by Europe/Rome {ADDED}")


class OcrSwitch(s.Serializer[Any]):
    enabled = s.BooleanField()


CONFIG: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_config",
    summary="What of the OCR is switched on",
    responses={
        200: OpenApiResponse(
            inline_serializer(
                "OcrConfig",
                {
                    "ai": OcrAiConfig(),
                    "telegram": OcrSwitch(),
                    "upload": OcrSwitch(),
                    "timestamp": s.DateTimeField(),
                },
            ),
            examples=[
                OpenApiExample(
                    "All on",
                    {
                        "ai": {
                            "enabled": True,
                            "default_model": "anthropic/claude-sonnet-4.5",
                            "monthly_budget_usd": 20.0,
                            "spent_usd": 0.42,
                        },
                        "telegram": {"enabled": True},
                        "upload": {"enabled": True},
                        "timestamp": "2025-12-09T10:00:00Z",
                    },
                    response_only=True,
                )
            ],
        )
    },
)
