"""What OpenAPI says of `/api/lotto/*`: the reference's fields, parameters and examples."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from lotto.types import WHEELS, Source

_TAGS: Final = ["Lotto"]
_ADDED: Final = "(addition to the reference)"
_NUMBERS: Final = [12, 45, 67, 23, 89]
_AT: Final = "2025-12-09T10:00:00Z"


def _query(name: str, kind: Any, text: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, **more)


_DAY: Final = OpenApiParameter(
    "data", str, OpenApiParameter.PATH, description="2025/12/07 or 2025-12-07"
)
_WHEEL: Final = OpenApiParameter(
    "ruota", str, OpenApiParameter.PATH, description=f"{', '.join(WHEELS)}, or a name (BARI)"
)


class DrawnNumbers(s.ListField):
    child = s.IntegerField(min_value=1, max_value=90)

    def __init__(self, **more: Any) -> None:
        super().__init__(min_length=5, max_length=5, **more)


class DrawnWheels(s.DictField):
    child = DrawnNumbers()


class NoSuchDraw(s.Serializer[Any]):
    detail = s.CharField()


class DrawConflict(s.Serializer[Any]):
    detail = s.CharField()
    success = s.BooleanField()
    stored = DrawnWheels(help_text="The numbers that are stored, by wheel")


class ImportForbidden(s.Serializer[Any]):
    detail = s.CharField()


class RejectedLine(s.Serializer[Any]):
    line = s.IntegerField()
    reason = s.CharField()


def _told(name: str, fields: dict[str, Any], example: Any, **more: Any) -> dict[Any, Any]:
    return {
        200: OpenApiResponse(
            inline_serializer(name, fields),
            examples=[OpenApiExample("From the reference", example, response_only=True)],
            **more,
        )
    }


_MISSING: Final[dict[Any, Any]] = {
    404: OpenApiResponse(
        NoSuchDraw,
        examples=[OpenApiExample("None", {"detail": "There is no draw of 2025/12/08."})],
    )
}
_CONFLICT: Final[dict[Any, Any]] = {
    409: OpenApiResponse(
        DrawConflict,
        examples=[
            OpenApiExample(
                "Other numbers",
                {
                    "detail": "2025/12/07 is stored with other numbers: BA [12, 45, 67, 23, 89].",
                    "success": False,
                    "stored": {"BA": _NUMBERS},
                },
            )
        ],
    )
}
_OVERWRITE: Final = _query("overwrite", bool, f"Replace other numbers; also in the body {_ADDED}")

STATS: Final = extend_schema(
    tags=_TAGS,
    summary="Get counts of the archive",
    responses=_told(
        "LottoStats",
        {
            "total_records": s.IntegerField(),
            "unique_dates": s.IntegerField(),
            "first_date": s.CharField(allow_null=True, help_text="Null: the archive is empty"),
            "last_date": s.CharField(allow_null=True),
            "by_wheel": s.DictField(child=s.IntegerField()),
        },
        {
            "total_records": 75845,
            "unique_dates": 6895,
            "first_date": "2001/01/02",
            "last_date": "2025/12/07",
            "by_wheel": {"BA": 6895, "CA": 6895},
        },
    ),
)
LATEST: Final = extend_schema(
    tags=_TAGS,
    summary="Get the latest draws by date",
    parameters=[
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "Dates, default 10")
    ],
    responses=_told(
        "LatestDraws",
        {
            "dates": s.ListField(
                child=inline_serializer(
                    "DrawDate", {"date": s.CharField(), "wheels": DrawnWheels()}
                )
            )
        },
        {"dates": [{"date": "2025/12/07", "wheels": {"BA": _NUMBERS}}]},
    ),
)
DAY: Final = extend_schema(
    operation_id="lotto_date",
    tags=_TAGS,
    summary="Get all wheels of a date",
    parameters=[_DAY],
    responses=_told(
        "DrawOfDay",
        {
            "success": s.BooleanField(),
            "date": s.CharField(),
            "wheels": DrawnWheels(),
            "timestamp": s.DateTimeField(),
        },
        {"success": True, "date": "2025/12/07", "wheels": {"BA": _NUMBERS}, "timestamp": _AT},
    )
    | _MISSING,
)
WHEEL: Final = extend_schema(
    operation_id="lotto_date_wheel",
    tags=_TAGS,
    summary="Get one wheel of a date",
    parameters=[_DAY, _WHEEL],
    responses=_told(
        "DrawOfWheel",
        {
            "success": s.BooleanField(),
            "data": s.CharField(),
            "ruota": s.CharField(),
            "numeri": DrawnNumbers(),
            "source": s.CharField(),
            "verified": s.BooleanField(help_text=f"The operator says the same {_ADDED}"),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "data": "2025/12/07",
            "ruota": "BA",
            "numeri": _NUMBERS,
            "source": "sync",
            "verified": True,
            "timestamp": _AT,
        },
    )
    | _MISSING,
)
DELETE_DAY: Final = extend_schema(
    operation_id="lotto_date_delete",
    tags=_TAGS,
    summary="Delete all wheels of a date",
    parameters=[_DAY],
    responses=_told(
        "DayDeleted",
        {
            "success": s.BooleanField(),
            "deleted": s.IntegerField(),
            "message": s.CharField(),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "deleted": 11,
            "message": "Deleted 11 extractions for 2025/12/07",
            "timestamp": _AT,
        },
    )
    | _MISSING,
)
DELETE_WHEEL: Final = extend_schema(
    operation_id="lotto_date_wheel_delete",
    tags=_TAGS,
    summary="Delete one wheel of a date",
    parameters=[_DAY, _WHEEL],
    responses=_told(
        "WheelDeleted",
        {"success": s.BooleanField(), "message": s.CharField(), "timestamp": s.DateTimeField()},
        {"success": True, "message": "Deleted 2025/12/07 BA", "timestamp": _AT},
    )
    | _MISSING,
)
RANGE: Final = extend_schema(
    tags=_TAGS,
    summary="Get the draws of a range of dates",
    parameters=[
        _query("from_date", str, "First day, YYYY/MM/DD or YYYY-MM-DD", required=True),
        _query("to_date", str, "Last day", required=True),
        _query("ruota", str, "One wheel, by code or name"),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "Default 100"),
        _query("offset", {"type": "integer", "minimum": 0, "maximum": 10_000_000}, "Default 0"),
    ],
    responses=_told(
        "DrawRange",
        {
            "success": s.BooleanField(),
            "count": s.IntegerField(help_text="Of this page"),
            "total": s.IntegerField(help_text=f"Of the whole range {_ADDED}"),
            "results": s.ListField(
                child=inline_serializer(
                    "RangeDraw",
                    {"data": s.CharField(), "ruota": s.CharField(), "numeri": DrawnNumbers()},
                )
            ),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "count": 1,
            "total": 1,
            "results": [{"data": "2025/12/01", "ruota": "BA", "numeri": _NUMBERS}],
            "timestamp": _AT,
        },
    ),
)
_WISH: Final[dict[str, Any]] = {
    "source": s.ChoiceField(choices=[source.value for source in Source], required=False),
    "overwrite": s.BooleanField(required=False, help_text=f"Replace other numbers {_ADDED}"),
}
SAVE: Final = extend_schema(
    tags=_TAGS,
    summary="Save one wheel of a date",
    parameters=[_OVERWRITE],
    request=inline_serializer(
        "SaveDraw",
        {"data": s.CharField(), "ruota": s.CharField(), "numeri": DrawnNumbers(), **_WISH},
    ),
    responses=_told(
        "DrawSaved",
        {
            "success": s.BooleanField(),
            "data": s.CharField(),
            "ruota": s.CharField(),
            "numeri": DrawnNumbers(),
            "created": s.BooleanField(help_text=f"False: it was there {_ADDED}"),
            "changed": s.BooleanField(help_text=f"True: other numbers were replaced {_ADDED}"),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "data": "2025/12/07",
            "ruota": "BA",
            "numeri": _NUMBERS,
            "created": True,
            "changed": False,
            "timestamp": _AT,
        },
    )
    | _CONFLICT,
    examples=[
        OpenApiExample(
            "Request",
            {"data": "2025/12/07", "ruota": "BA", "numeri": _NUMBERS, "source": "manual"},
            request_only=True,
        )
    ],
)
SAVE_FULL: Final = extend_schema(
    tags=_TAGS,
    summary="Save all wheels of a date",
    description="All or nothing: a wrong wheel is a 400 that names it, other numbers a 409.",
    parameters=[_OVERWRITE],
    request=inline_serializer(
        "SaveFullDraw", {"data": s.CharField(), "wheels": DrawnWheels(), **_WISH}
    ),
    responses=_told(
        "FullDrawSaved",
        {
            "success": s.BooleanField(),
            "data": s.CharField(),
            "saved": s.IntegerField(help_text="Wheels that are stored now"),
            "total": s.IntegerField(),
            "errors": s.DictField(
                child=s.CharField(), allow_null=True, help_text="Always null: errors are a 400"
            ),
            "results": s.DictField(
                child=s.CharField(), help_text=f"created, changed or unchanged, by wheel {_ADDED}"
            ),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "data": "2025/12/07",
            "saved": 11,
            "total": 11,
            "errors": None,
            "results": {"BA": "created"},
            "timestamp": _AT,
        },
    )
    | _CONFLICT,
    examples=[
        OpenApiExample(
            "Request",
            {"data": "2025/12/07", "wheels": {"BARI": _NUMBERS}, "source": "ocr"},
            request_only=True,
        )
    ],
)
IMPORT: Final = extend_schema(
    tags=_TAGS,
    summary="Import an archive file",
    description="A file of the import folder, or (addition) one uploaded as `file`: the operator's "
    "text, plain, gzip or ZIP. Lines that are wrong are reported and do not stop the others.",
    request={
        "application/json": inline_serializer("ImportFile", {"file_path": s.CharField()}),
        "multipart/form-data": inline_serializer("ImportUpload", {"file": s.FileField()}),
    },
    responses=_told(
        "Imported",
        {
            "success": s.BooleanField(),
            "inserted": s.IntegerField(),
            "skipped": s.IntegerField(help_text="Known already"),
            "rejected": s.IntegerField(help_text=f"Wrong lines {_ADDED}"),
            "errors": RejectedLine(many=True, help_text="The first 1,000 wrong lines"),
            "duration_seconds": s.FloatField(),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "inserted": 1234,
            "skipped": 500,
            "rejected": 0,
            "errors": [],
            "duration_seconds": 2.5,
            "timestamp": _AT,
        },
    )
    | {
        403: OpenApiResponse(
            ImportForbidden,
            examples=[
                OpenApiExample(
                    "Outside", {"detail": "Only files of the import folder can be imported."}
                )
            ],
        )
    },
    examples=[OpenApiExample("Request", {"file_path": "storico.tsv"}, request_only=True)],
)
EXPORT: Final = extend_schema(
    tags=_TAGS,
    summary="Export the archive as a TSV file",
    description="Into the export folder; with `download=1` (addition) as the answer itself.",
    parameters=[
        _query("filename", str, "Default lotto_export.tsv"),
        _query("download", bool, f"Stream the file {_ADDED}"),
    ],
    responses={
        (200, "application/json"): inline_serializer(
            "Exported",
            {
                "success": s.BooleanField(),
                "exported": s.IntegerField(),
                "file_path": s.CharField(),
                "timestamp": s.DateTimeField(),
            },
        ),
        (200, "text/tab-separated-values"): OpenApiTypes.STR,
    },
    examples=[
        OpenApiExample(
            "From the reference",
            {
                "success": True,
                "exported": 75845,
                "file_path": "/tmp/lotto_exports/lotto_export.tsv",
                "timestamp": _AT,
            },
            media_type="application/json",
        )
    ],
)
