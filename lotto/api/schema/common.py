"""OpenAPI of all of `/api/lotto/*`: parameters, serializers and responses."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    inline_serializer,
)
from rest_framework import serializers as s

from core.api.openapi import in_query
from lotto.types import WHEELS

TAGS: Final = ["Lotto"]
ADDED: Final = "(addition to the reference)"
EXAMPLE_NUMBERS: Final = [12, 45, 67, 23, 89]
AT: Final = "2025-12-09T10:00:00Z"


def example(value: Any) -> list[OpenApiExample]:
    return [OpenApiExample("Example", value)]


DAY_IN_PATH: Final = OpenApiParameter(
    "data",
    str,
    OpenApiParameter.PATH,
    description="2025/12/07 or 2025-12-07",
    examples=example("2025/12/07"),
)
WHEEL_IN_PATH: Final = OpenApiParameter(
    "ruota",
    str,
    OpenApiParameter.PATH,
    description=f"{', '.join(WHEELS)}, or a name (BARI)",
    examples=example("BA"),
)


class DrawnNumbers(s.ListField):
    child = s.IntegerField(min_value=1, max_value=90)

    def __init__(self, **more: Any) -> None:
        super().__init__(min_length=5, max_length=5, **more)


class DrawnWheels(s.DictField):
    child = DrawnNumbers()


class NoSuchDrawSerializer(s.Serializer[Any]):
    detail = s.CharField()


class DrawConflictSerializer(s.Serializer[Any]):
    detail = s.CharField()
    success = s.BooleanField()
    stored = DrawnWheels(help_text="The numbers that are stored, by wheel")


class ImportForbiddenSerializer(s.Serializer[Any]):
    detail = s.CharField()


class RejectedLineSerializer(s.Serializer[Any]):
    line = s.IntegerField()
    reason = s.CharField()


def responses(name: str, fields: dict[str, Any], example: Any, **more: Any) -> dict[Any, Any]:
    return {
        200: OpenApiResponse(
            inline_serializer(name, fields),
            examples=[OpenApiExample("From the reference", example, response_only=True)],
            **more,
        )
    }


MISSING: Final[dict[Any, Any]] = {
    404: OpenApiResponse(
        NoSuchDrawSerializer,
        examples=[OpenApiExample("None", {"detail": "There is no draw of 2025/12/08."})],
    )
}
CONFLICT: Final[dict[Any, Any]] = {
    409: OpenApiResponse(
        DrawConflictSerializer,
        examples=[
            OpenApiExample(
                "Other numbers",
                {
                    "detail": "2025/12/07 is stored with other numbers: BA [12, 45, 67, 23, 89].",
                    "success": False,
                    "stored": {"BA": EXAMPLE_NUMBERS},
                },
            )
        ],
    )
}
OVERWRITE: Final = in_query("overwrite", bool, f"Replace other numbers; also in the body {ADDED}")
