"""OpenAPI of the gateway's own endpoints: what their documents do not say themselves."""

from __future__ import annotations

from functools import partial
from typing import Final

from drf_spectacular.utils import extend_schema
from msgspec import to_builtins

from core.api.documents import described
from core.api.openapi import in_query
from gateway_arq import documents

_describe: Final = partial(extend_schema, tags=["Gateway"])

ROOT: Final = _describe(
    operation_id="root",
    summary="API information and endpoints",
    responses=described(documents.RootDocument, example=to_builtins(documents.ROOT)),
)
HEALTH: Final = _describe(
    operation_id="health",
    summary="Health: 503 when the database is unavailable, or nothing can be stored",
    responses=described(documents.HealthDocument),
)
VERSION: Final = _describe(
    operation_id="version",
    summary="Version and build information",
    responses=described(documents.VersionDocument, example=to_builtins(documents.VERSION)),
)
METRICS: Final = _describe(
    operation_id="metrics",
    summary="System metrics (workers, calls, costs): JSON, "
    "or text for Prometheus as Accept or `format` say",
    parameters=[in_query("format", str, "json or prometheus", enum=["json", "prometheus"])],
    responses={
        (200, "application/json"): described(documents.MetricsDocument),
        (200, "text/plain"): str,
        (200, "application/openmetrics-text"): str,
    },
)
