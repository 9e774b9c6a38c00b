"""Shared parts of the OpenAPI document of `/api/ocr/*`."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
)
from rest_framework import serializers as s

TAGS: Final = ["OCR Lotto"]
IMAGE: Final = (
    "JPEG, PNG or WebP in base64, with or without a data URI's head; up to 10 MB and 40 megapixels"
)
# A white PNG of 32 by 32 pixels: what an example of a picture may be.
PICTURE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQAAAABbAUdZAAAAEU"
    "lEQVR42mP8z8DAwMQwaAkAswEBP25AfJYAAAAASUVORK5CYII="
)
ADDED: Final = "(addition to the reference)"


class OcrRefused(s.Serializer[Any]):
    detail = s.CharField()
    success = s.BooleanField()


class OcrWrong(s.Serializer[Any]):
    detail = s.CharField()
    success = s.BooleanField(required=False)


class ImageTooLargeSerializer(s.Serializer[Any]):
    detail = s.CharField()


TOO_LARGE: Final = OpenApiResponse(
    ImageTooLargeSerializer,
    examples=[OpenApiExample("Large", {"detail": "The image is over 10485760 bytes."})],
)


def refused(text: str) -> OpenApiResponse:
    example = {"detail": text, "success": False}
    return OpenApiResponse(OcrRefused, examples=[OpenApiExample(text, example)])


def wrong(text: str) -> OpenApiResponse:
    """400: for the body, or for what an upstream refuses."""
    example = {"detail": text, "success": False}
    return OpenApiResponse(OcrWrong, examples=[OpenApiExample(text, example)])
