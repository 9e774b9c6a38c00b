"""`/api/ocr/autobot/*`: what AutoBOT does, starts, stops, and is configured to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body
from core.api.rest import problem
from core.auth.types import Caller
from ocr import selectors
from ocr.api.queries import ConfigBody, StartBody
from ocr.api.schema import autobot as schema
from ocr.autobot import services
from ocr.clients.stream import checked_url
from ocr.types import RunBusy, RunRefused, StreamRefused


class StatusView(APIView):
    @schema.STATUS
    def get(self, request: Request) -> Response:
        return Response(selectors.status(selectors.latest()))


class StartView(APIView):
    staff_permission = "ocr.change_autobotrun"

    @schema.START
    def post(self, request: Request) -> Response | HttpResponse:
        wish = read_body(request.data, StartBody)
        options = {name: getattr(wish, name) for name in services.OPTIONS}
        try:
            run = services.start(
                by=_asker(request), extraordinary=wish.extraordinary, options=options
            )
        except RunBusy as exc:
            busy = {"detail": f"{exc} State: {exc.state}.", "success": False}
            return Response({**busy, **selectors.status(selectors.unfinished())}, status=409)
        except RunRefused as exc:
            return problem(503, str(exc), success=False)
        return Response(
            {
                "success": True,
                **selectors.status(run),
                "message": "AutoBOT started",
                "timestamp": _now(),
            }
        )


class StopView(APIView):
    staff_permission = "ocr.change_autobotrun"

    @schema.STOP
    def post(self, request: Request) -> Response:
        before, run = services.stop(by=_asker(request))
        return Response(
            {
                "success": True,
                "status": "idle",
                "previous_status": before,
                "message": "AutoBOT stopped" if run else "AutoBOT was not at work",
                "timestamp": _now(),
            }
        )


class ConfigView(APIView):
    staff_permission = "ocr.change_autobotconfig"

    @schema.CONFIG
    def get(self, request: Request) -> Response:
        config = selectors.config()
        return Response(
            {
                "stream_url": config.stream_url or settings.OCR_STREAM_URL,
                "default_stream_url": settings.OCR_STREAM_URL,
                "schedule": selectors.schedule(),
                "config": _options(config),
                "timestamp": _now(),
            }
        )

    @schema.CONFIGURE
    def put(self, request: Request) -> Response:
        wish = read_body(request.data, ConfigBody)
        config = services.configure(_changes(wish))
        return Response(
            {
                "success": True,
                "config": _options(config),
                "stream_url": config.stream_url or settings.OCR_STREAM_URL,
                "message": "Configuration updated",
                "timestamp": _now(),
            }
        )


def _changes(wish: ConfigBody) -> dict[str, Any]:
    """What is to be changed. Raises ValidationError for an address that may not be fetched."""
    told = {name: getattr(wish, name) for name in services.OPTIONS}
    changes = {name: value for name, value in told.items() if value is not None}
    if wish.stream_url is None:
        return changes
    try:
        url = wish.stream_url and checked_url(wish.stream_url, settings.OCR_STREAM_NETWORKS)
    except StreamRefused as exc:
        raise ValidationError({"stream_url": [str(exc)]}) from None
    # What is the default today need not be tomorrow: it is not written down.
    return {**changes, "stream_url": "" if url == settings.OCR_STREAM_URL else url}


def _options(config: Any) -> dict[str, bool]:
    return {name: getattr(config, name) for name in services.OPTIONS}


def _asker(request: Request) -> str:
    """Who asked, for the run's row: a key's name, or a member of staff's."""
    caller: Caller = request.auth  # type: ignore[assignment]  # DRF thinks of its own tokens
    return f"API ({caller.name})"[:150]


def _now() -> datetime:
    return timezone.now().replace(microsecond=0)
