"""`/api/webtv/*`: read the query, ask a selector, answer in the reference's spelling.

The reference's numbers are integers: where nothing is known they are 0, and an added `known` says
so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from django.http import QueryDict, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.cached_view import CachedQuery, CachedView
from core.api.csv_responses import CsvRenderer, csv_response
from core.api.params import read_query
from core.lib.days import day_bounds, local_day, zone
from webtv import selectors
from webtv.api import schema
from webtv.api.queries import SPANS, AudienceQuery, HistoryQuery
from webtv.events import iso
from webtv.rollups import FIVE_MINUTES
from webtv.selectors import Day, Point

HISTORY_FIELDS = ("start", "viewers", "min", "max", "samples")


class AudienceView(CachedView):
    """An answer about one stream, or the sum of all, as JSON or CSV."""

    renderer_classes = [*APIView.renderer_classes, CsvRenderer]
    csv_name: str
    csv_fields: tuple[str, ...]

    def cached_query(self, params: QueryDict) -> CachedQuery:
        query = read_query(params, AudienceQuery)
        day = query.day()
        # What is known grows old by itself: no answer is kept beyond its second.
        now = timezone.now().replace(microsecond=0)
        name = (type(self), query.stream, day, now)
        return CachedQuery(name, lambda: self.document(_stream_id(query.stream), day, now))

    def get(self, request: Request) -> Response | StreamingHttpResponse:  # type: ignore[override]
        if request.accepted_renderer.format == CsvRenderer.format:
            query = read_query(request.query_params, AudienceQuery)
            response = self.document(_stream_id(query.stream), query.day(), timezone.now())
            return csv_response(self.csv_name, self.csv_fields, self.csv_rows(response))
        return super().get(request)

    def document(self, stream_id: int, day: date | None, now: datetime) -> dict[str, Any]:
        """The JSON document; `day` is None for now or today."""
        raise NotImplementedError

    def csv_rows(self, response: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The rows of the CSV file."""
        yield response


@extend_schema_view(get=schema.VIEWERS)
class ViewersView(AudienceView):
    csv_name, csv_fields = "viewers", ("timestamp", "viewers", "known")

    def document(self, stream_id: int, day: date | None, now: datetime) -> dict[str, Any]:
        current = selectors.current(stream_id, day=day)
        if current is None:
            return {"viewers": 0, "timestamp": iso(now), "known": False}
        return {"viewers": current.viewers, "timestamp": iso(current.at), "known": current.known}


@extend_schema_view(get=schema.STATS)
class StatsView(AudienceView):
    csv_name, csv_fields = "viewers-by-hour", ("hour", "today", "yesterday")

    def document(self, stream_id: int, day: date | None, now: datetime) -> dict[str, Any]:
        on = day or local_day(now)
        today, yesterday = selectors.days(stream_id, on, on - timedelta(days=1))
        current = selectors.current(stream_id, day=on)
        return {
            "today": {
                **_day(today),
                "current": current.viewers if current else 0,
                "current_known": bool(current and current.known),
            },
            "yesterday": _day(yesterday),
            "comparison": {
                f"{name}_change_pct": _change_pct(_brief(today)[name], _brief(yesterday)[name])
                for name in ("min", "max", "avg")
            },
            "timestamp": iso(now),
        }

    def csv_rows(self, response: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for hour in range(24):
            cells: dict[str, Any] = {"hour": hour}
            for name in ("today", "yesterday"):
                known = response[name]["hourly_known"][hour]
                cells[name] = response[name]["hourly"][hour] if known else None
            yield cells


@extend_schema_view(get=schema.HOURLY)
class HourlyView(AudienceView):
    csv_name, csv_fields = "viewers-5min", ("time", "viewers", "peak", "known")

    def document(self, stream_id: int, day: date | None, now: datetime) -> dict[str, Any]:
        until = now if day is None else day_bounds(day)[1] - timedelta(seconds=FIVE_MINUTES)
        samples = [
            {
                "time": f"{at.astimezone(zone()):%H:%M}",
                "viewers": figures.avg_viewers if figures else 0,
                "peak": figures.peak_viewers if figures else 0,
                "known": figures is not None,
            }
            for at, figures in selectors.five_minutes(stream_id, until=until).items()
        ]
        return {"samples": samples, "count": len(samples), "timestamp": now}

    def csv_rows(self, response: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for sample in response["samples"]:
            unknown = {} if sample["known"] else {"viewers": None, "peak": None}
            yield {**sample, **unknown}


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
            return csv_response("viewers-history", HISTORY_FIELDS, map(_point, points))
        page = list(islice(points, query.limit + 1))
        more = page[query.limit :]
        return Response(
            {
                "span": query.span,
                "count": len(page) - len(more),
                "points": [_point(point) for point in page[: query.limit]],
                "next": _utc(more[0].start) if more else None,
            }
        )


def _stream_id(name: str | None) -> int:
    stream = selectors.stream(name)
    if stream is None and name:
        raise NotFound(f"There is no stream {name!r}.")
    return int(stream.pk) if stream else 0


def _day(day: Day) -> dict[str, Any]:
    return {
        "date": day.on,
        **_brief(day),
        "hourly": [peak or 0 for peak in day.hourly_peaks],
        "hourly_known": [peak is not None for peak in day.hourly_peaks],
        "known": day.figures is not None,
    }


def _brief(day: Day) -> dict[str, int]:
    figures = day.figures
    if figures is None:
        return {"min": 0, "max": 0, "avg": 0}
    return {"min": figures.min_viewers, "max": figures.peak_viewers, "avg": figures.avg_viewers}


def _change_pct(now: int, before: int) -> float:
    """By how many percent of `before`; 0.0 where that was nothing."""
    return round((now - before) / before * 100, 1) if before else 0.0


def _point(point: Point) -> dict[str, Any]:
    figures = point.figures
    return {
        "start": _utc(point.start),
        "viewers": figures.avg_viewers,
        "min": figures.min_viewers,
        "max": figures.peak_viewers,
        "samples": figures.samples,
    }


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
