"""`/api/ocr/autobot/*`: what AutoBOT does, starts, stops, and is configured to do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from msgspec.structs import asdict
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.params import read_body
from core.api.rest import problem
from core.auth.types import Caller
from ocr import selectors
from ocr.api import schema
from ocr.api.queries import AutobotConfigureBody, AutobotStartBody
from ocr.autobot import services
from ocr.clients.stream import checked_url
from ocr.serializers.autobot import (
    AutobotBusyDocument,
    AutobotConfigurationDocument,
    AutobotConfiguredDocument,
    AutobotStartedDocument,
    AutobotStoppedDocument,
    options_document,
    status_document,
)
from ocr.serializers.common import timestamp
from ocr.types import RunBusy, RunRefused, StreamRefused


class AutobotStatusView(APIView):
    @schema.STATUS
    def get(self, request: Request) -> Response:
        return Response(status_document(selectors.latest()))


class AutobotStartView(APIView):
    staff_permission = "ocr.change_autobotrun"

    @schema.START
    def post(self, request: Request) -> Response | HttpResponse:
        body = read_body(request.data, AutobotStartBody)
        try:
            run = services.start(
                by=_caller(request), extraordinary=body.extraordinary, options=_options(body)
            )
        except RunBusy as exc:
            status = asdict(status_document(selectors.unfinished()))
            busy = AutobotBusyDocument(f"{exc} State: {exc.state}.", False, **status)
            return Response(busy, status=409)
        except RunRefused as exc:
            return problem(503, str(exc), success=False)
        status = {**asdict(status_document(run)), "message": "AutoBOT started"}
        return Response(AutobotStartedDocument(True, **status, timestamp=timestamp()))


class AutobotStopView(APIView):
    staff_permission = "ocr.change_autobotrun"

    @schema.STOP
    def post(self, request: Request) -> Response:
        before, run = services.stop(by=_caller(request))
        message = "AutoBOT stopped" if run else "AutoBOT was not at work"
        return Response(
            AutobotStoppedDocument(True, "idle", before, message, timestamp=timestamp())
        )


class AutobotConfigView(APIView):
    staff_permission = "ocr.change_autobotconfig"

    @schema.CONFIG
    def get(self, request: Request) -> Response:
        config = selectors.config()
        return Response(
            AutobotConfigurationDocument(
                stream_url=config.stream_url or settings.OCR_STREAM_URL,
                default_stream_url=settings.OCR_STREAM_URL,
                schedule=selectors.schedule(),
                config=options_document(config),
                timestamp=timestamp(),
            )
        )

    @schema.CONFIGURE
    def put(self, request: Request) -> Response:
        config = services.configure(_changes(read_body(request.data, AutobotConfigureBody)))
        return Response(
            AutobotConfiguredDocument(
                success=True,
                config=options_document(config),
                stream_url=config.stream_url or settings.OCR_STREAM_URL,
                message="Configuration updated",
                timestamp=timestamp(),
            )
        )


def _changes(body: AutobotConfigureBody) -> dict[str, Any]:
    """The fields to change. Raises ValidationError for an address that may not be fetched."""
    changes = {name: value for name, value in _options(body).items() if value is not None}
    if body.stream_url is None:
        return changes
    try:
        url = body.stream_url and checked_url(body.stream_url, settings.OCR_STREAM_NETWORKS)
    except StreamRefused as exc:
        raise ValidationError({"stream_url": [str(exc)]}) from None
    # The default of today need not be that of tomorrow: it is not stored.
    return {**changes, "stream_url": "" if url == settings.OCR_STREAM_URL else url}


def _options(source: Any) -> dict[str, Any]:
    return {name: getattr(source, name) for name in services.OPTIONS}


def _caller(request: Request) -> str:
    """Who calls, for the run's row: the name of a key or of a member of staff."""
    caller: Caller = request.auth  # type: ignore[assignment]  # DRF thinks of its own tokens
    return f"API ({caller.name})"[:150]
