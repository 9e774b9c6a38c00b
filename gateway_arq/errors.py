"""Django's error pages: JSON for API clients, HTML where people browse."""

from __future__ import annotations

import sys

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views import csrf, defaults

from core.api.rest import problem, unavailable
from core.lib.logs import current_context

PAGES = ("/admin", "/dashboard", "/docs", "/i18n")


def is_page(request: HttpRequest) -> bool:
    """Whether the address belongs to the pages for people, not to the API."""
    return request.path_info.startswith(PAGES)


def _wants_page(request: HttpRequest) -> bool:
    return is_page(request) and "text/html" in request.META.get("HTTP_ACCEPT", "")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 (413 for a body that is too large)."""
    if isinstance(exception, RequestDataTooBig):
        return problem(413, str(exception))
    if _wants_page(request):
        return defaults.bad_request(request, exception)
    return problem(400, "Bad request.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    if _wants_page(request):
        return defaults.permission_denied(request, exception)
    return problem(403, str(exception) or "Permission denied.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for an unsafe request of a session without a valid CSRF token."""
    if _wants_page(request):
        return csrf.csrf_failure(request, reason)
    return problem(403, f"CSRF Failed: {reason}")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    if _wants_page(request):
        return defaults.page_not_found(request, exception)
    return problem(404, "Not found.")


def server_error(request: HttpRequest) -> HttpResponse:
    """500 with the request id that the log has; 503 or 507 when the database or a disk fails."""
    if (response := unavailable(sys.exception())) is not None:
        return response
    if _wants_page(request):
        return defaults.server_error(request)
    return problem(500, "Internal server error.", request_id=current_context())
