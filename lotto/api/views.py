"""`/api/lotto/*`: read the request, call one function, answer in the reference's spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import numpy as np
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway_arq.lib.batches import batched
from gateway_arq.lib.hot import HotView, Question
from gateway_arq.lib.query import read_body, read_query
from gateway_arq.lib.rest import problem
from lotto import files, ingest, intake, selectors
from lotto.api import schema
from lotto.api.queries import (
    DelaysQuery,
    ExportQuery,
    HistoryQuery,
    ImportBody,
    LatestQuery,
    PairsQuery,
    RangeQuery,
    SearchQuery,
    field,
    full_draw,
    one_draw,
)
from lotto.delays import PAIR_NUMBERS
from lotto.history import Table, history
from lotto.rules import day_of, told_day, wheel_of
from lotto.types import ALL, HIGHEST, OUTCOMES, WHEELS, OperatorError


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
    staff_permission = "lotto.change_extraction"

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
    staff_permission = "lotto.change_extraction"

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
            results = [_told(draw.day, draw.wheel, draw.numbers) for draw in draws]
            return {"success": True, "count": len(results), "total": total, "results": results}

        return query, make


@extend_schema_view(get=schema.NUMBERS)
class NumbersView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, HistoryQuery)
        wheels, bounds = _wheels(query), query.bounds()

        def make() -> dict[str, Any]:
            now = history()
            tables = {wheel: now.table("numbers", wheel, *bounds) for wheel in wheels}
            told = {
                wheel: {**_extent(table), "numbers": [_number(table, n) for n in range(HIGHEST)]}
                for wheel, table in tables.items()
            }
            return {"success": True, "wheels": told}

        return query, make


@extend_schema_view(get=schema.DELAYS)
class DelaysView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, DelaysQuery)
        wheels, bounds = _wheels(query), query.bounds()

        def make() -> dict[str, Any]:
            now = history()
            tables = {wheel: now.table("numbers", wheel, *bounds) for wheel in wheels}
            told = {
                wheel: [_number(table, n) for n in _greatest(table, "delay")[: query.limit]]
                for wheel, table in tables.items()
            }
            return {"success": True, "wheels": told}

        return query, make


@extend_schema_view(get=schema.PAIRS)
class PairsView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, PairsQuery)
        wheel, bounds = query.wheel() or ALL, query.bounds()

        def make() -> dict[str, Any]:
            table = history().table("pairs", wheel, *bounds)
            chosen = _greatest(table, query.sort)
            if query.numero is not None:
                chosen = chosen[(PAIR_NUMBERS[chosen] == query.numero).any(axis=1)]
            page = chosen[query.offset : query.offset + query.limit]
            pairs = [{"numbers": PAIR_NUMBERS[i].tolist(), **_standing(table, i)} for i in page]
            return {
                "success": True,
                "ruota": wheel,
                **_extent(table),
                "count": len(pairs),
                "total": len(chosen),
                "pairs": pairs,
            }

        return query, make


@extend_schema_view(get=schema.SEARCH)
class SearchView(StampedView):
    def asked(self, params: QueryDict) -> tuple[Any, Callable[[], dict[str, Any]]]:
        query = read_query(params, SearchQuery)
        numbers, at_least, wheel = query.numbers(), query.at_least(), query.of_wheel()
        first, last = query.bounds()

        def make() -> dict[str, Any]:
            now = history()
            found = now.find(numbers, wheel=wheel, at_least=at_least, first=first, last=last)
            page = slice(query.offset, query.offset + query.limit)
            results = []
            draws = now.draws(found.rows[page])
            for draw, hits in zip(draws, found.hits[page].tolist(), strict=True):
                outcome = {"hits": hits, "outcome": OUTCOMES[hits - 1]}
                results.append({**_told(draw.day, draw.wheel, draw.numbers), **outcome})
            most = min(len(numbers), len(OUTCOMES))
            return {
                "success": True,
                "numeri": numbers,
                "ruota": wheel,
                "sorte": OUTCOMES[at_least - 1],
                "draws": found.draws,
                "delay": found.delay,
                "outcomes": {
                    OUTCOMES[hits - 1]: int((found.hits == hits).sum())
                    for hits in range(at_least, most + 1)
                },
                "count": len(results),
                "total": len(found.rows),
                "results": results,
            }

        return query, make


class SaveView(APIView):
    staff_permission = "lotto.change_extraction"

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
    staff_permission = "lotto.change_extraction"

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
    staff_permission = "lotto.change_extraction"
    parser_classes = [*APIView.parser_classes, MultiPartParser]

    @schema.IMPORT
    def post(self, request: Request) -> Response | HttpResponse:
        upload = request.FILES.get("file")
        try:
            if upload is not None:
                done = intake.take_in(files.lines_of(upload.file), name=upload.name)
            else:
                body = request.data
                wish = read_body(body.dict() if isinstance(body, QueryDict) else body, ImportBody)
                with files.importable(wish.file_path) as file:
                    done = intake.take_in(files.lines_of(file), name=wish.file_path)
        except files.Forbidden:
            return problem(403, "Only files of the import folder can be imported.")
        except files.Unreadable as exc:
            raise ValidationError({"file_path" if upload is None else "file": [str(exc)]}) from None
        return Response(
            {
                "success": True,
                "inserted": done.inserted,
                "skipped": done.skipped,
                "rejected": done.rejected,
                "errors": done.errors,
                "duration_seconds": done.duration_s,
                "timestamp": _now(),
            }
        )


class SyncView(APIView):
    staff_permission = "lotto.change_extraction"

    @schema.SYNC
    def post(self, request: Request) -> Response | HttpResponse:
        try:
            done = intake.sync()
        except intake.Busy as exc:
            return problem(409, str(exc), success=False)
        except intake.Disabled as exc:
            return problem(503, str(exc), success=False)
        except OperatorError as exc:
            return problem(502, f"The operator's archive cannot be had: {exc}", success=False)
        return Response(
            {
                "success": True,
                "imported": done.inserted,
                "skipped": done.skipped,
                "verified": done.verified,
                "corrected": done.corrected,
                "rejected": done.rejected,
                "errors": done.errors,
                "message": f"Sync completed: {done.inserted} new records imported",
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
                (b"\n".join([*some, b""]) for some in batched(ingest.archive_lines(), 1_000)),
                content_type="text/tab-separated-values; charset=us-ascii",
                headers={"Content-Disposition": f'attachment; filename="{query.filename}"'},
            )
        count, path = files.export(query.filename)
        return Response(
            {"success": True, "exported": count, "file_path": str(path), "timestamp": _now()}
        )


def _told(day: date, wheel: str, numbers: Iterable[int]) -> dict[str, Any]:
    return {"data": told_day(day), "ruota": wheel, "numeri": numbers}


def _wheels(query: HistoryQuery) -> tuple[str, ...]:
    wheel = query.wheel()
    return (wheel,) if wheel else (*WHEELS, ALL)


def _extent(table: Table) -> dict[str, Any]:
    days = table.days
    return {
        "draws": len(days),
        "first_date": told_day(days[0].item()) if len(days) else None,
        "last_date": told_day(days[-1].item()) if len(days) else None,
    }


def _number(table: Table, item: int) -> dict[str, Any]:
    return {"number": int(item) + 1, **_standing(table, item)}


def _standing(table: Table, item: int) -> dict[str, Any]:
    delays, last = table.delays, table.last_day(item)
    return {
        "frequency": int(delays.frequency[item]),
        "delay": int(delays.delay[item]),
        "max_delay": int(delays.longest[item]),
        "last_date": last and told_day(last),
    }


def _greatest(table: Table, by: str) -> Any:
    """The items by delay, frequency or longest delay, greatest first, then as they count."""
    delays = table.delays
    figures = {
        "delay": delays.delay, "frequency": delays.frequency, "max_delay": delays.longest,
    }[by]  # fmt: skip
    return np.argsort(-figures, kind="stable")


def _overwrite(request: Request, wish: Any) -> bool:
    return bool(wish.overwrite) or request.query_params.get("overwrite", "").lower() in (
        "true",
        "1",
    )
