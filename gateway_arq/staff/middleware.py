"""Middleware of the admin's pages, in addition to Django's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from core.auth.hashing import TooManyHashes
from gateway_arq.staff.audit import changes_of

Handler = Callable[[HttpRequest], HttpResponse]

# Nothing but this host and no script in the page. The theme needs two exceptions: Alpine.js
# evaluates the expressions of its attributes, and the theme sets colours and widths as styles.
POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class AdminPolicy:
    """The content security policy of /admin/."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/admin"):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class WhoChanges:
    """Record the sender of an unsafe request in the audit trail of its changes."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in SAFE_METHODS:
            return self.get_response(request)
        with changes_of(request):
            return self.get_response(request)


class BusyLogin:
    """Answer 503 where a password cannot be hashed now."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        from gateway_arq.staff.login import busy  # Django's forms need all apps

        return busy(request) if isinstance(error, TooManyHashes) else None
