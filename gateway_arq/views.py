"""The gateway's own endpoints, as both API references have them; docs/api.md has the rest."""

from __future__ import annotations

import logging
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.rest import DATABASE_UNAVAILABLE, JsonRenderer, Negotiation, problem
from gateway_arq import __version__, documents, metrics, schema
from gateway_arq.health import ping_database, write_obstacle
from gateway_arq.web import ALIVE

logger = logging.getLogger(__name__)

WRITE_RETRY_S: Final = 60  # somebody has to make room


class RootView(APIView):
    """The list of endpoints for API clients; browsers are redirected to the dashboard."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
            return HttpResponseRedirect("/dashboard/", headers={"Vary": "Accept"})
        return super().dispatch(request, *args, **kwargs)

    @schema.ROOT
    def get(self, request: Request) -> Response:
        return Response(documents.ROOT)


class HealthView(APIView):
    @schema.HEALTH
    def get(self, request: Request) -> Response | HttpResponse:
        if (obstacle := write_obstacle()) is not None:
            logger.error("health.not_writable reason=%s", obstacle)
            return problem(503, obstacle, headers={"Retry-After": str(WRITE_RETRY_S)})
        return Response(documents.HealthDocument("healthy"))


class VersionView(APIView):
    @schema.VERSION
    def get(self, request: Request) -> Response:
        return Response(documents.VERSION)


class JsonOrExposition(Negotiation):
    """The view itself chooses between JSON and the Prometheus formats: no scraper gets a 406."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], JsonRenderer.media_type


class MetricsView(APIView):
    content_negotiation_class = JsonOrExposition

    @schema.METRICS
    def get(self, request: Request) -> Response | HttpResponse:
        media_type = exposition_type(request)
        now = metrics.snapshot()
        if media_type is None:
            return Response(metrics.document(now), headers={"Vary": "Accept"})
        body, content_type = metrics.as_prometheus(now, media_type)
        return HttpResponse(body, content_type=content_type, headers={"Vary": "Accept"})


def exposition_type(request: Request) -> str | None:
    """The Prometheus media type of the response, or None for JSON; `?format=` beats Accept."""
    format_ = request.query_params.get("format")
    if format_ not in (None, "json", "prometheus"):
        raise ValidationError({"format": ["This is json or prometheus."]})
    if format_ == "json":
        return None
    preferred = metrics.scraper_type(request._request.accepted_types)
    return preferred or ("text/plain" if format_ == "prometheus" else None)


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Whether the process responds. For probes: no key, no details."""
    return HttpResponse(ALIVE, content_type="application/json")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether the database responds. Redis is not checked: requests are served without it."""
    try:
        ping_database()
    except DATABASE_UNAVAILABLE:
        return problem(503, "Not ready.")
    return HttpResponse(b'{"status":"ready"}', content_type="application/json")


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what every page shows of the gateway."""
    return {"sandbox": settings.SANDBOX, "version": __version__}
