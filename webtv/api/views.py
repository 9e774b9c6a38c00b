"""`/api/webtv/*`: read the query, call a selector, respond with a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.http import QueryDict, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from msgspec.structs import replace
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.cached_view import CachedQuery, CachedView
from core.api.csv_responses import CsvRenderer, csv_response
from core.api.documents import Document
from core.api.params import read_query
from core.lib.days import current_second, day_bounds, local_day
from webtv import selectors, serializers
from webtv.api import schema
from webtv.api.queries import SPANS, AudienceQuery, HistoryQuery
from webtv.rollups import FIVE_MINUTES
from webtv.serializers import (
    AudienceHistoryDocument,
    AudienceHourlyDocument,
    AudienceStatsDocument,
    ViewersDocument,
)


class AudienceView(CachedView):
    """A document about one stream, or the sum of all, as JSON or CSV."""

    renderer_classes = [*APIView.renderer_classes, CsvRenderer]
    csv_name: str
    csv_fields: tuple[str, ...]

    def cached_query(self, params: QueryDict) -> CachedQuery:
        query = read_query(params, AudienceQuery)
        day = query.day()
        # A sample becomes too old by itself: no response is cached beyond its second.
        now = current_second()
        name = (type(self), query.stream, day, now)
        return CachedQuery(name, lambda: self.document(_stream_id(query.stream), day, now))

    def get(self, request: Request) -> Response | StreamingHttpResponse:  # type: ignore[override]
        if request.accepted_renderer.format == CsvRenderer.format:
            query = read_query(request.query_params, AudienceQuery)
            response = self.document(_stream_id(query.stream), query.day(), timezone.now())
            return csv_response(self.csv_name, self.csv_fields, self.csv_rows(response))
        return super().get(request)

    def document(self, stream_id: int, day: date | None, now: datetime) -> Document:
        """The JSON document; `day` is None for now or today."""
        raise NotImplementedError

    def csv_rows(self, response: Any) -> Iterator[Document | Mapping[str, Any]]:
        """The rows of the CSV file."""
        yield response


@extend_schema_view(get=schema.VIEWERS)
class ViewersView(AudienceView):
    csv_name, csv_fields = "viewers", serializers.VIEWERS_CSV_FIELDS

    def document(self, stream_id: int, day: date | None, now: datetime) -> ViewersDocument:
        current = selectors.current(stream_id, day=day)
        return serializers.viewers_document(current, now=now)


@extend_schema_view(get=schema.STATS)
class AudienceStatsView(AudienceView):
    csv_name, csv_fields = "viewers-by-hour", serializers.HOURS_CSV_FIELDS

    def document(self, stream_id: int, day: date | None, now: datetime) -> AudienceStatsDocument:
        on = day or local_day(now)
        today, yesterday = selectors.days(stream_id, on, on - timedelta(days=1))
        current = selectors.current(stream_id, day=on)
        return serializers.stats_document(today, yesterday, current, now=now)

    def csv_rows(self, response: AudienceStatsDocument) -> Iterator[Mapping[str, Any]]:
        days = {"today": response.today, "yesterday": response.yesterday}
        for hour in range(24):
            peaks = {
                name: day.hourly[hour] if day.hourly_known[hour] else None
                for name, day in days.items()
            }
            yield {"hour": hour, **peaks}


@extend_schema_view(get=schema.HOURLY)
class AudienceHourlyView(AudienceView):
    csv_name, csv_fields = "viewers-5min", serializers.FIVE_MINUTES_CSV_FIELDS

    def document(self, stream_id: int, day: date | None, now: datetime) -> AudienceHourlyDocument:
        until = now if day is None else day_bounds(day)[1] - timedelta(seconds=FIVE_MINUTES)
        buckets = selectors.five_minutes(stream_id, until=until)
        return serializers.five_minute_document(buckets, now=now)

    def csv_rows(self, response: AudienceHourlyDocument) -> Iterator[Document]:
        for sample in response.samples:
            yield sample if sample.known else replace(sample, viewers=None, peak=None)


class HistoryView(APIView):
    renderer_classes = [*APIView.renderer_classes, CsvRenderer]

    @schema.HISTORY
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        query = read_query(request.query_params, HistoryQuery)
        start, end = query.bounds()
        points = selectors.history(_stream_id(query.stream), SPANS[query.span], start, end)
        if request.accepted_renderer.format == CsvRenderer.format:
            if "limit" in request.query_params:
                points = islice(points, query.limit)
            rows = map(serializers.point_document, points)
            return csv_response("viewers-history", serializers.HISTORY_CSV_FIELDS, rows)
        page = list(islice(points, query.limit + 1))
        more = page[query.limit :]
        shown = [serializers.point_document(point) for point in page[: query.limit]]
        following = serializers.format_start(more[0].start) if more else None
        return Response(AudienceHistoryDocument(query.span, len(shown), shown, following))


def _stream_id(name: str | None) -> int:
    stream = selectors.stream(name)
    if stream is None and name:
        raise NotFound(f"There is no stream {name!r}.")
    return int(stream.pk) if stream else 0
