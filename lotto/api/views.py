"""`/api/lotto/*`: read the request, call one function, answer in the reference's spelling."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Any

from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway_arq.lib.hot import HotView, Question
from gateway_arq.lib.query import read_query
from gateway_arq.lib.rest import problem
from lotto import files, ingest, selectors
from lotto.api import schema
from lotto.api.queries import (
    ExportQuery,
    ImportBody,
    LatestQuery,
    RangeQuery,
    field,
    full_draw,
    one_draw,
    read_body,
)
from lotto.rules import day_of, told_day, wheel_of
from lotto.types import Source


def _now() -> datetime:
    return timezone.now().replace(microsecond=0)


class StampedView(HotView):
    """An answer that tells when it was made, to the second."""

    def question(self, params: QueryDict) -> Question:
        name, make = self.asked(params)
        now = _now()
        return Question((type(self), name, now), lambda: {**make(), "timestamp": now})

    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        """What the answer depends on, and how it is made."""
        raise NotImplementedError


@extend_schema_view(get=schema.STATS)
class StatsView(HotView):
    def question(self, params: QueryDict) -> Question:
        return Question("lotto.stats", self._answer)

    def _answer(self) -> dict[str, Any]:
        totals = selectors.totals()
        return {
            "total_records": totals.draws,
            "unique_dates": totals.days,
            "first_date": totals.first and told_day(totals.first),
            "last_date": totals.last and told_day(totals.last),
            "by_wheel": totals.by_wheel,
        }


@extend_schema_view(get=schema.LATEST)
class LatestView(HotView):
    def question(self, params: QueryDict) -> Question:
        limit = read_query(params, LatestQuery).limit
        return Question(("lotto.latest", limit), lambda: self._answer(limit))

    def _answer(self, limit: int) -> dict[str, Any]:
        days = selectors.latest(limit)
        return {"dates": [{"date": told_day(day), "wheels": wheels} for day, wheels in days]}


@extend_schema_view(get=schema.DAY, delete=schema.DELETE_DAY)
class DayView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        day = field("data", day_of, self.kwargs["data"])

        def make() -> dict[str, Any]:
            wheels = selectors.on(day)
            if not wheels:
                raise NotFound(f"There is no draw of {told_day(day)}.")
            return {"success": True, "date": told_day(day), "wheels": wheels}

        return day, make

    def delete(self, request: Request, **address: str) -> Response:
        day = field("data", day_of, address["data"])
        deleted = ingest.delete(day)
        if not deleted:
            raise NotFound(f"There is no draw of {told_day(day)}.")
        message = f"Deleted {deleted} extractions for {told_day(day)}"
        return Response(
            {"success": True, "deleted": deleted, "message": message, "timestamp": _now()}
        )


@extend_schema_view(get=schema.WHEEL, delete=schema.DELETE_WHEEL)
class WheelView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        day = field("data", day_of, self.kwargs["data"])
        wheel = field("ruota", wheel_of, self.kwargs["ruota"])

        def make() -> dict[str, Any]:
            draw = selectors.draw(day, wheel)
            if draw is None:
                raise NotFound(f"There is no draw of {told_day(day)} {wheel}.")
            return {
                "success": True,
                "data": told_day(day),
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
            raise NotFound(f"There is no draw of {told_day(day)} {wheel}.")
        message = f"Deleted {told_day(day)} {wheel}"
        return Response({"success": True, "message": message, "timestamp": _now()})


@extend_schema_view(get=schema.RANGE)
class RangeView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, RangeQuery)
        (first, last), wheel = query.bounds(), query.wheel()

        def make() -> dict[str, Any]:
            total, draws = selectors.between(
                first, last, wheel=wheel, limit=query.limit, offset=query.offset
            )
            results = [
                {"data": told_day(draw.day), "ruota": draw.wheel, "numeri": draw.numbers}
                for draw in draws
            ]
            return {"success": True, "count": len(results), "total": total, "results": results}

        return query, make


class SaveView(APIView):
    @schema.SAVE
    def post(self, request: Request) -> Response | HttpResponse:
        draw, wish = one_draw(request.data)
        try:
            saved = ingest.save([draw], source=wish.source, overwrite=_overwrite(request, wish))
        except ingest.Conflict as exc:
            return problem(409, str(exc), success=False, stored=exc.stored)
        return Response(
            {
                "success": True,
                "data": told_day(draw.day),
                "ruota": draw.wheel,
                "numeri": list(draw.numbers),
                "created": bool(saved.created),
                "changed": bool(saved.changed),
                "timestamp": _now(),
            }
        )


class SaveFullView(APIView):
    @schema.SAVE_FULL
    def post(self, request: Request) -> Response | HttpResponse:
        draws, wish = full_draw(request.data)
        try:
            saved = ingest.save(draws, source=wish.source, overwrite=_overwrite(request, wish))
        except ingest.Conflict as exc:
            return problem(409, str(exc), success=False, stored=exc.stored)
        results = {
            wheel: state
            for state in ("created", "changed", "unchanged")
            for wheel in getattr(saved, state)
        }
        return Response(
            {
                "success": True,
                "data": told_day(draws[0].day),
                "saved": len(draws),
                "total": len(draws),
                "errors": None,
                "results": dict(sorted(results.items())),
                "timestamp": _now(),
            }
        )


class ImportView(APIView):
    parser_classes = [*APIView.parser_classes, MultiPartParser]

    @schema.IMPORT
    def post(self, request: Request) -> Response | HttpResponse:
        began = time.monotonic()
        upload = request.FILES.get("file")
        try:
            if upload is not None:
                report = _imported(upload.file)
            else:
                body = request.data
                wish = read_body(body.dict() if isinstance(body, QueryDict) else body, ImportBody)
                with files.importable(wish.file_path) as file:
                    report = _imported(file)
        except files.Forbidden:
            return problem(403, "Only files of the import folder can be imported.")
        except files.Unreadable as exc:
            raise ValidationError({"file_path" if upload is None else "file": [str(exc)]}) from None
        return Response(
            {
                "success": True,
                "inserted": report.inserted,
                "skipped": report.skipped,
                "rejected": report.rejected,
                "errors": [error._asdict() for error in report.errors],
                "duration_seconds": round(time.monotonic() - began, 3),
                "timestamp": _now(),
            }
        )


class ExportView(APIView):
    @schema.EXPORT
    def get(self, request: Request) -> Response | HttpResponse | StreamingHttpResponse:
        query = read_query(request.query_params, ExportQuery)
        if not files.is_name(query.filename):
            raise ValidationError({"filename": ["A file's name of A-Z a-z 0-9 . _ - is needed."]})
        if query.download:
            return StreamingHttpResponse(
                _chunks(ingest.archive_lines()),
                content_type="text/tab-separated-values; charset=us-ascii",
                headers={"Content-Disposition": f'attachment; filename="{query.filename}"'},
            )
        count, path = files.export(query.filename)
        return Response(
            {"success": True, "exported": count, "file_path": str(path), "timestamp": _now()}
        )


def _imported(file: IO[bytes]) -> ingest.Report:
    return ingest.store_lines(files.lines_of(file), source=Source.IMPORT)


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines by the thousand: one by one is slow."""
    lines = iter(lines)
    while some := list(islice(lines, 1_000)):
        yield b"\n".join(some) + b"\n"


def _overwrite(request: Request, wish: Any) -> bool:
    return bool(wish.overwrite) or request.query_params.get("overwrite", "").lower() in (
        "true",
        "1",
    )
