"""OpenAPI of the gateway's own endpoints: the references' fields and examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers as s

from core.workers.models import Health

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class RootDocument(s.Serializer[Any]):
    message = s.CharField()
    version = s.CharField()
    status = s.CharField()
    endpoints = s.DictField(child=s.CharField())


class HealthDocument(s.Serializer[Any]):
    status = s.CharField()


class VersionDocument(s.Serializer[Any]):
    title = s.CharField()
    version = s.CharField()
    description = s.CharField()
    copyright = s.CharField()


class Worker(s.Serializer[Any]):
    status = s.ChoiceField(Health.values)
    last_run = s.DateTimeField(allow_null=True, help_text="Null: it has never run")
    last_error = s.CharField(
        required=False, help_text="Only when degraded or down (addition to the reference)"
    )


class CallCounts(s.Serializer[Any]):
    webcom_active = s.IntegerField()
    asterisk_active = s.IntegerField()
    total_today = s.IntegerField()


class WebcomLines(s.Serializer[Any]):
    line_ids = s.ListField(child=s.CharField())


class Costs(s.Serializer[Any]):
    today = s.FloatField(help_text="Euro")


class Stats(s.Serializer[Any]):
    asterisk_active = s.IntegerField()


class MetricsDocument(s.Serializer[Any]):
    workers = s.DictField(child=Worker())
    calls = CallCounts()
    webcom = WebcomLines()
    costs = Costs()
    stats = Stats()
    timestamp = s.DateTimeField()


_METRICS: Final = {
    "workers": {
        "webcom": {"status": "healthy", "last_run": "2025-11-15T13:30:00Z"},
        "webtv": {"status": "healthy", "last_run": "2025-11-15T13:30:00Z"},
        "asterisk": {"status": "down", "last_run": "2025-11-15T13:28:00Z", "last_error": "timeout"},
    },
    "calls": {"webcom_active": 3, "asterisk_active": 1, "total_today": 245},
    "webcom": {"line_ids": ["Sickprod90TLW", "Sickprod80FW"]},
    "costs": {"today": 45.5},
    "stats": {"asterisk_active": 5},
    "timestamp": "2025-11-15T13:30:00Z",
}


def _documented(
    operation_id: str,
    summary: str,
    response: type[s.Serializer[Any]],
    example: Any,
    text: Sequence[str] = (),
    **more: Any,
) -> Decorator:
    reference = OpenApiExample("From the reference", example, response_only=True)
    responses: dict[Any, Any] = {
        (200, "application/json"): OpenApiResponse(response, examples=[reference])
    }
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        tags=["Gateway"],
        responses=responses | {(200, media_type): str for media_type in text},
        **more,
    )


def root(example: dict[str, Any]) -> Decorator:
    return _documented("root", "API information and endpoints", RootDocument, example)


def version(example: dict[str, Any]) -> Decorator:
    return _documented("version", "Version and build information", VersionDocument, example)


HEALTH = _documented(
    "health", "Health: 503 when the database is unavailable", HealthDocument, {"status": "healthy"}
)
METRICS = _documented(
    "metrics",
    "System metrics (workers, calls, costs): JSON, "
    "or text for Prometheus as Accept or `format` say",
    MetricsDocument,
    _METRICS,
    text=["text/plain", "application/openmetrics-text"],
    parameters=[OpenApiParameter("format", str, enum=["json", "prometheus"])],
)
