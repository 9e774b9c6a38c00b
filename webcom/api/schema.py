"""OpenAPI of `/api/webcom/*`: what the documents and the queries do not say themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from core.api.documents import described, example_of
from core.api.openapi import in_query, query_parameters
from webcom.api.queries import CallQuery, DaysQuery, MonthQuery
from webcom.serializers import (
    CallDocument,
    CallNotFoundDocument,
    CallsDocument,
    DailyDocument,
    DeliveredDocument,
    FiveMinutesDocument,
    HourlyDocument,
    LinesDocument,
    RebatesDocument,
    TodayDocument,
)

_TAGS: Final = ["WebCom"]

LINES: Final = extend_schema(
    tags=_TAGS,
    summary="Get all WebCom line IDs and details",
    responses=described(LinesDocument),
)
CALLS: Final = extend_schema(
    operation_id="webcom_calls",
    tags=_TAGS,
    summary="Get active WebCom calls, or search all calls",
    description=(
        "Without a filter: the calls in progress, newest first. With any of `active`, `state`, "
        "`line`, `caller`, `from`, `to` or `cursor`: all stored calls that match, newest first, "
        "with `next`, the cursor of the following page (null on the last one). "
        "`?format=csv` or `Accept: text/csv` streams all that match."
    ),
    parameters=[
        *query_parameters(
            CallQuery,
            limit="Max number of calls to return, 1 to 10,000",
            active="true: only calls in progress",
            state="Exactly this state, e.g. Ok",
            line="A line's id or number",
            caller="This caller, in any notation",
            from_="Started at or after: epoch seconds, ISO 8601 or YYYY-MM-DD (Europe/Rome)",
            to="Started before; a day is included whole",
            cursor="`next` of the page before",
        ),
        in_query("format", str, "json or csv", enum=["json", "csv"]),
    ],
    responses={
        (200, "application/json"): described(CallsDocument),
        (200, "text/csv"): OpenApiTypes.STR,
    },
)
CALL: Final = extend_schema(
    operation_id="webcom_call",
    tags=_TAGS,
    summary="Get specific WebCom call by ID",
    parameters=[
        OpenApiParameter(
            "call_id",
            str,
            OpenApiParameter.PATH,
            examples=[OpenApiExample("Example", example_of(CallDocument)["id"])],
        )
    ],
    responses={200: described(CallDocument), 404: described(CallNotFoundDocument)},
)
REBATES: Final = extend_schema(
    tags=_TAGS,
    summary="Get WebCom rebates for a specific month",
    parameters=query_parameters(MonthQuery, month="YYYY-MM (default: the current month)"),
    responses=described(RebatesDocument),
)
TODAY: Final = extend_schema(
    tags=_TAGS,
    summary="Get call statistics for today",
    responses=described(TodayDocument),
)
DAILY: Final = extend_schema(
    tags=_TAGS,
    summary="Get daily call statistics, today first",
    parameters=query_parameters(DaysQuery, days="Number of days, 1 to 30"),
    responses=described(DailyDocument),
)
HOURLY: Final = extend_schema(
    tags=_TAGS,
    summary="Get hourly call statistics: always 24 hours of the Europe/Rome clock",
    parameters=[
        in_query("date", {"type": "string", "format": "date"}, "YYYY-MM-DD (default: today)")
    ],
    responses=described(HourlyDocument),
)
FIVE_MINUTES: Final = extend_schema(
    tags=_TAGS,
    summary="Get 5-minute call samples for the last 3 hours: always 36, the current one last",
    responses=described(FiveMinutesDocument),
)
EVENTS: Final = extend_schema(
    tags=_TAGS,
    summary="The carrier's webhook (Standard Webhooks signature instead of an API key)",
    request=inline_serializer(
        "Deliveries", {"events": s.ListField(child=s.DictField(), min_length=1, max_length=1000)}
    ),
    responses=described(DeliveredDocument),
)


class SignedByCarrierScheme(OpenApiAuthenticationExtension):
    target_class = "webcom.api.webhook.SignedByCarrier"
    name = "CarrierSignature"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "webhook-signature",
            "description": "Standard Webhooks, with webhook-id and webhook-timestamp.",
        }
