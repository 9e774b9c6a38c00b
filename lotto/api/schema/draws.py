"""OpenAPI of the draws of a day, a wheel, a range."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import (
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from core.api.openapi import in_query
from lotto.api.schema.common import (
    ADDED,
    AT,
    DAY_IN_PATH,
    EXAMPLE_NUMBERS,
    MISSING,
    TAGS,
    WHEEL_IN_PATH,
    DrawnNumbers,
    DrawnWheels,
    example,
    responses,
)

STATS: Final = extend_schema(
    tags=TAGS,
    summary="Get counts of the archive",
    responses=responses(
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
    tags=TAGS,
    summary="Get the latest draws by date",
    parameters=[
        in_query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "Dates, default 10")
    ],
    responses=responses(
        "LatestDraws",
        {
            "dates": s.ListField(
                child=inline_serializer(
                    "DrawDate", {"date": s.CharField(), "wheels": DrawnWheels()}
                )
            )
        },
        {"dates": [{"date": "2025/12/07", "wheels": {"BA": EXAMPLE_NUMBERS}}]},
    ),
)
DAY: Final = extend_schema(
    operation_id="lotto_date",
    tags=TAGS,
    summary="Get all wheels of a date",
    parameters=[DAY_IN_PATH],
    responses=responses(
        "DrawOfDay",
        {
            "success": s.BooleanField(),
            "date": s.CharField(),
            "wheels": DrawnWheels(),
            "timestamp": s.DateTimeField(),
        },
        {"success": True, "date": "2025/12/07", "wheels": {"BA": EXAMPLE_NUMBERS}, "timestamp": AT},
    )
    | MISSING,
)
WHEEL: Final = extend_schema(
    operation_id="lotto_date_wheel",
    tags=TAGS,
    summary="Get one wheel of a date",
    parameters=[DAY_IN_PATH, WHEEL_IN_PATH],
    responses=responses(
        "DrawOfWheel",
        {
            "success": s.BooleanField(),
            "data": s.CharField(),
            "ruota": s.CharField(),
            "numeri": DrawnNumbers(),
            "source": s.CharField(),
            "verified": s.BooleanField(help_text=f"The operator says the same {ADDED}"),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "data": "2025/12/07",
            "ruota": "BA",
            "numeri": EXAMPLE_NUMBERS,
            "source": "sync",
            "verified": True,
            "timestamp": AT,
        },
    )
    | MISSING,
)
DELETE_DAY: Final = extend_schema(
    operation_id="lotto_date_delete",
    tags=TAGS,
    summary="Delete all wheels of a date",
    parameters=[DAY_IN_PATH],
    responses=responses(
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
            "timestamp": AT,
        },
    )
    | MISSING,
)
DELETE_WHEEL: Final = extend_schema(
    operation_id="lotto_date_wheel_delete",
    tags=TAGS,
    summary="Delete one wheel of a date",
    parameters=[DAY_IN_PATH, WHEEL_IN_PATH],
    responses=responses(
        "WheelDeleted",
        {"success": s.BooleanField(), "message": s.CharField(), "timestamp": s.DateTimeField()},
        {"success": True, "message": "Deleted 2025/12/07 BA", "timestamp": AT},
    )
    | MISSING,
)
RANGE: Final = extend_schema(
    tags=TAGS,
    summary="Get the draws of a range of dates",
    parameters=[
        in_query(
            "from_date",
            str,
            "First day, YYYY/MM/DD or YYYY-MM-DD",
            required=True,
            examples=example("2025-12-01"),
        ),
        in_query("to_date", str, "Last day", required=True, examples=example("2025-12-07")),
        in_query("ruota", str, "One wheel, by code or name"),
        in_query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "Default 100"),
        in_query("offset", {"type": "integer", "minimum": 0, "maximum": 10_000_000}, "Default 0"),
    ],
    responses=responses(
        "DrawRange",
        {
            "success": s.BooleanField(),
            "count": s.IntegerField(help_text="Of this page"),
            "total": s.IntegerField(help_text=f"Of the whole range {ADDED}"),
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
            "results": [{"data": "2025/12/01", "ruota": "BA", "numeri": EXAMPLE_NUMBERS}],
            "timestamp": AT,
        },
    ),
)
