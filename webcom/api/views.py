"""`/api/webcom/*`: read the query, ask a selector, answer in the reference's spelling."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.cached_view import CachedQuery, CachedView
from core.api.csv_responses import CsvRenderer, csv_response
from core.api.params import read_day, read_query
from core.api.rest import problem
from core.lib.days import local_day, zone
from webcom import selectors
from webcom.api import schema
from webcom.api.csv import FIELDS
from webcom.api.queries import CallQuery, DateQuery, DaysQuery, MonthQuery, cursor_after
from webcom.events import call_document, rebates_document
from webcom.selectors import CallFilter, Figures


@extend_schema_view(get=schema.LINES)
class LinesView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery("lines", self._response)

    def _response(self) -> dict[str, Any]:
        lines = [
            {
                "lineId": line.line_id,
                "number": line.number,
                "lineType": line.line_type,
                "group": line.group,
                "relations": line.relations,
                "name": line.name,
            }
            for line in selectors.lines()
        ]
        return {"count": len(lines), "lines": lines}


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


def _calls_response(query: CallQuery, wanted: CallFilter) -> dict[str, Any]:
    calls = selectors.calls(wanted, limit=query.limit)
    response: dict[str, Any] = {
        "count": len(calls),
        "calls": [call_document(call) for call in calls],
    }
    if not query.is_plain:
        response["next"] = cursor_after(calls[-1]) if len(calls) == query.limit else None
    return response


def _csv_response(wanted: CallFilter, *, limited: bool, limit: int) -> StreamingHttpResponse:
    calls = selectors.calls(wanted, limit=limit) if limited else selectors.all_calls(wanted)
    return csv_response("calls", FIELDS, (call_document(call) for call in calls))


class CallView(APIView):
    @schema.CALL
    def get(self, request: Request, call_id: str) -> Response | HttpResponse:
        call = selectors.call(call_id)
        if call is None:
            # `error` is the reference's own spelling, `detail` that of every error of ours.
            return problem(404, "Call not found", error="Call not found")
        return Response(call_document(call))


@extend_schema_view(get=schema.REBATES)
class RebatesView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        month = read_query(params, MonthQuery).month or f"{local_day():%Y-%m}"
        return CachedQuery(("rebates", month), lambda: self._response(month))

    def _response(self, month: str) -> dict[str, Any]:
        record = selectors.rebates(month)
        if record is None:
            return {"month": month, "count": 0, "updated_at": None, "rebates": []}
        return rebates_document(record)


@extend_schema_view(get=schema.TODAY)
class TodayView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        day = local_day()
        return CachedQuery(("today", day), lambda: self._response(day))

    def _response(self, day: date) -> dict[str, Any]:
        totals = selectors.day_totals(day)
        by_type = sorted(totals.by_line_type.items())
        return {
            "date": day,
            "total_calls": totals.calls,
            "total_duration_seconds": totals.duration_s,
            "total_cost": totals.cost,
            "by_line_type": {name: _brief(figures) for name, figures in by_type},
        }


@extend_schema_view(get=schema.DAILY)
class DailyView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        days = read_query(params, DaysQuery).days
        return CachedQuery(("daily", days, local_day()), lambda: self._response(days))

    def _response(self, days: int) -> dict[str, Any]:
        figures = selectors.daily_figures(days)
        return {"days": [{"date": day, **_brief(figures[day])} for day in figures]}


@extend_schema_view(get=schema.HOURLY)
class HourlyView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        text = read_query(params, DateQuery).date
        day = local_day() if text is None else read_day("date", text)
        return CachedQuery(("hourly", day), lambda: self._response(day))

    def _response(self, day: date) -> dict[str, Any]:
        hours = enumerate(selectors.hourly_figures(day))
        return {"date": day, "hours": [{"hour": n, **_brief(figures)} for n, figures in hours]}


@extend_schema_view(get=schema.FIVE_MINUTES)
class FiveMinutesView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        now = timezone.now().replace(microsecond=0)
        return CachedQuery(("5min", now), lambda: self._response(now))

    def _response(self, now: datetime) -> dict[str, Any]:
        samples = [
            {"time": f"{at.astimezone(zone()):%H:%M}", "calls": figures.calls}
            for at, figures in selectors.five_minute_figures().items()
        ]
        return {"samples": samples, "count": len(samples), "timestamp": now}


def _brief(figures: Figures) -> dict[str, Any]:
    return {"calls": figures.calls, "cost": figures.cost}
