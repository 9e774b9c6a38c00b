"""`/api/ocr/riscontri2/*`: draws and predictions of the old database."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_query
from ocr import serializers
from ocr.api.queries import LegacyDatesQuery, LegacyRiscontriQuery
from ocr.api.schema import legacy as schema
from ocr.legacy import selectors
from ocr.legacy.riscontri import newest
from ocr.serializers import Document

NO_DRAW: Final = "The legacy database has no draw."


class LegacyView(APIView):
    """A query of the old database, which may be unavailable."""

    def get(self, request: Request) -> Response:
        document = self.document(request)
        return Response({"status": "ok", **document, "timestamp": serializers.timestamp()})

    def document(self, request: Request) -> Document:
        """The fields of the response. Raises NotConfigured or UpstreamError."""
        raise NotImplementedError


@extend_schema_view(get=schema.DATES)
class LegacyDatesView(LegacyView):
    def document(self, request: Request) -> Document:
        found = selectors.days(read_query(request.query_params, LegacyDatesQuery).limit)
        return {"dates": [serializers.date_document(day) for day in found], "count": len(found)}


@extend_schema_view(get=schema.EXTRACTION)
class LegacyExtractionView(LegacyView):
    def document(self, request: Request) -> Document:
        draw = selectors.last_draw()
        if draw is None:
            raise NotFound(NO_DRAW)
        return {**serializers.extraction_document(draw), "wheel_count": len(draw.wheels)}


@extend_schema_view(get=schema.RISCONTRI)
class LegacyRiscontriView(LegacyView):
    def document(self, request: Request) -> Document:
        params = read_query(request.query_params, LegacyRiscontriQuery)
        try:
            found = selectors.followed(params.by_dates)
        except selectors.TooMany as exc:
            raise ValidationError({"by_dates": [str(exc)]}) from None
        if found is None:
            raise NotFound(NO_DRAW)
        return {
            **serializers.extraction_document(found.draw),
            "predictions": [serializers.prediction_document(each) for each in found.riscontri],
            "stats": serializers.stats_document(found.riscontri),
            "stats_last3": serializers.stats_document(newest(found.riscontri, 3)),
            "unreadable": found.unreadable,
        }
