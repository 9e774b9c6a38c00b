"""OpenAPI of `/jpbx-api/api/*`: what the documents and the queries do not say themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from centralino.api.queries import ListQuery, NewAllowed, NewEntry
from centralino.serializers import (
    ActiveCallsDocument,
    AllowedDocument,
    AllowListDocument,
    BlacklistDocument,
    BlacklistedDocument,
    DisallowedDocument,
    DisallowedNotFoundDocument,
    EndpointDocument,
    MonitorStatusDocument,
    ReleasedDocument,
    ReleasedNotFoundDocument,
)
from core.api.documents import Document, accepted, described
from core.api.openapi import in_query, query_parameters

_TAGS: Final = ["Centralino"]


def _list(document: type[Document], **more: Any) -> Any:
    return extend_schema(
        tags=_TAGS,
        description=(
            "Expired entries are not listed. With a parameter, or over 10,000 entries, the "
            "response has `next`, the cursor of the following page (null on the last one). "
            "`?format=csv` or `Accept: text/csv` streams all that match."
        ),
        parameters=[
            *query_parameters(
                ListQuery,
                limit="Max number of entries to return",
                number="Entries that match this number, in any notation: its own, its prefixes",
                reason="Exactly this reason",
                cursor="`next` of the page before",
            ),
            in_query("format", str, "json or csv", enum=["json", "csv"]),
        ],
        responses={
            (200, "application/json"): described(document),
            (200, "text/csv"): OpenApiTypes.STR,
        },
        **more,
    )


def _remove(document: type[Document], missing: type[Document], **more: Any) -> Any:
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
        responses={200: described(document), 404: described(missing)},
        **more,
    )


CALLS: Final = extend_schema(
    operation_id="jpbx_calls",
    tags=_TAGS,
    summary="Get the PBX's active calls",
    responses=described(ActiveCallsDocument),
)
ENDPOINTS: Final = extend_schema(
    operation_id="jpbx_endpoints",
    tags=_TAGS,
    summary="Get the state of the extensions",
    responses=described(EndpointDocument),
)
STATUS: Final = extend_schema(
    operation_id="jpbx_status",
    tags=_TAGS,
    summary="Get the state of the PBX monitor",
    responses=described(MonitorStatusDocument),
)
BLACKLIST: Final = _list(
    BlacklistDocument,
    operation_id="jpbx_blacklist",
    summary="Get the numbers on the blacklist, newest first",
)
BLACKLIST_ADD: Final = extend_schema(
    operation_id="jpbx_blacklist_add",
    tags=_TAGS,
    summary="Put a number on the blacklist",
    description="A number on the list already stays for at least that long, or permanently.",
    request=accepted(NewEntry),
    responses=described(BlacklistedDocument),
)
BLACKLIST_REMOVE: Final = _remove(
    ReleasedDocument,
    ReleasedNotFoundDocument,
    operation_id="jpbx_blacklist_remove",
    summary="Remove a number from the blacklist",
)
ALLOWLIST: Final = _list(
    AllowListDocument,
    operation_id="jpbx_allowlist",
    summary="Get the numbers that are always let through (addition to the reference)",
)
ALLOWLIST_ADD: Final = extend_schema(
    operation_id="jpbx_allowlist_add",
    tags=_TAGS,
    summary="Always let a number through (addition to the reference)",
    request=accepted(NewAllowed, example={"number": "3331234567"}),
    responses=described(AllowedDocument),
)
ALLOWLIST_REMOVE: Final = _remove(
    DisallowedDocument,
    DisallowedNotFoundDocument,
    operation_id="jpbx_allowlist_remove",
    summary="Remove a number from the allow list (addition to the reference)",
)
