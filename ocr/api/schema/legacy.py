from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers as s

from core.api.openapi import in_query
from lotto.types import OUTCOMES, WHEELS
from ocr.api.schema.common import ADDED, TAGS

_AT: Final = "2025-12-09T10:00:00Z"


class LegacyDate(s.Serializer[Any]):
    raw = s.CharField(help_text="As it is stored: YYYYMMDD")
    formatted = s.DateField()
    display = s.CharField(help_text="As it is shown: DD/MM/YYYY")


class LegacyWheel(s.Serializer[Any]):
    name = s.CharField()
    numbers = s.ListField(
        child=s.IntegerField(min_value=1, max_value=90), min_length=5, max_length=5
    )


class LegacyWheels(s.DictField):
    child = LegacyWheel()


class LegacyRiscontro(s.Serializer[Any]):
    id = s.IntegerField()
    date = s.DateField(help_text="The draw that it was made for")
    colpo = s.IntegerField(help_text="How many draws it is followed for; 1: the one of its date")
    wheels = s.ListField(child=s.CharField(), help_text=f"Of {', '.join(WHEELS)}")
    tutte = s.BooleanField(help_text="Played on all wheels: the ten of the cities")
    numbers = s.ListField(child=s.IntegerField(min_value=1, max_value=90))
    note = s.CharField(allow_blank=True)
    hits = s.IntegerField(help_text="The most of its numbers that came on one wheel")
    hits_by_wheel = s.DictField(child=s.ListField(child=s.IntegerField()))
    missing = s.ListField(
        child=s.CharField(), help_text="Its wheels that the draw does not have yet"
    )
    outcome = s.ChoiceField(list(OUTCOMES), allow_null=True)


class LegacyStats(s.Serializer[Any]):
    total = s.IntegerField()
    estratti = s.IntegerField(help_text="Predictions whose best outcome is this one, as below")
    ambi = s.IntegerField()
    terni = s.IntegerField(help_text=ADDED)
    quaterne = s.IntegerField(help_text=ADDED)
    cinquine = s.IntegerField(help_text=ADDED)


class LegacyRefused(s.Serializer[Any]):
    detail = s.CharField()


_DATE: Final = {"raw": "20251207", "formatted": "2025-12-07", "display": "07/12/2025"}
_EXTRACTION: Final = {
    "BA": {"name": "BARI", "numbers": [12, 45, 67, 23, 89]},
    "CA": {"name": "CAGLIARI", "numbers": [4, 79, 80, 66, 84]},
}
_NO_HITS: Final = {"estratti": 0, "ambi": 0, "terni": 0, "quaterne": 0, "cinquine": 0}


def _response(name: str, fields: dict[str, Any], example: dict[str, Any]) -> OpenApiResponse:
    status, at = s.CharField(help_text="ok"), s.DateTimeField()
    return OpenApiResponse(
        inline_serializer(name, {"status": status, **fields, "timestamp": at}),
        examples=[
            OpenApiExample(
                "From the reference",
                {"status": "ok", **example, "timestamp": _AT},
                response_only=True,
            )
        ],
    )


def _refused(text: str) -> OpenApiResponse:
    return OpenApiResponse(LegacyRefused, examples=[OpenApiExample(text, {"detail": text})])


def _count(name: str, maximum: int, text: str) -> OpenApiParameter:
    kind = {"type": "integer", "minimum": 1, "maximum": maximum}
    return in_query(name, kind, text)


_NO_DRAW: Final = {404: _refused("The legacy database has no draw.")}
_UNAVAILABLE: Final = {
    502: _refused("The legacy database is not as documented."),
    503: _refused("The legacy database does not answer. Try again."),
}

DATES: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_riscontri2_dates",
    summary="Get the days with a draw in the legacy database",
    parameters=[_count("limit", 1_000, "Days, newest first; default 10")],
    responses={
        200: _response(
            "LegacyDates",
            {"dates": LegacyDate(many=True), "count": s.IntegerField()},
            {"dates": [_DATE], "count": 1},
        ),
        **_UNAVAILABLE,
    },
)
EXTRACTION: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_riscontri2_extraction",
    summary="Get the newest draw of the legacy database",
    responses={
        200: _response(
            "LegacyExtraction",
            {
                "date": LegacyDate(help_text=ADDED),
                "extraction": LegacyWheels(),
                "wheel_count": s.IntegerField(),
            },
            {"date": _DATE, "extraction": _EXTRACTION, "wheel_count": 2},
        ),
        **_NO_DRAW,
        **_UNAVAILABLE,
    },
)
RISCONTRI: Final = extend_schema(
    tags=TAGS,
    operation_id="ocr_riscontri2_riscontri",
    summary="Compare the predictions of the legacy database with its newest draw",
    description=(
        "The predictions made for the last `by_dates` draws, each against the newest one. "
        "`stats_last3` counts those of the three newest days among them."
    ),
    parameters=[_count("by_dates", 100, "Draws that predictions are looked for; default 15")],
    responses={
        200: _response(
            "LegacyRiscontri",
            {
                "date": LegacyDate(help_text=ADDED),
                "extraction": LegacyWheels(),
                "predictions": LegacyRiscontro(many=True),
                "stats": LegacyStats(),
                "stats_last3": LegacyStats(),
                "unreadable": s.IntegerField(help_text=f"Rows that are no prediction {ADDED}"),
            },
            {
                "date": _DATE,
                "extraction": _EXTRACTION,
                "predictions": [
                    {
                        "id": 1207,
                        "date": "2025-12-06",
                        "colpo": 2,
                        "wheels": ["BA", "CA"],
                        "tutte": False,
                        "numbers": [45, 23, 4],
                        "note": "Terzina per Bari e Cagliari",
                        "hits": 2,
                        "hits_by_wheel": {"BA": [45, 23], "CA": [4]},
                        "missing": [],
                        "outcome": "ambo",
                    }
                ],
                "stats": {"total": 1, **_NO_HITS, "ambi": 1},
                "stats_last3": {"total": 1, **_NO_HITS, "ambi": 1},
                "unreadable": 0,
            },
        ),
        **_NO_DRAW,
        **_UNAVAILABLE,
    },
)
