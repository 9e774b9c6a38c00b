"""`/api/lotto/`: the draws of a day, a wheel, a range."""

from __future__ import annotations

from datetime import date

from django.http import QueryDict, StreamingHttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.cached_view import CachedQuery, CachedView
from core.api.csv_responses import CsvRenderer, csv_response
from core.api.params import read_query
from core.api.rest import JsonRenderer
from core.lib.days import current_second, local_day
from lotto import ingest, selectors, serializers
from lotto.api import schema
from lotto.api.queries import CalendarQuery, LatestQuery, RangeQuery, field
from lotto.dieci_e_lotto import dieci_e_lotto
from lotto.game_documents import CSV_FIELDS, draw_row, evening_document
from lotto.rules import day_of, format_day, wheel_of
from lotto.serializers import DayDeletedDocument, DrawOfDayDocument, WheelDeletedDocument


@extend_schema_view(get=schema.STATS)
class StatsView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery("lotto.stats", lambda: serializers.totals_document(selectors.totals()))


@extend_schema_view(get=schema.CALENDAR)
class CalendarView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        query, now = read_query(params, CalendarQuery), current_second()
        bounds = query.bounds(local_day(now))

        def make() -> serializers.CalendarDocument:
            planned, following = selectors.planned(*bounds), selectors.next_draw()
            draws = [serializers.planned_document(*each) for each in planned]
            ahead = following and serializers.planned_document(*following, 0)
            return serializers.CalendarDocument(True, ahead, len(draws), draws, timestamp=now)

        return CachedQuery((query, now), make)


@extend_schema_view(get=schema.LATEST)
class LatestView(CachedView):
    renderer_classes = [JsonRenderer, CsvRenderer]

    def get(self, request: Request) -> Response | StreamingHttpResponse:  # type: ignore[override]
        if request.accepted_renderer.format != CsvRenderer.format:
            return super().get(request)
        query = read_query(request.query_params, LatestQuery)
        rows = map(draw_row, selectors.latest(query.limit))
        return csv_response("lotto", CSV_FIELDS, rows)

    def cached_query(self, params: QueryDict) -> CachedQuery:
        query = read_query(params, LatestQuery)
        return CachedQuery(
            query, lambda: serializers.latest_document(selectors.latest(query.limit))
        )


@extend_schema_view(get=schema.DAY, delete=schema.DELETE_DAY)
class DayView(CachedView):
    staff_permission = "lotto.change_extraction"

    def cached_query(self, params: QueryDict) -> CachedQuery:
        day, now = field("data", day_of, self.kwargs["data"]), current_second()

        def make() -> DrawOfDayDocument:
            wheels = selectors.on(day)
            if not wheels:
                raise _no_draw(day)
            evening = evening_document(dieci_e_lotto(day, wheels))
            return DrawOfDayDocument(True, format_day(day), wheels, evening, timestamp=now)

        return CachedQuery(("lotto.day", day, now), make)

    def delete(self, request: Request, **address: str) -> Response:
        day = field("data", day_of, address["data"])
        deleted = ingest.delete(day)
        if not deleted:
            raise _no_draw(day)
        message = f"Deleted {deleted} extractions for {format_day(day)}"
        return Response(DayDeletedDocument(True, deleted, message, timestamp=current_second()))


@extend_schema_view(get=schema.WHEEL, delete=schema.DELETE_WHEEL)
class WheelView(CachedView):
    staff_permission = "lotto.change_extraction"

    def cached_query(self, params: QueryDict) -> CachedQuery:
        (day, wheel), now = _address(**self.kwargs), current_second()

        def make() -> serializers.DrawOfWheelDocument:
            draw = selectors.draw(day, wheel)
            if draw is None:
                raise _no_draw(day, wheel)
            return serializers.extraction_document(draw, now=now)

        return CachedQuery(("lotto.wheel", day, wheel, now), make)

    def delete(self, request: Request, **address: str) -> Response:
        day, wheel = _address(**address)
        if not ingest.delete(day, wheel):
            raise _no_draw(day, wheel)
        message = f"Deleted {format_day(day)} {wheel}"
        return Response(WheelDeletedDocument(True, message, timestamp=current_second()))


@extend_schema_view(get=schema.RANGE)
class RangeView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        query, now = read_query(params, RangeQuery), current_second()
        (first, last), wheel = query.bounds(), query.wheel()

        def make() -> serializers.DrawRangeDocument:
            total, page = selectors.between(
                first, last, wheel=wheel, limit=query.limit, offset=query.offset
            )
            return serializers.range_document(total, page, now=now)

        return CachedQuery((query, now), make)


def _address(data: str, ruota: str) -> tuple[date, str]:
    return field("data", day_of, data), field("ruota", wheel_of, ruota)


def _no_draw(day: date, *wheel: str) -> NotFound:
    return NotFound(f"There is no draw of {' '.join((format_day(day), *wheel))}.")
