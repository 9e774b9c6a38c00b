"""`/api/lotto/`: the draws of a day, a wheel, a range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.cached_view import CachedQuery, CachedView
from core.api.params import read_query
from lotto import ingest, selectors
from lotto.api.queries import (
    LatestQuery,
    RangeQuery,
    field,
)
from lotto.api.schema import draws
from lotto.api.views.responses import StampedView, now_s, wheel_document
from lotto.rules import day_of, format_day, wheel_of


@extend_schema_view(get=draws.STATS)
class StatsView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery("lotto.stats", self._response)

    def _response(self) -> dict[str, Any]:
        totals = selectors.totals()
        return {
            "total_records": totals.draws,
            "unique_dates": totals.days,
            "first_date": totals.first and format_day(totals.first),
            "last_date": totals.last and format_day(totals.last),
            "by_wheel": totals.by_wheel,
        }


@extend_schema_view(get=draws.LATEST)
class LatestView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        limit = read_query(params, LatestQuery).limit
        return CachedQuery(("lotto.latest", limit), lambda: self._response(limit))

    def _response(self, limit: int) -> dict[str, Any]:
        days = selectors.latest(limit)
        return {"dates": [{"date": format_day(day), "wheels": wheels} for day, wheels in days]}


@extend_schema_view(get=draws.DAY, delete=draws.DELETE_DAY)
class DayView(StampedView):
    staff_permission = "lotto.change_extraction"

    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        day = field("data", day_of, self.kwargs["data"])

        def make() -> dict[str, Any]:
            wheels = selectors.on(day)
            if not wheels:
                raise NotFound(f"There is no draw of {format_day(day)}.")
            return {"success": True, "date": format_day(day), "wheels": wheels}

        return day, make

    def delete(self, request: Request, **address: str) -> Response:
        day = field("data", day_of, address["data"])
        deleted = ingest.delete(day)
        if not deleted:
            raise NotFound(f"There is no draw of {format_day(day)}.")
        message = f"Deleted {deleted} extractions for {format_day(day)}"
        return Response(
            {"success": True, "deleted": deleted, "message": message, "timestamp": now_s()}
        )


@extend_schema_view(get=draws.WHEEL, delete=draws.DELETE_WHEEL)
class WheelView(StampedView):
    staff_permission = "lotto.change_extraction"

    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        day = field("data", day_of, self.kwargs["data"])
        wheel = field("ruota", wheel_of, self.kwargs["ruota"])

        def make() -> dict[str, Any]:
            draw = selectors.draw(day, wheel)
            if draw is None:
                raise NotFound(f"There is no draw of {format_day(day)} {wheel}.")
            return {
                "success": True,
                "data": format_day(day),
                "ruota": wheel,
                "numeri": draw.numbers,
                "source": draw.source,
                "verified": draw.verified,
            }

        return (day, wheel), make

    def delete(self, request: Request, **address: str) -> Response:
        day = field("data", day_of, address["data"])
        wheel = field("ruota", wheel_of, address["ruota"])
        if not ingest.delete(day, wheel):
            raise NotFound(f"There is no draw of {format_day(day)} {wheel}.")
        message = f"Deleted {format_day(day)} {wheel}"
        return Response({"success": True, "message": message, "timestamp": now_s()})


@extend_schema_view(get=draws.RANGE)
class RangeView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, RangeQuery)
        (first, last), wheel = query.bounds(), query.wheel()

        def make() -> dict[str, Any]:
            total, draws = selectors.between(
                first, last, wheel=wheel, limit=query.limit, offset=query.offset
            )
            results = [wheel_document(draw.day, draw.wheel, draw.numbers) for draw in draws]
            return {"success": True, "count": len(results), "total": total, "results": results}

        return query, make
