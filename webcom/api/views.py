"""`/api/webcom/*`: read the query, call a selector, respond with a document."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from drf_spectacular.utils import extend_schema_view
from msgspec import UNSET, UnsetType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.cached_view import CachedQuery, CachedView
from core.api.csv_responses import CsvRenderer, csv_response
from core.api.params import read_day, read_query
from core.api.rest import problem
from core.lib.days import current_second, local_day
from webcom import selectors, serializers
from webcom.api import schema
from webcom.api.queries import CallQuery, DateQuery, DaysQuery, MonthQuery, cursor_after
from webcom.selectors import CallFilter
from webcom.serializers import CALL_CSV_FIELDS, CallsDocument, call_document


@extend_schema_view(get=schema.LINES)
class LinesView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery("lines", lambda: serializers.lines_document(selectors.lines()))


@extend_schema_view(get=schema.CALLS)
class CallsView(CachedView):
    renderer_classes = [*APIView.renderer_classes, CsvRenderer]

    def cached_query(self, params: QueryDict) -> CachedQuery:
        query = read_query(params, CallQuery)
        wanted = query.filter()
        return CachedQuery(query, lambda: _calls_response(query, wanted))

    def get(self, request: Request) -> Response | StreamingHttpResponse:  # type: ignore[override]
        if request.accepted_renderer.format == CsvRenderer.format:
            query = read_query(request.query_params, CallQuery)
            limited = "limit" in request.query_params
            return _csv_response(query.filter(), limited=limited, limit=query.limit)
        return super().get(request)


def _calls_response(query: CallQuery, wanted: CallFilter) -> CallsDocument:
    calls = selectors.calls(wanted, limit=query.limit)
    following: str | UnsetType | None = UNSET
    if not query.is_plain:
        following = cursor_after(calls[-1]) if len(calls) == query.limit else None
    return CallsDocument(len(calls), [call_document(call) for call in calls], following)


def _csv_response(wanted: CallFilter, *, limited: bool, limit: int) -> StreamingHttpResponse:
    calls = selectors.calls(wanted, limit=limit) if limited else selectors.all_calls(wanted)
    return csv_response("calls", CALL_CSV_FIELDS, (call_document(call) for call in calls))


class CallView(APIView):
    @schema.CALL
    def get(self, request: Request, call_id: str) -> Response | HttpResponse:
        call = selectors.call(call_id)
        if call is None:
            return problem(404, "Call not found", error="Call not found")
        return Response(call_document(call))


@extend_schema_view(get=schema.REBATES)
class RebatesView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        month = read_query(params, MonthQuery).month or f"{local_day():%Y-%m}"
        return CachedQuery(
            ("rebates", month),
            lambda: serializers.rebates_document(month, selectors.rebates(month)),
        )


@extend_schema_view(get=schema.TODAY)
class TodayView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        day = local_day()
        return CachedQuery(
            ("today", day),
            lambda: serializers.today_document(day, selectors.day_totals(day)),
        )


@extend_schema_view(get=schema.DAILY)
class DailyView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        days = read_query(params, DaysQuery).days
        return CachedQuery(
            ("daily", days, local_day()),
            lambda: serializers.daily_document(selectors.daily_figures(days)),
        )


@extend_schema_view(get=schema.HOURLY)
class HourlyView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        text = read_query(params, DateQuery).date
        day = local_day() if text is None else read_day("date", text)
        return CachedQuery(
            ("hourly", day),
            lambda: serializers.hourly_document(day, selectors.hourly_figures(day)),
        )


@extend_schema_view(get=schema.FIVE_MINUTES)
class FiveMinutesView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        now = current_second()
        return CachedQuery(
            ("5min", now),
            lambda: serializers.five_minute_document(selectors.five_minute_figures(), now=now),
        )
