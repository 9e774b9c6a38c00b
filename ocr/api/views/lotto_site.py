"""`/api/ocr/lotto/upload` and `/api/ocr/riscontri`: the company's Lotto site."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body, read_query
from core.api.rest import problem
from lotto.types import WHEELS
from ocr.api.queries import RiscontriQuery, UploadBody
from ocr.api.schema.lotto_site import RISCONTRI, UPLOAD
from ocr.outlets import lotto_site
from ocr.types import SiteError, SiteOff, WheelUploaded


class UploadView(APIView):
    staff_permission = "ocr.change_autobotrun"

    @UPLOAD
    def post(self, request: Request) -> Response | HttpResponse:
        wish = read_body(request.data, UploadBody)
        day, wheels = wish.day(), wish.draw()
        try:
            results = lotto_site.upload(day, wheels)
        except (SiteOff, SiteError) as exc:
            return _unavailable(exc)
        return Response({**told_of(results), "timestamp": timezone.now().replace(microsecond=0)})


class RiscontriView(APIView):
    @RISCONTRI
    def get(self, request: Request) -> Response | HttpResponse:
        offset = read_query(request.query_params, RiscontriQuery).da
        try:
            page = lotto_site.riscontri(offset)
        except (SiteOff, SiteError) as exc:
            return _unavailable(exc)
        return Response(
            {
                "success": True,
                "html": page,
                "current_offset": offset,
                "timestamp": timezone.now().replace(microsecond=0),
            }
        )


def told_of(results: Sequence[WheelUploaded]) -> dict[str, Any]:
    """What became of the wheels, in the reference's words; a success when all are there."""
    return {
        "success": all(each.is_done for each in results),
        "wheels_uploaded": sum(each.is_done for each in results),
        "results": [
            {"wheel": WHEELS[each.wheel], "success": each.is_done}
            | ({"detail": each.detail} if each.detail else {})
            for each in results
        ],
    }


def _unavailable(exc: SiteOff | SiteError) -> HttpResponse:
    if isinstance(exc, SiteOff):
        return problem(503, str(exc), success=False)
    if exc.retry_after_s is not None:
        wait = {"Retry-After": str(ceil(exc.retry_after_s))}
        return problem(503, str(exc), headers=wait, success=False)
    return problem(502, str(exc), success=False)
