from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from ocr.api.schema.common import TAGS, TOO_LARGE


class TelegramRefused(s.Serializer[Any]):
    detail = s.CharField()
    success = s.BooleanField(required=False)
    sent = s.IntegerField(required=False, help_text="Parts of the message that were taken")


def _not_sent(text: str) -> OpenApiResponse:
    example = {"detail": text, "success": False, "sent": 0}
    return OpenApiResponse(TelegramRefused, examples=[OpenApiExample(text, example)])


TELEGRAM: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_telegram_send",
    summary="Send a message to staff on Telegram",
    description="A message longer than Telegram takes is sent in parts.",
    request=inline_serializer(
        "TelegramMessage",
        {
            "message": s.CharField(min_length=1, max_length=100_000),
            "parse_mode": s.ChoiceField(
                ["HTML", "Markdown", "MarkdownV2"],
                required=False,
                allow_null=True,
                help_text="Default: plain text",
            ),
            "image_base64": s.CharField(
                required=False, allow_null=True, help_text="As in /api/ocr/process"
            ),
        },
    ),
    responses={
        200: OpenApiResponse(
            inline_serializer(
                "TelegramSent",
                {
                    "success": s.BooleanField(),
                    "message_ids": s.ListField(child=s.IntegerField()),
                    "parts": s.IntegerField(),
                    "timestamp": s.DateTimeField(),
                },
            ),
            examples=[
                OpenApiExample(
                    "Sent",
                    {
                        "success": True,
                        "message_ids": [4711],
                        "parts": 1,
                        "timestamp": "2025-12-09T10:00:00Z",
                    },
                    response_only=True,
                )
            ],
        ),
        400: _not_sent("Telegram: Bad Request: can't parse entities"),
        413: TOO_LARGE,
        502: _not_sent("Telegram: POST /sendMessage: no connection (refused or unreachable)"),
        503: _not_sent("Telegram is not configured."),
    },
    examples=[
        OpenApiExample(
            "Request",
            {"message": "<b>BARI</b> 50 29 12 47 73", "parse_mode": "HTML"},
            request_only=True,
        )
    ],
)
