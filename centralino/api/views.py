"""`/jpbx-api/api/*`: read the request, call one function, respond in the reference's spelling."""

from __future__ import annotations

import time
from typing import Any, Final

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from msgspec import UNSET, UnsetType, convert
from msgspec.structs import asdict
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from centralino.api import schema
from centralino.api.queries import (
    ListQuery,
    NewAllowed,
    NewEntry,
    cursor_after,
    read_entry,
    read_number,
)
from centralino.events import AriEvent
from centralino.selectors import lists as listed
from centralino.selectors import live
from centralino.serializers import (
    ActiveCallDocument,
    ActiveCallsDocument,
    AllowedDocument,
    AllowListDocument,
    BlacklistDocument,
    BlacklistedDocument,
    DisallowedDocument,
    EndpointDocument,
    MonitorStatusDocument,
    ReleasedDocument,
    entry_document,
)
from centralino.services import lists
from centralino.services.lists import Listing
from centralino.types import DEFAULT_HOURS, ListedNumber, Reason
from core.api.cached_view import CachedQuery, CachedView
from core.api.csv_responses import CsvRenderer, csv_response
from core.api.params import read_query
from core.api.rest import problem
from core.lib.days import zone
from core.sockets import socket_count

CSV_FIELDS: Final = ("number", "reason", "created_at", "expires_at", "permanent", "note")


@extend_schema_view(get=schema.CALLS)
class PbxCallsView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery(("pbx.calls", _beat()), self._response)

    def _response(self) -> ActiveCallsDocument:
        calls = convert(live.active_calls(), list[ActiveCallDocument], from_attributes=True)
        return ActiveCallsDocument(calls, len(calls))


@extend_schema_view(get=schema.ENDPOINTS)
class EndpointsView(CachedView):
    action = "list"  # of one endpoint's document, for OpenAPI

    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery(("pbx.endpoints", _beat()), self._response)

    def _response(self) -> list[EndpointDocument]:
        return convert(live.endpoints(), list[EndpointDocument], from_attributes=True)


class StatusView(APIView):
    @schema.STATUS
    def get(self, request: Request) -> Response:
        monitor = live.monitor_status()
        return Response(
            MonitorStatusDocument(
                status=monitor.status,
                websocket=monitor.websocket,
                stasis_calls=monitor.stasis_calls,
                blacklisted_this_session=monitor.blacklisted_this_session,
                ws_clients=socket_count.open_sockets(AriEvent.socket),
                # Local and without a zone, as documented.
                timestamp=f"{timezone.now().astimezone(zone()):%Y-%m-%dT%H:%M:%S.%f}",
                active_calls=monitor.active_calls,
            )
        )


class _ListView(APIView):
    """One of the two lists; never cached, because entries expire without a commit."""

    staff_permission = "centralino.change_listentry"
    renderer_classes = [*APIView.renderer_classes, CsvRenderer]
    name = "blacklist"
    allowed = False
    document: type[BlacklistDocument | AllowListDocument] = BlacklistDocument

    def get(self, request: Request) -> Response | StreamingHttpResponse:
        params = request.query_params
        query = read_query(params, ListQuery)
        wanted = query.filter(allowed=self.allowed)
        if request.accepted_renderer.format == CsvRenderer.format:
            entries = listed.all_listed(wanted)
            if "limit" in params:
                entries = iter(listed.listed(wanted, limit=query.limit))
            return csv_response(self.name, CSV_FIELDS, map(_csv_document, entries))
        found = listed.listed(wanted, limit=query.limit + 1)
        page, more = found[: query.limit], len(found) > query.limit
        following: str | UnsetType | None = cursor_after(page[-1]) if more else None
        if not (params or more):
            following = UNSET
        return Response(self.document([*map(entry_document, page)], len(page), following))


@extend_schema_view(get=schema.BLACKLIST, post=schema.BLACKLIST_ADD)
class BlacklistView(_ListView):
    def post(self, request: Request) -> Response:
        body = read_entry(request.data, NewEntry)
        listing = lists.blacklist_number(
            read_number(body.number),
            hours=None if body.permanent else body.hours or DEFAULT_HOURS,
            reason=Reason.MANUAL_PERMANENT if body.permanent else Reason.MANUAL,
            note=body.note,
        )
        return Response(_listing_document(BlacklistedDocument, listing))


@extend_schema_view(get=schema.ALLOWLIST, post=schema.ALLOWLIST_ADD)
class AllowListView(_ListView):
    name = "allowlist"
    allowed = True
    document = AllowListDocument

    def post(self, request: Request) -> Response:
        body = read_entry(request.data, NewAllowed)
        listing = lists.allow_number(read_number(body.number), hours=body.hours, note=body.note)
        return Response(_listing_document(AllowedDocument, listing))


class BlacklistedView(APIView):
    staff_permission = "centralino.change_listentry"

    @schema.BLACKLIST_REMOVE
    def delete(self, request: Request, number: str) -> Response | HttpResponse:
        if not lists.release_number(read_number(number)):
            return problem(404, "Number not in blacklist")
        return Response(ReleasedDocument(True, "Number removed from blacklist"))


class AllowedView(APIView):
    staff_permission = "centralino.change_listentry"

    @schema.ALLOWLIST_REMOVE
    def delete(self, request: Request, number: str) -> Response | HttpResponse:
        if not lists.disallow_number(read_number(number)):
            return problem(404, "Number not in allowlist")
        return Response(DisallowedDocument(True, "Number removed from allowlist"))


def _csv_document(entry: ListedNumber) -> dict[str, Any]:
    return {**asdict(entry_document(entry)), "note": entry.note}


def _listing_document(kind: type[BlacklistedDocument], listing: Listing) -> BlacklistedDocument:
    entry = entry_document(listing.entry)
    return kind(
        success=True,
        number=entry.number,
        expires_at=entry.expires_at,
        permanent=entry.permanent,
        created=listing.created,
        prolonged=listing.prolonged,
    )


def _beat() -> int:
    """A cache key of 10 s: state that a listener stops renewing expires without a change."""
    return int(time.time() // 10)
