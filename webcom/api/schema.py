"""OpenAPI of `/api/webcom/*`: the reference's fields, parameters and examples."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
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

_TAGS: Final = ["WebCom"]


def _example(value: Any) -> OpenApiExample:
    return OpenApiExample("From the reference", value=value, response_only=True)


class CallSerializer(s.Serializer[Any]):
    id = s.CharField()
    lineID = s.CharField()
    state = s.CharField(
        help_text="Ringing, Pending, Ok, Busy, ...; one that the carrier adds is shown unchanged"
    )
    direction = s.CharField()
    caller = s.CharField(help_text="Empty: withheld")
    called = s.CharField()
    callerOperator = s.CharField()
    cost = s.FloatField(help_text="Euro; 0 until the carrier reports it")
    duration = s.IntegerField(help_text="Seconds; 0 until the carrier reports it")
    lineNumber = s.CharField()
    timestamp = s.IntegerField(help_text="Start, epoch seconds")
    lineType = s.CharField(
        help_text="Vas, Green, ...; empty: not known (addition to the reference)"
    )
    endedAt = s.IntegerField(
        allow_null=True, help_text="End, epoch seconds (addition to the reference)"
    )
    revision = s.IntegerField(
        help_text="Grows with every change of the call (addition to the reference)"
    )


class LineSerializer(s.Serializer[Any]):
    lineId = s.CharField()
    number = s.CharField()
    lineType = s.CharField()
    group = s.CharField()
    relations = s.ListField(child=s.CharField())
    name = s.CharField(allow_null=True)


class RebateRowSerializer(s.Serializer[Any]):
    type = s.CharField()
    operator = s.CharField()
    cost = s.FloatField()
    counter = s.IntegerField()


class DaySerializer(s.Serializer[Any]):
    date = s.DateField()
    calls = s.IntegerField()
    cost = s.FloatField()


class HourSerializer(s.Serializer[Any]):
    hour = s.IntegerField(min_value=0, max_value=23)
    calls = s.IntegerField()
    cost = s.FloatField()


class SampleSerializer(s.Serializer[Any]):
    time = s.CharField(help_text="HH:MM, Europe/Rome")
    calls = s.IntegerField()


class LineTypeFiguresSerializer(s.Serializer[Any]):
    calls = s.IntegerField()
    cost = s.FloatField()


_CALL: Final = {
    "id": "691880b00a5a19c9db354ac8",
    "lineID": "Sickprod90TLW",
    "state": "Pending",
    "direction": "Entering",
    "caller": "331234567",
    "called": "899748963",
    "callerOperator": "TIM",
    "cost": 0.15,
    "duration": 0,
    "lineNumber": "899748963",
    "timestamp": 1731671400,
    "lineType": "Vas",
    "endedAt": None,
    "revision": 2,
}

LINES: Final = extend_schema(
    tags=_TAGS,
    summary="Get all WebCom line IDs and details",
    responses=inline_serializer(
        "Lines", {"count": s.IntegerField(), "lines": LineSerializer(many=True)}
    ),
    examples=[
        _example(
            {
                "count": 1,
                "lines": [
                    {
                        "lineId": "Sickprod28GN",
                        "number": "800026028",
                        "lineType": "Green",
                        "group": "Green",
                        "relations": ["Read", "Write", "Owner"],
                        "name": None,
                    }
                ],
            }
        )
    ],
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
        in_query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": 10_000},
            "Max number of calls to return, 1 to 10,000",
            default=50,
        ),
        in_query("active", bool, "true: only calls in progress"),
        in_query("state", str, "Exactly this state, e.g. Ok"),
        in_query("line", str, "A line's id or number"),
        in_query("caller", str, "Exactly this caller"),
        in_query(
            "from", str, "Started at or after: epoch seconds, ISO 8601 or YYYY-MM-DD (Europe/Rome)"
        ),
        in_query("to", str, "Started before; a day is included whole"),
        in_query("cursor", str, "`next` of the page before"),
        in_query("format", str, "json or csv", enum=["json", "csv"]),
    ],
    responses={
        (200, "application/json"): inline_serializer(
            "Calls",
            {
                "count": s.IntegerField(),
                "calls": CallSerializer(many=True),
                "next": s.CharField(required=False, allow_null=True),
            },
        ),
        (200, "text/csv"): OpenApiTypes.STR,
    },
    examples=[
        OpenApiExample(
            "From the reference", {"count": 1, "calls": [_CALL]}, media_type="application/json"
        )
    ],
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
            examples=[OpenApiExample("Example", _CALL["id"])],
        )
    ],
    responses={
        200: CallSerializer,
        404: OpenApiResponse(
            inline_serializer("CallNotFound", {"error": s.CharField(), "detail": s.CharField()}),
            examples=[_example({"error": "Call not found", "detail": "Call not found"})],
        ),
    },
    examples=[
        OpenApiExample("From the reference", _CALL, status_codes=["200"], response_only=True)
    ],
)
REBATES: Final = extend_schema(
    tags=_TAGS,
    summary="Get WebCom rebates for a specific month",
    parameters=[
        in_query(
            "month",
            {"type": "string", "pattern": r"^20\d\d-(0[1-9]|1[0-2])$"},
            "YYYY-MM (default: the current month)",
        )
    ],
    responses=inline_serializer(
        "Rebates",
        {
            "month": s.CharField(),
            "count": s.IntegerField(),
            "updated_at": s.CharField(
                allow_null=True, help_text="Epoch seconds, as a string; null: none known"
            ),
            "rebates": RebateRowSerializer(many=True),
        },
    ),
    examples=[
        _example(
            {
                "month": "2025-11",
                "count": 2,
                "updated_at": "1731671400",
                "rebates": [
                    {"type": "Vas", "operator": "TIMG", "cost": 2092.68, "counter": 923},
                    {"type": "Green", "operator": "WIND", "cost": -0.07, "counter": 8},
                ],
            }
        )
    ],
)
TODAY: Final = extend_schema(
    tags=_TAGS,
    summary="Get call statistics for today",
    responses=inline_serializer(
        "Today",
        {
            "date": s.DateField(),
            "total_calls": s.IntegerField(),
            "total_duration_seconds": s.IntegerField(),
            "total_cost": s.FloatField(),
            "by_line_type": s.DictField(child=LineTypeFiguresSerializer()),
        },
    ),
    examples=[
        _example(
            {
                "date": "2025-12-09",
                "total_calls": 245,
                "total_duration_seconds": 45600,
                "total_cost": 125.5,
                "by_line_type": {
                    "Green": {"calls": 120, "cost": 0},
                    "Vas": {"calls": 125, "cost": 125.5},
                },
            }
        )
    ],
)
DAILY: Final = extend_schema(
    tags=_TAGS,
    summary="Get daily call statistics, today first",
    parameters=[
        in_query(
            "days",
            {"type": "integer", "minimum": 1, "maximum": 30},
            "Number of days, 1 to 30",
            default=7,
        )
    ],
    responses=inline_serializer("Daily", {"days": DaySerializer(many=True)}),
    examples=[_example({"days": [{"date": "2025-12-09", "calls": 245, "cost": 125.5}]})],
)
HOURLY: Final = extend_schema(
    tags=_TAGS,
    summary="Get hourly call statistics: always 24 hours of the Europe/Rome clock",
    parameters=[
        in_query("date", {"type": "string", "format": "date"}, "YYYY-MM-DD (default: today)")
    ],
    responses=inline_serializer(
        "Hourly", {"date": s.DateField(), "hours": HourSerializer(many=True)}
    ),
    examples=[_example({"date": "2025-12-09", "hours": [{"hour": 0, "calls": 5, "cost": 2.5}]})],
)
FIVE_MINUTES: Final = extend_schema(
    tags=_TAGS,
    summary="Get 5-minute call samples for the last 3 hours: always 36, the current one last",
    responses=inline_serializer(
        "FiveMinutes",
        {
            "samples": SampleSerializer(many=True),
            "count": s.IntegerField(),
            "timestamp": s.DateTimeField(),
        },
    ),
    examples=[
        _example(
            {
                "samples": [{"time": "19:05", "calls": 2}],
                "count": 36,
                "timestamp": "2025-11-18T22:05:00Z",
            }
        )
    ],
)
EVENTS: Final = extend_schema(
    tags=_TAGS,
    summary="The carrier's webhook (Standard Webhooks signature instead of an API key)",
    request=inline_serializer(
        "Deliveries", {"events": s.ListField(child=s.DictField(), min_length=1, max_length=1000)}
    ),
    responses=inline_serializer(
        "Delivered",
        {
            "success": s.BooleanField(),
            "duplicate": s.BooleanField(help_text="True: this webhook-id was stored before"),
            "created": s.IntegerField(),
            "changed": s.IntegerField(),
            "unchanged": s.IntegerField(),
        },
    ),
    examples=[
        _example({"success": True, "duplicate": False, "created": 1, "changed": 2, "unchanged": 0})
    ],
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
