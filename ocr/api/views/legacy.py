"""`/api/ocr/riscontri2/*`: draws and predictions of the old database."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import extend_schema_view
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.documents import Document
from core.api.params import read_query
from ocr.api import schema
from ocr.api.queries import LegacyDatesQuery, LegacyRiscontriQuery
from ocr.legacy import selectors
from ocr.serializers.legacy import dates_document, extraction_document, riscontri_document

NO_DRAW: Final = "The legacy database has no draw."


class LegacyView(APIView):
    """A query of the old database, which may be unavailable."""

    def get(self, request: Request) -> Response:
        return Response(self.document(request))

    def document(self, request: Request) -> Document:
        """The response. Raises NotConfigured or UpstreamError."""
        raise NotImplementedError


@extend_schema_view(get=schema.LEGACY_DATES)
class LegacyDatesView(LegacyView):
    def document(self, request: Request) -> Document:
        limit = read_query(request.query_params, LegacyDatesQuery).limit
        return dates_document(selectors.days(limit))


@extend_schema_view(get=schema.LEGACY_EXTRACTION)
class LegacyExtractionView(LegacyView):
    def document(self, request: Request) -> Document:
        draw = selectors.last_draw()
        if draw is None:
            raise NotFound(NO_DRAW)
        return extraction_document(draw)


@extend_schema_view(get=schema.LEGACY_RISCONTRI)
class LegacyRiscontriView(LegacyView):
    def document(self, request: Request) -> Document:
        params = read_query(request.query_params, LegacyRiscontriQuery)
        try:
            found = selectors.followed(params.by_dates)
        except selectors.TooMany as exc:
            raise ValidationError({"by_dates": [str(exc)]}) from None
        if found is None:
            raise NotFound(NO_DRAW)
        return riscontri_document(found)
