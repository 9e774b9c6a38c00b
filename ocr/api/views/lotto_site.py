"""`/api/ocr/lotto/upload` and `/api/ocr/riscontri`: the company's Lotto site."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body, read_query
from core.api.rest import upstream_problem
from core.lib.upstream import NotConfigured, UpstreamError
from ocr.api import schema
from ocr.api.queries import OcrUploadBody, RiscontriQuery
from ocr.outlets import lotto_site
from ocr.serializers.common import timestamp
from ocr.serializers.readings import OcrRiscontriDocument, upload_document


class UploadView(APIView):
    waits_for_others = True
    staff_permission = "lotto.change_extraction"  # as saving a draw

    @schema.UPLOAD
    def post(self, request: Request) -> Response | HttpResponse:
        body = read_body(request.data, OcrUploadBody)
        day, wheels = body.day(), body.draw()
        try:
            results = lotto_site.upload(day, wheels)
        except (NotConfigured, UpstreamError) as exc:
            return upstream_problem(exc, success=False)
        return Response(upload_document(results))


class RiscontriView(APIView):
    waits_for_others = True

    @schema.RISCONTRI
    def get(self, request: Request) -> Response | HttpResponse:
        offset = read_query(request.query_params, RiscontriQuery).da
        try:
            page = lotto_site.riscontri(offset)
        except (NotConfigured, UpstreamError) as exc:
            return upstream_problem(exc, success=False)
        return Response(OcrRiscontriDocument(True, page, offset, timestamp=timestamp()))
