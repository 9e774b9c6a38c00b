"""`/jpbx-api/api/*`: read the request, call one function, respond in the reference's spelling."""

from __future__ import annotations

import time
from typing import Any, Final

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from centralino.api import schema
from centralino.api.queries import (
    AllowedEntry,
    Entry,
    ListQuery,
    cursor_after,
    read_entry,
    read_number,
)
from centralino.events import AriEvent
from centralino.selectors import lists as listed
from centralino.selectors import live
from centralino.serializers import entry_document
from centralino.services import lists
from centralino.services.lists import Listing
from centralino.types import Reason
from core.api.cached_view import CachedQuery, CachedView
from core.api.csv_responses import CsvRenderer, csv_response
from core.api.params import read_query
from core.api.rest import problem
from core.lib.days import zone
from core.sockets import socket_count

DEFAULT_HOURS: Final = 24
CSV_FIELDS: Final = ("number", "reason", "created_at", "expires_at", "permanent", "note")


@extend_schema_view(get=schema.CALLS)
class CallsView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery(("pbx.calls", _beat()), self._response)

    def _response(self) -> dict[str, Any]:
        calls = [_call_document(call) for call in live.active_calls()]
        return {"active_calls": calls, "count": len(calls)}


@extend_schema_view(get=schema.ENDPOINTS)
class EndpointsView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery(("pbx.endpoints", _beat()), self._response)

    def _response(self) -> list[dict[str, Any]]:
        return [
            {
                "resource": endpoint.resource,
                "state": endpoint.state,
                "channel_ids": endpoint.channel_ids,
            }
            for endpoint in live.endpoints()
        ]


class StatusView(APIView):
    @schema.STATUS
    def get(self, request: Request) -> Response:
        monitor = live.monitor_status()
        return Response(
            {
                "status": monitor.status,
                "websocket": monitor.websocket,
                "stasis_calls": monitor.stasis_calls,
                "blacklisted_this_session": monitor.blacklisted_this_session,
                "ws_clients": socket_count.open_sockets(AriEvent.socket),
                # Local and without a zone, as documented.
                "timestamp": f"{timezone.now().astimezone(zone()):%Y-%m-%dT%H:%M:%S.%f}",
                "active_calls": monitor.active_calls,
            }
        )


class _ListView(APIView):
    """One of the two lists; never cached, because entries expire without a commit."""

    staff_permission = "centralino.change_listentry"
    renderer_classes = [*APIView.renderer_classes, CsvRenderer]
    name = "blacklist"
    allowed = False

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
        response = {self.name: [entry_document(entry) for entry in page], "count": len(page)}
        if params or more:
            response["next"] = cursor_after(page[-1]) if more else None
        return Response(response)


@extend_schema_view(get=schema.BLACKLIST, post=schema.BLACKLIST_ADD)
class BlacklistView(_ListView):
    def post(self, request: Request) -> Response:
        body = read_entry(request.data, Entry)
        listing = lists.blacklist_number(
            read_number(body.number),
            hours=None if body.permanent else body.hours or DEFAULT_HOURS,
            reason=Reason.MANUAL_PERMANENT if body.permanent else Reason.MANUAL,
            note=body.note,
        )
        return Response(_listing_document(listing))


@extend_schema_view(get=schema.ALLOWLIST, post=schema.ALLOWLIST_ADD)
class AllowListView(_ListView):
    name = "allowlist"
    allowed = True

    def post(self, request: Request) -> Response:
        body = read_entry(request.data, AllowedEntry)
        listing = lists.allow_number(read_number(body.number), hours=body.hours, note=body.note)
        return Response(_listing_document(listing))


class BlacklistedView(APIView):
    staff_permission = "centralino.change_listentry"

    @schema.BLACKLIST_REMOVE
    def delete(self, request: Request, number: str) -> Response | HttpResponse:
        if not lists.release_number(read_number(number)):
            return problem(404, "Number not in blacklist")
        return Response({"success": True, "message": "Number removed from blacklist"})


class AllowedView(APIView):
    staff_permission = "centralino.change_listentry"

    @schema.ALLOWLIST_REMOVE
    def delete(self, request: Request, number: str) -> Response | HttpResponse:
        if not lists.disallow_number(read_number(number)):
            return problem(404, "Number not in allowlist")
        return Response({"success": True, "message": "Number removed from allowlist"})


def _call_document(call: live.ActiveCall) -> dict[str, Any]:
    return {
        "channel_id": call.channel_id,
        "name": call.name,
        "state": call.state,
        "caller": call.caller,
        "caller_name": call.caller_name,
        "extension": call.extension,
        "context": call.context,
        "application": call.application,
        "duration": call.created,  # the reference's own word for it
    }


def _csv_document(entry: Any) -> dict[str, Any]:
    return {**entry_document(entry), "note": entry.note}


def _listing_document(listing: Listing) -> dict[str, Any]:
    document = entry_document(listing.entry)
    return {
        "success": True,
        "number": document["number"],
        "expires_at": document["expires_at"],
        "permanent": document["permanent"],
        "created": listing.created,
        "prolonged": listing.prolonged,
    }


def _beat() -> int:
    """A cache key of 10 s: state that a listener stops renewing expires without a change."""
    return int(time.time() // 10)
