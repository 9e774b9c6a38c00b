from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from ocr.api.schema.common import ADDED, PICTURE, TAGS, TOO_LARGE, refused


class OcrCandidate(s.Serializer[Any]):
    number = s.CharField()
    confidence = s.FloatField()


class OcrDoubt(s.Serializer[Any]):
    number = s.CharField(allow_null=True, help_text="Null: nothing can be read there")
    confidence = s.FloatField(help_text="0 to 100; sure from 90 on")
    candidates = OcrCandidate(many=True)


class OcrTold(s.Serializer[Any]):
    success = s.BooleanField()
    detail = s.CharField(required=False, help_text="Why nothing was sent")


PROCESS: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_process",
    summary="Read the numbers of a draw off an image",
    description=(
        "`wheels` holds only wheels whose five numbers are all beyond doubt; the other wheels of "
        f"the board are in `doubtful` {ADDED}. An image without a board has neither."
    ),
    request=inline_serializer(
        "OcrProcess",
        {
            "image_base64": s.CharField(
                help_text="JPEG, PNG or WebP in base64, with or without a data URI's head; up to "
                "10 MB and 40 megapixels"
            ),
            "send_telegram": s.BooleanField(required=False, help_text="Send what is sure to staff"),
            "data_estrazione": s.CharField(
                required=False, allow_null=True, help_text="The draw's day; default: today"
            ),
        },
    ),
    responses={
        200: OpenApiResponse(
            inline_serializer(
                "OcrProcessed",
                {
                    "success": s.BooleanField(),
                    "data_estrazione": s.DateField(help_text=ADDED),
                    "wheels": s.DictField(child=s.ListField(child=s.CharField())),
                    "wheels_count": s.IntegerField(),
                    "confidence": s.FloatField(help_text="Mean over all numbers found"),
                    "doubtful": s.DictField(child=s.ListField(child=OcrDoubt()), help_text=ADDED),
                    "telegram": OcrTold(allow_null=True, help_text="Null: not asked for"),
                    "timestamp": s.DateTimeField(help_text=ADDED),
                },
            ),
            examples=[
                OpenApiExample(
                    "A wheel in doubt",
                    {
                        "success": True,
                        "data_estrazione": "2025-12-02",
                        "wheels": {"BARI": ["50", "29", "12", "47", "73"]},
                        "wheels_count": 1,
                        "confidence": 97.2,
                        "doubtful": {
                            "CAGLIARI": [
                                {"number": "04", "confidence": 99.9, "candidates": []},
                                {
                                    "number": "79",
                                    "confidence": 61.5,
                                    "candidates": [
                                        {"number": "79", "confidence": 61.5},
                                        {"number": "70", "confidence": 35.1},
                                    ],
                                },
                                {"number": "80", "confidence": 99.9, "candidates": []},
                                {"number": "66", "confidence": 99.9, "candidates": []},
                                {"number": None, "confidence": 0.0, "candidates": []},
                            ]
                        },
                        "telegram": {"success": True},
                        "timestamp": "2025-12-09T10:00:00Z",
                    },
                    response_only=True,
                )
            ],
        ),
        413: TOO_LARGE,
        503: refused("Too many images are waiting to be read. Try again."),
    },
    examples=[OpenApiExample("Request", {"image_base64": PICTURE}, request_only=True)],
)
