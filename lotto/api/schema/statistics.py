"""OpenAPI of frequencies, delays, pairs and searches over all years."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from core.api.openapi import in_query
from lotto.api.schema.common import (
    ADDED,
    AT,
    EXAMPLE_NUMBERS,
    TAGS,
    DrawnNumbers,
    example,
    responses,
)

_OF_WHEEL: Final = in_query(
    "ruota", str, "A wheel by code or name, or TUTTE: the ten city wheels without Nazionale"
)
_PART: Final = [
    in_query("from_date", str, "Only from this day on, YYYY/MM/DD or YYYY-MM-DD"),
    in_query("to_date", str, "Only up to this day"),
]


def _whole(name: str, text: str, minimum: int, maximum: int) -> OpenApiParameter:
    return in_query(name, {"type": "integer", "minimum": minimum, "maximum": maximum}, text)


_STANDING: Final[dict[str, Any]] = {
    "frequency": s.IntegerField(help_text="How often it was drawn"),
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


class NumberStandingSerializer(s.Serializer[Any]):
    number = s.IntegerField(min_value=1, max_value=90)
    frequency = _STANDING["frequency"]
    delay = _STANDING["delay"]
    max_delay = _STANDING["max_delay"]
    last_date = _STANDING["last_date"]


NUMBERS: Final = extend_schema(
    tags=TAGS,
    summary="Get frequency and delay of every number",
    description=f"Of each wheel, and of TUTTE {ADDED}.",
    parameters=[_OF_WHEEL, *_PART],
    responses=responses(
        "NumberStatistics",
        {
            "success": s.BooleanField(),
            "wheels": s.DictField(
                child=inline_serializer(
                    "WheelNumbers", {**_EXTENT, "numbers": NumberStandingSerializer(many=True)}
                )
            ),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "wheels": {"BA": {**_EXTENT_EXAMPLE, "numbers": [{"number": 1, **_STANDING_EXAMPLE}]}},
            "timestamp": AT,
        },
    ),
)
DELAYS: Final = extend_schema(
    tags=TAGS,
    summary="Get the most delayed numbers of every wheel",
    description=f"The table of the ritardatari {ADDED}.",
    parameters=[_OF_WHEEL, *_PART, _whole("limit", "Numbers per wheel, default 10", 1, 90)],
    responses=responses(
        "DelayedNumbers",
        {
            "success": s.BooleanField(),
            "wheels": s.DictField(child=NumberStandingSerializer(many=True)),
            "timestamp": s.DateTimeField(),
        },
        {
            "success": True,
            "wheels": {"BA": [{"number": 63, **_STANDING_EXAMPLE}]},
            "timestamp": AT,
        },
    ),
)
PAIRS: Final = extend_schema(
    tags=TAGS,
    summary="Get frequency and delay of pairs",
    description=f"Of the 4,005 pairs (ambi) on one wheel, or on TUTTE (default) {ADDED}.",
    parameters=[
        _OF_WHEEL,
        *_PART,
        in_query(
            "sort",
            str,
            "Greatest first, by; default delay",
            enum=["delay", "frequency", "max_delay"],
        ),
        _whole("numero", "Only pairs with this number", 1, 90),
        _whole("limit", "Default 50", 1, 4005),
        _whole("offset", "Default 0", 0, 4005),
    ],
    responses=responses(
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
            "timestamp": AT,
        },
    ),
)
SEARCH: Final = extend_schema(
    tags=TAGS,
    summary="Search a combination in all draws",
    description="The draws in which the numbers came out together on one wheel, newest first "
    f"{ADDED}. A date is searched wheel by wheel.",
    parameters=[
        in_query(
            "numeri",
            str,
            "One to ten numbers: 5,12,90",
            required=True,
            examples=example("5,12"),
        ),
        in_query("ruota", str, "A wheel by code or name; default TUTTE: the ten city wheels"),
        in_query(
            "sorte",
            str,
            "The minimum outcome; default: all the numbers, up to five",
            enum=["estratto", "ambo", "terno", "quaterna", "cinquina"],
        ),
        *_PART,
        _whole("limit", "Default 100", 1, 1000),
        _whole("offset", "Default 0", 0, 10_000_000),
    ],
    responses=responses(
        "CombinationSearch",
        {
            "success": s.BooleanField(),
            "numeri": s.ListField(child=s.IntegerField()),
            "ruota": s.CharField(),
            "sorte": s.CharField(),
            "draws": s.IntegerField(help_text="Days with a draw that were searched"),
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
                    "numeri": EXAMPLE_NUMBERS,
                    "hits": 2,
                    "outcome": "ambo",
                }
            ],
            "timestamp": AT,
        },
    ),
)
