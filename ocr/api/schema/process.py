from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from ocr.api.schema.common import ADDED, IMAGE, PICTURE, TAGS, TOO_LARGE, refused
from ocr.api.schema.lotto_site import OcrWheelUploaded


class OcrCandidate(s.Serializer[Any]):
    number = s.CharField()
    confidence = s.FloatField()


class OcrUncertainNumber(s.Serializer[Any]):
    number = s.CharField(allow_null=True, help_text="Null: nothing can be read there")
    confidence = s.FloatField(help_text="0 to 100; sure from 90 on")
    candidates = OcrCandidate(many=True)


class OcrReport(s.Serializer[Any]):
    success = s.BooleanField()
    detail = s.CharField(required=False, help_text="Why nothing was sent")


class OcrChange(s.Serializer[Any]):
    wheel = s.CharField()
    place = s.IntegerField(help_text="1 to 5")
    before = s.CharField(allow_null=True, help_text="As read; null: nothing could be")
    after = s.CharField(help_text="As the AI says")


class OcrValidated(s.Serializer[Any]):
    success = s.BooleanField(help_text=ADDED)
    corrections = s.IntegerField(help_text="Numbers in doubt that are others now, and sure")
    confidence = s.FloatField(allow_null=True, help_text="The AI's own, 0 to 100")
    detail = s.CharField(required=False, help_text=f"Why no AI answered {ADDED}")
    model = s.CharField(required=False, help_text=ADDED)
    confirmed = s.IntegerField(
        required=False, help_text=f"Numbers in doubt that are sure as they were read {ADDED}"
    )
    changes = OcrChange(many=True, required=False, help_text=f"The corrections {ADDED}")
    disputed = OcrChange(
        many=True, required=False, help_text=f"Sure numbers that it doubts; they stay {ADDED}"
    )


class OcrUploadReport(s.Serializer[Any]):
    success = s.BooleanField()
    wheels_uploaded = s.IntegerField()
    results = OcrWheelUploaded(many=True, required=False, help_text=ADDED)
    detail = s.CharField(required=False, help_text=f"Why nothing was uploaded {ADDED}")


PROCESS: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_process",
    summary="Read the numbers of a draw off an image",
    description=(
        "`wheels` holds only wheels whose five numbers are all beyond doubt; the other wheels of "
        f"the board are in `doubtful` {ADDED}. An image without a board has neither. With "
        "`ai_validation` a number in doubt becomes sure where the AI and the OCR, or the AI twice, "
        "agree on it; a sure number is never changed. What fails afterwards (AI, Telegram, upload) "
        "is reported in its own field, and the reading stays."
    ),
    request=inline_serializer(
        "OcrProcess",
        {
            "image_base64": s.CharField(help_text=IMAGE),
            "ai_validation": s.BooleanField(
                required=False, help_text="Let an AI look where the OCR is in doubt"
            ),
            "send_telegram": s.BooleanField(required=False, help_text="Send what is sure to staff"),
            "auto_upload": s.BooleanField(
                required=False, help_text="Put what is sure on the Lotto site"
            ),
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
                    "doubtful": s.DictField(
                        child=s.ListField(child=OcrUncertainNumber()), help_text=ADDED
                    ),
                    "ai_validation": OcrValidated(allow_null=True, help_text="Null: not asked for"),
                    "telegram": OcrReport(allow_null=True, help_text="Null: not asked for"),
                    "upload": OcrUploadReport(allow_null=True, help_text="Null: not asked for"),
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
                        "ai_validation": {
                            "success": True,
                            "corrections": 0,
                            "confidence": 98.0,
                            "model": "anthropic/claude-sonnet-4.5",
                            "confirmed": 0,
                            "changes": [],
                            "disputed": [],
                        },
                        "telegram": {"success": True},
                        "upload": {
                            "success": True,
                            "wheels_uploaded": 1,
                            "results": [{"wheel": "BARI", "success": True}],
                        },
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
