from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from ocr.api.schema.common import ADDED, TAGS, refused

UNAVAILABLE: Final = {
    502: refused("The Lotto site: POST /api/draws: the connection was cut"),
    503: refused("The Lotto site is not configured."),
}


class OcrWheelUploaded(s.Serializer[Any]):
    wheel = s.CharField()
    success = s.BooleanField()
    detail = s.CharField(required=False, help_text=f"What the site says of it {ADDED}")


UPLOAD: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_lotto_upload",
    summary="Put a draw on the Lotto site",
    description=(
        "Safe to repeat: the site keeps one draw per day and wheel, and other numbers replace it. "
        "Nothing is sent when any wheel is wrong (400). `success`: whether all wheels are "
        "there."
    ),
    request=inline_serializer(
        "OcrUpload",
        {
            "wheels": s.DictField(
                child=s.ListField(child=s.CharField(), min_length=5, max_length=5),
                help_text="By name or code; numbers as texts or integers",
            ),
            "data_estrazione": s.CharField(
                max_length=64, help_text="The draw's day, 2025-12-02 or 2025/12/02"
            ),
        },
    ),
    responses={
        200: OpenApiResponse(
            inline_serializer(
                "OcrUploaded",
                {
                    "success": s.BooleanField(),
                    "wheels_uploaded": s.IntegerField(),
                    "results": OcrWheelUploaded(many=True),
                    "timestamp": s.DateTimeField(help_text=ADDED),
                },
            ),
            examples=[
                OpenApiExample(
                    "Uploaded",
                    {
                        "success": True,
                        "wheels_uploaded": 1,
                        "results": [{"wheel": "BARI", "success": True}],
                        "timestamp": "2025-12-09T10:00:00Z",
                    },
                    response_only=True,
                )
            ],
        ),
        **UNAVAILABLE,
    },
    examples=[
        OpenApiExample(
            "Request",
            {
                "wheels": {"BARI": ["50", "29", "12", "47", "73"]},
                "data_estrazione": "2025-12-02",
            },
            request_only=True,
        )
    ],
)

RISCONTRI: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_riscontri",
    summary="The Lotto site's page of wins",
    description=(
        "The page as the site gives it, up to 2 MB. It is another site's HTML: show it in a "
        "sandboxed frame only."
    ),
    parameters=[
        OpenApiParameter(
            "da",
            {"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 0},
            description="Entries to skip",
        )
    ],
    responses={
        200: OpenApiResponse(
            inline_serializer(
                "OcrRiscontri",
                {
                    "success": s.BooleanField(),
                    "html": s.CharField(),
                    "current_offset": s.IntegerField(),
                    "timestamp": s.DateTimeField(),
                },
            ),
            examples=[
                OpenApiExample(
                    "First page",
                    {
                        "success": True,
                        "html": "<html>...</html>",
                        "current_offset": 0,
                        "timestamp": "2025-12-09T10:00:00Z",
                    },
                    response_only=True,
                )
            ],
        ),
        **UNAVAILABLE,
    },
)
