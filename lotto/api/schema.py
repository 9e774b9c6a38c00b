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


def _example(value: Any) -> list[OpenApiExample]:
    return [OpenApiExample("Example", value)]


_DAY: Final = OpenApiParameter(
    "data",
    str,
    OpenApiParameter.PATH,
    description="2025/12/07 or 2025-12-07",
    examples=_example("2025/12/07"),
)
_WHEEL: Final = OpenApiParameter(
    "ruota",
    str,
    OpenApiParameter.PATH,
    description=f"{', '.join(WHEELS)}, or a name (BARI)",
    examples=_example("BA"),
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
        _query(
            "from_date",
            str,
            "First day, YYYY/MM/DD or YYYY-MM-DD",
            required=True,
            examples=_example("2025-12-01"),
        ),
        _query("to_date", str, "Last day", required=True, examples=_example("2025-12-07")),
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


class SyncProblem(s.Serializer[Any]):
    detail = s.CharField()
    success = s.BooleanField()


def _no_sync(text: str) -> OpenApiResponse:
    example = {"detail": text, "success": False}
    return OpenApiResponse(SyncProblem, examples=[OpenApiExample("No sync", example)])


SYNC: Final = extend_schema(
    tags=_TAGS,
    summary="Sync with the operator's archive",
    description="Downloads the operator's ZIP and adds the draws that are missing. Draws that "
    "people or the OCR had stored otherwise are corrected, logged and announced; those that agree "
    "become verified.",
    request=None,
    responses=_told(
        "Synced",
        {
            "success": s.BooleanField(),
            "imported": s.IntegerField(),
            "skipped": s.IntegerField(help_text="Known already"),
            "verified": s.IntegerField(help_text=f"Of those, confirmed now {_ADDED}"),
            "corrected": s.IntegerField(help_text=f"Stored otherwise until now {_ADDED}"),
            "rejected": s.IntegerField(help_text=f"Lines that were not taken {_ADDED}"),
            "errors": RejectedLine(many=True, help_text=f"The first 1,000 of those {_ADDED}"),
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
            "timestamp": _AT,
        },
    )
    | {
        409: _no_sync("A sync is running already."),
        502: _no_sync("The operator's archive cannot be had: no connection."),
        503: _no_sync("The sync is switched off: LOTTO_ARCHIVE_URLS is empty."),
    },
)

_OF_WHEEL: Final = _query(
    "ruota", str, "A wheel by code or name, or TUTTE: the ten city wheels without Nazionale"
)
_PART: Final = [
    _query("from_date", str, "Only from this day on, YYYY/MM/DD or YYYY-MM-DD"),
    _query("to_date", str, "Only up to this day"),
]


def _whole(name: str, text: str, least: int, most: int) -> OpenApiParameter:
    return _query(name, {"type": "integer", "minimum": least, "maximum": most}, text)


_STANDING: Final[dict[str, Any]] = {
    "frequency": s.IntegerField(help_text="How often it came out"),
    "delay": s.IntegerField(help_text="Ritardo: draws since then; 0: in the last draw"),
    "max_delay": s.IntegerField(help_text="The most draws without it, the running delay included"),
    "last_date": s.CharField(allow_null=True, help_text="Null: never"),
}
_STANDING_EXAMPLE: Final = {
    "frequency": 421,
    "delay": 57,
    "max_delay": 146,
    "last_date": "2025/08/02",
}
_EXTENT: Final[dict[str, Any]] = {
    "draws": s.IntegerField(help_text="That were counted; with TUTTE the days with a draw"),
    "first_date": s.CharField(allow_null=True),
    "last_date": s.CharField(allow_null=True),
}
_EXTENT_EXAMPLE: Final = {"draws": 7236, "first_date": "1939/01/07", "last_date": "2025/12/07"}


class NumberStanding(s.Serializer[Any]):
    number = s.IntegerField(min_value=1, max_value=90)
    frequency = _STANDING["frequency"]
    delay = _STANDING["delay"]
    max_delay = _STANDING["max_delay"]
    last_date = _STANDING["last_date"]


NUMBERS: Final = extend_schema(
    tags=_TAGS,
    summary="Get frequency and delay of every number",
    description=f"Of each wheel, and of TUTTE {_ADDED}.",
    parameters=[_OF_WHEEL, *_PART],
    responses=_told(
        "NumberStatistics",
        {
            "success": s.BooleanField(),
            "wheels": s.DictField(
                child=inline_serializer(
                    "WheelNumbers", {**_EXTENT, "numbers": NumberStanding(many=True)}
                )
            ),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "wheels": {"BA": {**_EXTENT_EXAMPLE, "numbers": [{"number": 1, **_STANDING_EXAMPLE}]}},
            "timestamp": _AT,
        },
    ),
)
DELAYS: Final = extend_schema(
    tags=_TAGS,
    summary="Get the most delayed numbers of every wheel",
    description=f"The table of the ritardatari {_ADDED}.",
    parameters=[_OF_WHEEL, *_PART, _whole("limit", "Numbers per wheel, default 10", 1, 90)],
    responses=_told(
        "DelayedNumbers",
        {
            "success": s.BooleanField(),
            "wheels": s.DictField(child=NumberStanding(many=True)),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "wheels": {"BA": [{"number": 63, **_STANDING_EXAMPLE}]},
            "timestamp": _AT,
        },
    ),
)
PAIRS: Final = extend_schema(
    tags=_TAGS,
    summary="Get frequency and delay of pairs",
    description=f"Of the 4,005 pairs (ambi) on one wheel, or on TUTTE (default) {_ADDED}.",
    parameters=[
        _OF_WHEEL,
        *_PART,
        _query(
            "sort",
            str,
            "Greatest first, by; default delay",
            enum=["delay", "frequency", "max_delay"],
        ),
        _whole("numero", "Only pairs with this number", 1, 90),
        _whole("limit", "Default 50", 1, 4005),
        _whole("offset", "Default 0", 0, 4005),
    ],
    responses=_told(
        "PairStatistics",
        {
            "success": s.BooleanField(),
            "ruota": s.CharField(),
            **_EXTENT,
            "count": s.IntegerField(help_text="Of this page"),
            "total": s.IntegerField(),
            "pairs": s.ListField(
                child=inline_serializer(
                    "PairStanding",
                    {"numbers": s.ListField(child=s.IntegerField()), **_STANDING},
                )
            ),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "ruota": "BA",
            **_EXTENT_EXAMPLE,
            "count": 1,
            "total": 4005,
            "pairs": [{"numbers": [5, 12], **_STANDING_EXAMPLE}],
            "timestamp": _AT,
        },
    ),
)
SEARCH: Final = extend_schema(
    tags=_TAGS,
    summary="Search a combination in all draws",
    description="The draws in which the numbers came out together on one wheel, newest first "
    f"{_ADDED}. A date is searched wheel by wheel.",
    parameters=[
        _query(
            "numeri",
            str,
            "One to ten numbers: 5,12,90",
            required=True,
            examples=_example("5,12"),
        ),
        _query("ruota", str, "A wheel by code or name; default TUTTE: the ten city wheels"),
        _query(
            "sorte",
            str,
            "The least that must have come; default: all the numbers, up to five",
            enum=["estratto", "ambo", "terno", "quaterna", "cinquina"],
        ),
        *_PART,
        _whole("limit", "Default 100", 1, 1000),
        _whole("offset", "Default 0", 0, 10_000_000),
    ],
    responses=_told(
        "CombinationSearch",
        {
            "success": s.BooleanField(),
            "numeri": s.ListField(child=s.IntegerField()),
            "ruota": s.CharField(),
            "sorte": s.CharField(),
            "draws": s.IntegerField(help_text="Days with a draw that were looked through"),
            "delay": s.IntegerField(help_text="Of those, since the newest result"),
            "outcomes": s.DictField(child=s.IntegerField(), help_text="Results by outcome"),
            "count": s.IntegerField(help_text="Of this page"),
            "total": s.IntegerField(),
            "results": s.ListField(
                child=inline_serializer(
                    "CombinationFound",
                    {
                        "data": s.CharField(),
                        "ruota": s.CharField(),
                        "numeri": DrawnNumbers(),
                        "hits": s.IntegerField(),
                        "outcome": s.CharField(),
                    },
                )
            ),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "numeri": [12, 45],
            "ruota": "TUTTE",
            "sorte": "ambo",
            "draws": 7236,
            "delay": 3,
            "outcomes": {"ambo": 187},
            "count": 1,
            "total": 187,
            "results": [
                {
                    "data": "2025/12/07",
                    "ruota": "BA",
                    "numeri": _NUMBERS,
                    "hits": 2,
                    "outcome": "ambo",
                }
            ],
            "timestamp": _AT,
        },
    ),
)
