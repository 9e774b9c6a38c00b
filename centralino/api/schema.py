"""The OpenAPI description of `/jpbx-api/api/*`: the reference's fields, parameters, examples."""

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

_TAGS: Final = ["Centralino"]


def _example(value: Any, **more: Any) -> OpenApiExample:
    return OpenApiExample("From the reference", value=value, response_only=True, **more)


class ActiveCall(s.Serializer[Any]):
    channel_id = s.CharField()
    name = s.CharField()
    state = s.CharField(help_text="Down, Ring, Ringing, Up, ..., as Asterisk reports it")
    caller = s.CharField(help_text="Empty: withheld")
    caller_name = s.CharField()
    extension = s.CharField()
    context = s.CharField()  # type: ignore[assignment]  # a property of DRF's has the name
    application = s.CharField(help_text="The dialplan application: Dial, Queue, Stasis, ...")
    duration = s.CharField(
        help_text="When the channel was made, as ARI reports it: 2025-12-09T08:35:05.936+0100"
    )


class Listed(s.Serializer[Any]):
    number = s.CharField(help_text="Italian numbers without +39; a prefix ends in *")
    reason = s.CharField(help_text="answered-24h, manual, manual-permanent, import")
    created_at = s.CharField(help_text="YYYY-MM-DD HH:MM:SS, Europe/Rome")
    expires_at = s.CharField(
        help_text="YYYY-MM-DD HH:MM:SS, Europe/Rome; 2099-12-31 23:59:59: never"
    )
    permanent = s.IntegerField(min_value=0, max_value=1)


class Endpoint(s.Serializer[Any]):
    resource = s.CharField()
    state = s.CharField(help_text="online, offline or unknown")
    channel_ids = s.ListField(child=s.CharField())


class NewEntry(s.Serializer[Any]):
    number = s.CharField(
        help_text="Any notation: 3331234567, +39 333 1234567, 0039333..., or a prefix: +3989*"
    )
    hours = s.IntegerField(required=False, min_value=1, max_value=87_600, default=24)
    permanent = s.BooleanField(required=False, default=False, help_text="True: hours do not count")
    note = s.CharField(required=False, max_length=200, help_text="Addition to the reference")


class NewAllowed(s.Serializer[Any]):
    number = s.CharField(help_text="Any notation, or a prefix as +3989*")
    hours = s.IntegerField(
        required=False, min_value=1, max_value=87_600, help_text="Default: permanent"
    )
    note = s.CharField(required=False, max_length=200)


_ENTRY: Final = {
    "number": "3883666427",
    "reason": "answered-24h",
    "created_at": "2025-12-09 07:48:07",
    "expires_at": "2025-12-10 07:48:07",
    "permanent": 0,
}
_PERMANENT: Final = {
    "number": "3408564246",
    "reason": "manual-permanent",
    "created_at": "2025-12-08 07:18:32",
    "expires_at": "2099-12-31 23:59:59",
    "permanent": 1,
}
_FILTERS: Final = [
    in_query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 10_000},
        "Max number of entries to return",
        default=10_000,
    ),
    in_query(
        "number",
        str,
        "Entries that match this number, in any notation: its own, its prefixes",
    ),
    in_query("reason", str, "Exactly this reason"),
    in_query("cursor", str, "`next` of the page before"),
    in_query("format", str, "json or csv", enum=["json", "csv"]),
]
_PAGING: Final = (
    "Expired entries are not listed. With a parameter, or over 10,000 entries, the "
    "response has `next`, the cursor of the following page (null on the last one). `?format=csv` "
    "or `Accept: text/csv` streams all that match."
)


def _list(title: str, name: str, entries: list[dict[str, Any]], **more: Any) -> Any:
    response = inline_serializer(
        title,
        {
            name: Listed(many=True),
            "count": s.IntegerField(),
            "next": s.CharField(required=False, allow_null=True),
        },
    )
    example = {name: entries, "count": len(entries)}
    return extend_schema(
        tags=_TAGS,
        description=_PAGING,
        parameters=_FILTERS,
        responses={(200, "application/json"): response, (200, "text/csv"): OpenApiTypes.STR},
        examples=[OpenApiExample("From the reference", example, media_type="application/json")],
        **more,
    )


def _add(title: str, request: type[s.Serializer[Any]], body: Any, **more: Any) -> Any:
    response = inline_serializer(
        title,
        {
            "success": s.BooleanField(),
            "number": s.CharField(),
            "expires_at": s.CharField(help_text="Europe/Rome"),
            "permanent": s.IntegerField(
                min_value=0, max_value=1, help_text="Addition to the reference"
            ),
            "created": s.BooleanField(help_text="False: it was listed already (addition)"),
            "prolonged": s.BooleanField(
                help_text="True: its entry lasts longer now, or is permanent (addition)"
            ),
        },
    )
    result = {
        "success": True,
        "number": "3331234567",
        "expires_at": "2025-12-10 11:30:00",
        "permanent": 0,
        "created": True,
        "prolonged": False,
    }
    return extend_schema(
        tags=_TAGS,
        request=request,
        responses=response,
        examples=[_example(result), OpenApiExample("Request", body, request_only=True)],
        **more,
    )


def _remove(title: str, name: str, **more: Any) -> Any:
    missing = OpenApiResponse(
        inline_serializer(f"{title}NotFound", {"detail": s.CharField()}),
        examples=[_example({"detail": f"Number not in {name}"})],
    )
    response = inline_serializer(title, {"success": s.BooleanField(), "message": s.CharField()})
    result = {"success": True, "message": f"Number removed from {name}"}
    return extend_schema(
        tags=_TAGS,
        parameters=[
            OpenApiParameter(
                "number",
                str,
                OpenApiParameter.PATH,
                description="Any notation, URL-encoded",
                examples=[OpenApiExample("Example", "3331234567")],
            )
        ],
        responses={200: response, 404: missing},
        examples=[_example(result, status_codes=["200"])],
        **more,
    )


CALLS: Final = extend_schema(
    operation_id="jpbx_calls",
    tags=_TAGS,
    summary="Get the PBX's active calls",
    responses=inline_serializer(
        "ActiveCalls", {"active_calls": ActiveCall(many=True), "count": s.IntegerField()}
    ),
    examples=[
        _example(
            {
                "active_calls": [
                    {
                        "channel_id": "asterisk-pbx-1765265705.475",
                        "name": "PJSIP/clouditalia-endpoint-000000ab",
                        "state": "Up",
                        "caller": "3478893084",
                        "caller_name": "3478893084",
                        "extension": "s",
                        "context": "post-stasis",
                        "application": "Queue",
                        "duration": "2025-12-09T08:35:05.936+0100",
                    }
                ],
                "count": 1,
            }
        )
    ],
)
ENDPOINTS: Final = extend_schema(
    operation_id="jpbx_endpoints",
    tags=_TAGS,
    summary="Get the state of the extensions",
    responses=Endpoint(many=True),
    examples=[
        OpenApiExample(
            "From the reference",
            {"resource": "105", "state": "online", "channel_ids": ["asterisk-pbx-123.456"]},
            response_only=True,
        )
    ],
)
STATUS: Final = extend_schema(
    operation_id="jpbx_status",
    tags=_TAGS,
    summary="Get the state of the PBX monitor",
    responses=inline_serializer(
        "MonitorStatus",
        {
            "status": s.ChoiceField(["running", "degraded", "down", "disabled"]),
            "websocket": s.ChoiceField(
                ["connected", "disconnected"], help_text="To ARI; connected: of all servers"
            ),
            "stasis_calls": s.IntegerField(),
            "blacklisted_this_session": s.IntegerField(),
            "ws_clients": s.IntegerField(help_text="Open sockets at /jpbx-ws, of all processes"),
            "timestamp": s.CharField(help_text="Europe/Rome, without a zone, as documented"),
            "active_calls": s.IntegerField(),
        },
    ),
    examples=[
        _example(
            {
                "status": "running",
                "websocket": "connected",
                "stasis_calls": 0,
                "blacklisted_this_session": 15,
                "ws_clients": 1,
                "timestamp": "2025-12-09T10:33:27.464463",
                "active_calls": 3,
            }
        )
    ],
)
BLACKLIST: Final = _list(
    "Blacklist",
    "blacklist",
    [_ENTRY, _PERMANENT],
    operation_id="jpbx_blacklist",
    summary="Get the numbers on the blacklist, newest first",
)
BLACKLIST_ADD: Final = _add(
    "Blacklisted",
    NewEntry,
    {"number": "3331234567", "hours": 24, "permanent": False},
    operation_id="jpbx_blacklist_add",
    summary="Put a number on the blacklist",
    description="A number on the list already stays for at least that long, or permanently.",
)
BLACKLIST_REMOVE: Final = _remove(
    "Released",
    "blacklist",
    operation_id="jpbx_blacklist_remove",
    summary="Remove a number from the blacklist",
)
ALLOWLIST: Final = _list(
    "AllowList",
    "allowlist",
    [{**_PERMANENT, "reason": "manual"}],
    operation_id="jpbx_allowlist",
    summary="Get the numbers that are always let through (addition to the reference)",
)
ALLOWLIST_ADD: Final = _add(
    "Allowed",
    NewAllowed,
    {"number": "3331234567"},
    operation_id="jpbx_allowlist_add",
    summary="Always let a number through (addition to the reference)",
)
ALLOWLIST_REMOVE: Final = _remove(
    "Disallowed",
    "allowlist",
    operation_id="jpbx_allowlist_remove",
    summary="Remove a number from the allow list (addition to the reference)",
)
