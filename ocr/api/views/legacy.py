"""`/api/ocr/riscontri2/*`: draws and predictions of the old database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from math import ceil
from typing import Any, Final

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_query
from core.api.rest import problem
from lotto.types import WHEELS
from ocr.api.queries import LegacyDatesQuery, LegacyRiscontriQuery
from ocr.api.schema import legacy as schema
from ocr.legacy import selectors
from ocr.legacy.riscontri import Riscontro, newest, outcomes
from ocr.types import LegacyError, LegacyOff

NO_DRAW: Final = "The legacy database has no draw."
PLURALS: Final = {
    "estratti": "estratto",
    "ambi": "ambo",
    "terni": "terno",
    "quaterne": "quaterna",
    "cinquine": "cinquina",
}


class LegacyView(APIView):
    """A question to the old database, which may be away."""

    def get(self, request: Request) -> Response | HttpResponse:
        try:
            response = self.document(request)
        except LegacyOff as exc:
            return problem(503, str(exc))
        except LegacyError as exc:
            return _not_told(exc)
        now = timezone.now().replace(microsecond=0)
        return Response({"status": "ok", **response, "timestamp": now})

    def document(self, request: Request) -> dict[str, Any]:
        """What is told. Raises LegacyOff or LegacyError."""
        raise NotImplementedError


@extend_schema_view(get=schema.DATES)
class DatesView(LegacyView):
    def document(self, request: Request) -> dict[str, Any]:
        found = selectors.days(read_query(request.query_params, LegacyDatesQuery).limit)
        return {"dates": [_date(day) for day in found], "count": len(found)}


@extend_schema_view(get=schema.EXTRACTION)
class ExtractionView(LegacyView):
    def document(self, request: Request) -> dict[str, Any]:
        draw = selectors.last_draw()
        if draw is None:
            raise NotFound(NO_DRAW)
        return {
            "date": _date(draw.day),
            "extraction": _extraction(draw),
            "wheel_count": len(draw.wheels),
        }


@extend_schema_view(get=schema.RISCONTRI)
class RiscontriView(LegacyView):
    def document(self, request: Request) -> dict[str, Any]:
        wish = read_query(request.query_params, LegacyRiscontriQuery)
        try:
            found = selectors.followed(wish.by_dates)
        except selectors.TooMany as exc:
            raise ValidationError({"by_dates": [str(exc)]}) from None
        if found is None:
            raise NotFound(NO_DRAW)
        return {
            "date": _date(found.draw.day),
            "extraction": _extraction(found.draw),
            "predictions": [_prediction(each) for each in found.riscontri],
            "stats": _stats(found.riscontri),
            "stats_last3": _stats(newest(found.riscontri, 3)),
            "unreadable": found.unreadable,
        }


def _not_told(exc: LegacyError) -> HttpResponse:
    if exc.retry_after_s is None:
        return problem(502, str(exc))
    return problem(503, str(exc), headers={"Retry-After": str(ceil(exc.retry_after_s))})


def _date(day: date) -> dict[str, str]:
    return {"raw": f"{day:%Y%m%d}", "formatted": day.isoformat(), "display": f"{day:%d/%m/%Y}"}


def _extraction(draw: selectors.LegacyDraw) -> dict[str, Any]:
    return {
        wheel: {"name": WHEELS[wheel], "numbers": numbers} for wheel, numbers in draw.wheels.items()
    }


def _prediction(each: Riscontro) -> dict[str, Any]:
    made = each.prediction
    return {
        "id": made.id,
        "date": made.day.isoformat(),
        "colpo": each.colpo,
        "wheels": made.wheels,
        "tutte": made.is_all,
        "numbers": made.numbers,
        "note": made.note,
        "hits": each.best,
        "hits_by_wheel": each.hits,
        "missing": each.missing,
        "outcome": each.outcome,
    }


def _stats(riscontri: Iterable[Riscontro]) -> dict[str, int]:
    found = outcomes(riscontri)
    return {"total": found.total(), **{many: found[one] for many, one in PLURALS.items()}}
