"""OpenAPI of saving, importing, exporting and syncing draws."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from core.api.openapi import in_query
from lotto.api.schema.common import (
    ADDED,
    AT,
    CONFLICT,
    EXAMPLE_NUMBERS,
    OVERWRITE,
    TAGS,
    DrawnNumbers,
    DrawnWheels,
    ImportForbiddenSerializer,
    RejectedLineSerializer,
    responses,
)
from lotto.types import Source

_SAVE_FIELDS: Final[dict[str, Any]] = {
    "source": s.ChoiceField(choices=[source.value for source in Source], required=False),
    "overwrite": s.BooleanField(required=False, help_text=f"Replace other numbers {ADDED}"),
}
SAVE: Final = extend_schema(
    tags=TAGS,
    summary="Save one wheel of a date",
    parameters=[OVERWRITE],
    request=inline_serializer(
        "SaveDraw",
        {"data": s.CharField(), "ruota": s.CharField(), "numeri": DrawnNumbers(), **_SAVE_FIELDS},
    ),
    responses=responses(
        "DrawSaved",
        {
            "success": s.BooleanField(),
            "data": s.CharField(),
            "ruota": s.CharField(),
            "numeri": DrawnNumbers(),
            "created": s.BooleanField(help_text=f"False: it was there {ADDED}"),
            "changed": s.BooleanField(help_text=f"True: other numbers were replaced {ADDED}"),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "data": "2025/12/07",
            "ruota": "BA",
            "numeri": EXAMPLE_NUMBERS,
            "created": True,
            "changed": False,
            "timestamp": AT,
        },
    )
    | CONFLICT,
    examples=[
        OpenApiExample(
            "Request",
            {"data": "2025/12/07", "ruota": "BA", "numeri": EXAMPLE_NUMBERS, "source": "manual"},
            request_only=True,
        )
    ],
)
SAVE_FULL: Final = extend_schema(
    tags=TAGS,
    summary="Save all wheels of a date",
    description="All or nothing: a wrong wheel is a 400 that names it, other numbers a 409.",
    parameters=[OVERWRITE],
    request=inline_serializer(
        "SaveFullDraw", {"data": s.CharField(), "wheels": DrawnWheels(), **_SAVE_FIELDS}
    ),
    responses=responses(
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
                child=s.CharField(), help_text=f"created, changed or unchanged, by wheel {ADDED}"
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
            "timestamp": AT,
        },
    )
    | CONFLICT,
    examples=[
        OpenApiExample(
            "Request",
            {"data": "2025/12/07", "wheels": {"BARI": EXAMPLE_NUMBERS}, "source": "ocr"},
            request_only=True,
        )
    ],
)
IMPORT: Final = extend_schema(
    tags=TAGS,
    summary="Import an archive file",
    description="A file of the import folder, or (addition) one uploaded as `file`: the operator's "
    "text, plain, gzip or ZIP. Lines that are wrong are reported and do not stop the others.",
    request={
        "application/json": inline_serializer("ImportFile", {"file_path": s.CharField()}),
        "multipart/form-data": inline_serializer("ImportUpload", {"file": s.FileField()}),
    },
    responses=responses(
        "Imported",
        {
            "success": s.BooleanField(),
            "inserted": s.IntegerField(),
            "skipped": s.IntegerField(help_text="Known already"),
            "rejected": s.IntegerField(help_text=f"Wrong lines {ADDED}"),
            "errors": RejectedLineSerializer(many=True, help_text="The first 1,000 wrong lines"),
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
            "timestamp": AT,
        },
    )
    | {
        403: OpenApiResponse(
            ImportForbiddenSerializer,
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
    tags=TAGS,
    summary="Export the archive as a TSV file",
    description="Into the export folder; with `download=1` (addition) as the response itself.",
    parameters=[
        in_query("filename", str, "Default lotto_export.tsv"),
        in_query("download", bool, f"Stream the file {ADDED}"),
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
                "timestamp": AT,
            },
            media_type="application/json",
        )
    ],
)


class SyncProblemSerializer(s.Serializer[Any]):
    detail = s.CharField()
    success = s.BooleanField()


def _no_sync(text: str) -> OpenApiResponse:
    example = {"detail": text, "success": False}
    return OpenApiResponse(SyncProblemSerializer, examples=[OpenApiExample("No sync", example)])


SYNC: Final = extend_schema(
    tags=TAGS,
    summary="Sync with the operator's archive",
    description="Downloads the operator's ZIP and adds the draws that are missing. Draws that "
    "people or the OCR had stored otherwise are corrected, logged and published; those that agree "
    "become verified.",
    request=None,
    responses=responses(
        "Synced",
        {
            "success": s.BooleanField(),
            "imported": s.IntegerField(),
            "skipped": s.IntegerField(help_text="Known already"),
            "verified": s.IntegerField(help_text=f"Of those, confirmed now {ADDED}"),
            "corrected": s.IntegerField(help_text=f"Stored otherwise until now {ADDED}"),
            "rejected": s.IntegerField(help_text=f"Lines that were not imported {ADDED}"),
            "errors": RejectedLineSerializer(
                many=True, help_text=f"The first 1,000 of those {ADDED}"
            ),
            "message": s.CharField(),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "imported": 55,
            "skipped": 75790,
            "verified": 11,
            "corrected": 0,
            "rejected": 0,
            "errors": [],
            "message": "Sync completed: 55 new records imported",
            "timestamp": AT,
        },
    )
    | {
        409: _no_sync("A sync is running already."),
        502: _no_sync("The operator's archive is unavailable: no connection."),
        503: _no_sync("The sync is switched off: LOTTO_ARCHIVE_URLS is empty."),
    },
)
