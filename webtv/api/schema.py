"""OpenAPI of `/api/webtv/*`: the reference's fields, parameters and examples."""

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

from core.api.openapi import in_query

_TAGS: Final = ["Web TV"]
_ADDED: Final = "(addition to the reference)"


_STREAM: Final = in_query("stream", str, "A stream's name; without it all streams, summed")
_FORMAT: Final = in_query("format", str, "json or csv", enum=["json", "csv"])


class StreamNotFoundSerializer(s.Serializer[Any]):
    detail = s.CharField()


def _responses(name: str, fields: dict[str, Any]) -> dict[Any, Any]:
    return {
        (200, "application/json"): inline_serializer(name, fields),
        (200, "text/csv"): OpenApiTypes.STR,
        404: OpenApiResponse(
            StreamNotFoundSerializer,
            examples=[
                OpenApiExample(
                    "Unknown stream",
                    value={"detail": "There is no stream 'x'."},
                    response_only=True,
                    status_codes=["404"],
                )
            ],
        ),
    }


def _example(value: Any) -> list[OpenApiExample]:
    return [OpenApiExample("From the reference", value=value, media_type="application/json")]


def _day(text: str) -> OpenApiParameter:
    return in_query("date", {"type": "string", "format": "date"}, text)


class AudienceDaySerializer(s.Serializer[Any]):
    date = s.DateField()
    min = s.IntegerField()
    max = s.IntegerField()
    avg = s.IntegerField(help_text="Rounded")
    hourly = s.ListField(
        child=s.IntegerField(), min_length=24, max_length=24, help_text="The peak of each hour"
    )
    hourly_known = s.ListField(
        child=s.BooleanField(),
        min_length=24,
        max_length=24,
        help_text=f"False: there was no sample in that hour, its 0 means unknown {_ADDED}",
    )
    known = s.BooleanField(help_text=f"False: there was no sample on that day {_ADDED}")


class AudienceTodaySerializer(AudienceDaySerializer):
    current = s.IntegerField(help_text="The newest sample of the day")
    current_known = s.BooleanField(help_text=f"False: it is older than 30 s {_ADDED}")


class AudienceComparisonSerializer(s.Serializer[Any]):
    min_change_pct = s.FloatField()
    max_change_pct = s.FloatField()
    avg_change_pct = s.FloatField(help_text="0.0 where yesterday's was 0")


class ViewerSampleSerializer(s.Serializer[Any]):
    time = s.CharField(help_text="HH:MM, Europe/Rome: the start of the five minutes")
    viewers = s.IntegerField(help_text="The mean, rounded")
    peak = s.IntegerField(help_text=_ADDED)
    known = s.BooleanField(help_text=f"False: there was no sample, the 0 means unknown {_ADDED}")


class HistoryPointSerializer(s.Serializer[Any]):
    start = s.DateTimeField()
    viewers = s.IntegerField(help_text="The mean, rounded")
    min = s.IntegerField()
    max = s.IntegerField()
    samples = s.IntegerField()


_HOURS: Final = [0] * 18 + [12, 23, 0, 0, 0, 0]
_TODAY: Final = {"date": "2025-11-15", "min": 5, "max": 23, "avg": 10, "hourly": _HOURS}
_KNOWN: Final = {"hourly_known": [value > 0 for value in _HOURS], "known": True}

VIEWERS: Final = extend_schema(
    tags=_TAGS,
    summary="Get current WebTV CDN viewers count",
    description="The newest sample, with the time of its fetch.",
    parameters=[_STREAM, _day("That day's last sample instead of the newest"), _FORMAT],
    responses=_responses(
        "Viewers",
        {
            "viewers": s.IntegerField(),
            "timestamp": s.DateTimeField(),
            "known": s.BooleanField(
                help_text=f"False: the sample is older than 30 s, or there is none {_ADDED}"
            ),
        },
    ),
    examples=_example(
        {"viewers": 23, "timestamp": "2025-11-15T18:57:05.000000+00:00", "known": True}
    ),
)
STATS: Final = extend_schema(
    tags=_TAGS,
    summary="Get WebTV statistics (today + yesterday + comparison)",
    parameters=[_STREAM, _day("Another day as `today`, with the day before it"), _FORMAT],
    responses=_responses(
        "AudienceStats",
        {
            "today": AudienceTodaySerializer(),
            "yesterday": AudienceDaySerializer(),
            "comparison": AudienceComparisonSerializer(),
            "timestamp": s.DateTimeField(),
        },
    ),
    examples=_example(
        {
            "today": {**_TODAY, **_KNOWN, "current": 23, "current_known": True},
            "yesterday": {
                "date": "2025-11-14",
                "min": 0,
                "max": 0,
                "avg": 0,
                "hourly": [0] * 24,
                "hourly_known": [False] * 24,
                "known": False,
            },
            "comparison": {"min_change_pct": 0.0, "max_change_pct": 0.0, "avg_change_pct": 0.0},
            "timestamp": "2025-11-15T18:57:08.000000+00:00",
        }
    ),
)
HOURLY: Final = extend_schema(
    tags=_TAGS,
    summary="Get WebTV 5-minute samples of the last 3 hours: always 36, the current one last",
    parameters=[_STREAM, _day("The last 3 hours of that day"), _FORMAT],
    responses=_responses(
        "AudienceHourly",
        {
            "samples": ViewerSampleSerializer(many=True),
            "count": s.IntegerField(),
            "timestamp": s.DateTimeField(),
        },
    ),
    examples=_example(
        {
            "samples": [{"time": "19:05", "viewers": 142, "peak": 145, "known": True}],
            "count": 36,
            "timestamp": "2025-11-16T22:05:00Z",
        }
    ),
)
HISTORY: Final = extend_schema(
    tags=_TAGS,
    summary="The audience over any stored time (addition to the reference)",
    description="Oldest first; unknown points are left out. `?format=csv` streams it all.",
    parameters=[
        _STREAM,
        in_query("from", str, "Epoch seconds, ISO 8601 or YYYY-MM-DD; default: a day before `to`"),
        in_query("to", str, "Likewise, a day included whole; default: now"),
        in_query("span", str, "A point for each", enum=["sample", "5min", "hour", "day"]),
        in_query("limit", {"type": "integer", "minimum": 1, "maximum": 10_000}, "", default=2_000),
        _FORMAT,
    ],
    responses=_responses(
        "AudienceHistory",
        {
            "span": s.CharField(),
            "count": s.IntegerField(),
            "points": HistoryPointSerializer(many=True),
            "next": s.DateTimeField(
                allow_null=True, help_text="`from` of the next page; null on the last one"
            ),
        },
    ),
    examples=[
        OpenApiExample(
            "An hour",
            value={
                "span": "hour",
                "count": 1,
                "points": [
                    {
                        "start": "2025-11-15T18:00:00Z",
                        "viewers": 10,
                        "min": 5,
                        "max": 23,
                        "samples": 720,
                    }
                ],
                "next": None,
            },
            media_type="application/json",
        )
    ],
)
