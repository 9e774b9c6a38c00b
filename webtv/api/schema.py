"""OpenAPI of `/api/webtv/*`: what the documents and the queries do not say themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from core.api.documents import Document, described
from core.api.openapi import in_query, query_parameters
from webtv.api.queries import AudienceQuery, HistoryQuery
from webtv.serializers import (
    AudienceHistoryDocument,
    AudienceHourlyDocument,
    AudienceStatsDocument,
    StreamNotFoundDocument,
    ViewersDocument,
)

_TAGS: Final = ["Web TV"]
_FORMAT: Final = in_query("format", str, "json or csv", enum=["json", "csv"])
_STREAM: Final = "A stream's name; without it all streams, summed"


def _responses(kind: type[Document]) -> dict[Any, Any]:
    return {
        (200, "application/json"): described(kind),
        (200, "text/csv"): OpenApiTypes.STR,
        404: described(StreamNotFoundDocument),
    }


def _parameters(date: str) -> list[OpenApiParameter]:
    return [*query_parameters(AudienceQuery, stream=_STREAM, date=date), _FORMAT]


VIEWERS: Final = extend_schema(
    tags=_TAGS,
    summary="Get current WebTV CDN viewers count",
    description="The newest sample, with the time of its fetch.",
    parameters=_parameters("That day's last sample instead of the newest"),
    responses=_responses(ViewersDocument),
)
STATS: Final = extend_schema(
    tags=_TAGS,
    summary="Get WebTV statistics (today + yesterday + comparison)",
    parameters=_parameters("Another day as `today`, with the day before it"),
    responses=_responses(AudienceStatsDocument),
)
HOURLY: Final = extend_schema(
    tags=_TAGS,
    summary="Get WebTV 5-minute samples of the last 3 hours: always 36, the current one last",
    parameters=_parameters("The last 3 hours of that day"),
    responses=_responses(AudienceHourlyDocument),
)
HISTORY: Final = extend_schema(
    tags=_TAGS,
    summary="The audience over any stored time (addition to the reference)",
    description="Oldest first; unknown points are left out. `?format=csv` streams it all.",
    parameters=[
        *query_parameters(
            HistoryQuery,
            stream=_STREAM,
            from_="Epoch seconds, ISO 8601 or YYYY-MM-DD; default: a day before `to`",
            to="Likewise, a day included whole; default: now",
            span="A point for each",
        ),
        _FORMAT,
    ],
    responses=_responses(AudienceHistoryDocument),
)
