"""What every HTTP request passes through before Django's own middleware and after it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from core.api.rest import problem
from core.lib.logs import set_context
from gateway_arq.errors import is_page

Handler = Callable[[HttpRequest], HttpResponse]

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    """The request's id in log lines and X-Request-ID; the rate limit's verdict in the headers."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request.META.get("HTTP_X_REQUEST_ID", "")
        if not _SANE_ID.fullmatch(request_id):
            request_id = os.urandom(8).hex()
        set_context(request_id)  # stays after this: Django logs a 4xx outside of all middleware
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        if verdict := getattr(request, "rate_limit", None):
            for name, value in verdict.headers().items():
                response.headers[name] = value
        return response


class RepeatedReads:
    """Reads once more where the database had closed the connection, as after its restart.

    A write is not repeated: it may have been committed.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in ("GET", "HEAD") or not getattr(response, "may_repeat", False):
            return response
        connection.close_if_unusable_or_obsolete()
        return self.get_response(request)


class NoStoreMiddleware:
    """No browser or proxy keeps an answer, unless its view says how long; static files do."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class CorsForBrowsers(CorsMiddleware):
    """CORS where a page of another origin asks; programs name none, and are answered sooner."""

    def __call__(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" in request.META:
            return super().__call__(request)
        response: Any = self.get_response(request)
        if settings.CORS_ALLOWED_ORIGINS:
            patch_vary_headers(response, ("origin",))  # for caches: with an origin it differs
        return response


def body_limit(view: Any) -> int:
    """How many bytes a request to this view (None: to nothing) may bring.

    A view that takes pictures says so (`takes_images`): in base64 they are a third larger.
    """
    takes_images = getattr(getattr(view, "cls", view), "takes_images", False)
    limit: int = settings.MAX_IMAGE_BODY_BYTES if takes_images else settings.MAX_BODY_BYTES
    return limit


def body_over(limit: int) -> str:
    """What a 413 says."""
    return f"The request body is over {limit} bytes."


class BodyLimitMiddleware:
    """Refuses what no view could read: bodies too large or of unknown length, NUL in the URL."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._refusal(request) or self.get_response(request)

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        meta = request.META
        if "\0" in request.path_info or "%00" in meta.get("QUERY_STRING", ""):
            return problem(400, "The address contains a NUL character.")
        length = meta.get("CONTENT_LENGTH") or ""
        if not length:
            # WSGI reads no further than CONTENT_LENGTH: the body would silently be taken for empty.
            chunked = "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower()
            return problem(411, "The request needs a Content-Length.") if chunked else None
        if not (length.isascii() and length.isdigit() and len(length) < 19):
            return problem(400, "The Content-Length is not a number.")
        return None

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        limit = body_limit(view)
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        return problem(413, body_over(limit)) if length > limit else None


class ApiLanguageMiddleware:
    """API answers are English, as the reference; pages speak the reader's, else LANGUAGE_CODE."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request) if is_page(request) else "en"
        with translation.override(language):
            return self.get_response(request)


class _ForPeople:
    """Skips a middleware of Django's where nobody logs in: API clients are answered sooner."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if settings.SESSION_COOKIE_NAME in request.COOKIES or is_page(request):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class SessionsOfPeople(_ForPeople, SessionMiddleware):
    """`request.session`, for pages and for requests with a session's cookie."""


class UsersOfPeople(_ForPeople, AuthenticationMiddleware):
    """`request.user`, for pages and for requests with a session's cookie."""


class MessagesToPeople(_ForPeople, MessageMiddleware):
    """Messages to show once, for pages and for requests with a session's cookie."""
