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
from lotto.api.queries import LatestQuery, RangeQuery, field
from lotto.api.schema import draws
from lotto.api.views.stamped import Document, StampedView, stamped
from lotto.rules import day_of, format_day, wheel_of
from lotto.serializers import day_document, extraction_document, totals_document, wheel_document


@extend_schema_view(get=draws.STATS)
class StatsView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        return CachedQuery("lotto.stats", lambda: totals_document(selectors.totals()))


@extend_schema_view(get=draws.LATEST)
class LatestView(CachedView):
    def cached_query(self, params: QueryDict) -> CachedQuery:
        limit = read_query(params, LatestQuery).limit
        return CachedQuery(
            ("lotto.latest", limit),
            lambda: {"dates": [day_document(*day) for day in selectors.latest(limit)]},
        )


@extend_schema_view(get=draws.DAY, delete=draws.DELETE_DAY)
class DayView(StampedView):
    staff_permission = "lotto.change_extraction"

    def keyed_document(self, params: QueryDict) -> tuple[Any, Callable[[], Document]]:
        day = field("data", day_of, self.kwargs["data"])

        def make() -> Document:
            wheels = selectors.on(day)
            if not wheels:
                raise NotFound(f"There is no draw of {format_day(day)}.")
            return day_document(day, wheels)

        return day, make

    def delete(self, request: Request, **address: str) -> Response:
        day = field("data", day_of, address["data"])
        deleted = ingest.delete(day)
        if not deleted:
            raise NotFound(f"There is no draw of {format_day(day)}.")
        message = f"Deleted {deleted} extractions for {format_day(day)}"
        return stamped({"deleted": deleted, "message": message})


@extend_schema_view(get=draws.WHEEL, delete=draws.DELETE_WHEEL)
class WheelView(StampedView):
    staff_permission = "lotto.change_extraction"

    def keyed_document(self, params: QueryDict) -> tuple[Any, Callable[[], Document]]:
        day = field("data", day_of, self.kwargs["data"])
        wheel = field("ruota", wheel_of, self.kwargs["ruota"])

        def make() -> Document:
            draw = selectors.draw(day, wheel)
            if draw is None:
                raise NotFound(f"There is no draw of {format_day(day)} {wheel}.")
            return extraction_document(draw)

        return (day, wheel), make

    def delete(self, request: Request, **address: str) -> Response:
        day = field("data", day_of, address["data"])
        wheel = field("ruota", wheel_of, address["ruota"])
        if not ingest.delete(day, wheel):
            raise NotFound(f"There is no draw of {format_day(day)} {wheel}.")
        return stamped({"message": f"Deleted {format_day(day)} {wheel}"})


@extend_schema_view(get=draws.RANGE)
class RangeView(StampedView):
    def keyed_document(self, params: QueryDict) -> tuple[Any, Callable[[], Document]]:
        query = read_query(params, RangeQuery)
        (first, last), wheel = query.bounds(), query.wheel()

        def make() -> Document:
            total, page = selectors.between(
                first, last, wheel=wheel, limit=query.limit, offset=query.offset
            )
            results = [wheel_document(draw.day, draw.wheel, draw.numbers) for draw in page]
            return {"count": len(results), "total": total, "results": results}

        return query, make
