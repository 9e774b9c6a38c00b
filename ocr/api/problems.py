"""Errors of outside services as HTTP responses."""

from __future__ import annotations

from math import ceil
from typing import Any

from django.http import HttpResponse

from core.api.rest import problem
from ocr.types import ServiceError, ServiceOff


def service_problem(exc: ServiceOff | ServiceError, **fields: Any) -> HttpResponse:
    """503 for a service that is off or asks to wait, 400 for one that refuses, else 502."""
    if isinstance(exc, ServiceOff):
        return problem(503, str(exc), **fields)
    if exc.is_refused:
        return problem(400, str(exc), **fields)
    if exc.retry_after_s is None:
        return problem(502, str(exc), **fields)
    wait = {"Retry-After": str(ceil(exc.retry_after_s))}
    return problem(503, str(exc), headers=wait, **fields)
