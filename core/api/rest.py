"""JSON in, JSON out, and every error as JSON `{"detail": ...}`.

A view that already holds its answer as bytes returns `Response(RawJson(body))` or a plain
`HttpResponse`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from math import ceil
from typing import Any

import msgspec
import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from msgspec import Struct
from psycopg import errors as postgres
from rest_framework import exceptions
from rest_framework.fields import get_error_detail
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.response import Response

from core.lib.postgres.connection import ServerSilent
from core.lib.postgres.limits import TooManyWaiting
from core.lib.storage import storage_reason
from core.lib.upstream import NotConfigured, UpstreamError

Context = Mapping[str, Any]

logger = logging.getLogger(__name__)

DATABASE_UNAVAILABLE = (OperationalError, InterfaceError)
DATABASE_RETRY_S = 5
_TIMEOUTS = (
    postgres.QueryCanceled,
    postgres.LockNotAvailable,
    postgres.ConnectionTimeout,
    ServerSilent,
    TooManyWaiting,
)
_LATE = "The database did not answer in time. Try again."
_LARGE = 65_536  # bytes
# No other thread runs while one is parsed: the event loop would wait for several at once.
_one_large = threading.Lock()
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


class RawJson(bytes):
    """Bytes that are JSON already: the renderer passes them through."""


def to_json(data: Any, *, indent: bool = False) -> bytes:
    """`data` as UTF-8 JSON; Decimals become numbers, aware times end in Z. Else TypeError."""
    if isinstance(data, Struct):
        body = _ENCODER.encode(data)
    else:
        body = orjson.dumps(data, _plain, _OPTIONS)
    return msgspec.json.format(body, indent=2) if indent else body


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return orjson.Fragment(_ENCODER.encode(value))
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")


class JsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None  # JSON is UTF-8

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Context | None = None,
    ) -> bytes:
        pretty = bool(renderer_context and renderer_context.get("indent"))
        if isinstance(data, RawJson):
            return to_json(orjson.loads(bytes(data)), indent=True) if pretty else data
        return b"" if data is None else to_json(data, indent=pretty)


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's HTML pages, for logged-in staff; anybody else gets the JSON."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Context | None = None,
    ) -> Any:
        context = dict(renderer_context or {})
        if getattr(context["request"].user, "is_staff", False):
            return super().render(data, accepted_media_type, context)
        context["response"]["Content-Type"] = JsonRenderer.media_type
        return JsonRenderer().render(data)


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read()
        try:
            if len(body) <= _LARGE:
                return orjson.loads(body)
            with _one_large:
                return orjson.loads(body)
        except orjson.JSONDecodeError as exc:
            raise exceptions.ParseError(f"The body is not JSON: {exc}") from None


def prefers_json(request: HttpRequest) -> bool:
    """Whether DRF would choose JSON: it stands first or anything goes, without `format=`."""
    first = request.META.get("HTTP_ACCEPT", "*/*").partition(",")[0].strip()
    is_json = first in ("*/*", JsonRenderer.media_type)
    return is_json and "format=" not in request.META.get("QUERY_STRING", "")


class Negotiation(DefaultContentNegotiation):
    """DRF's negotiation with the usual answer first: JSON."""

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        if isinstance(renderers[0], JsonRenderer) and prefers_json(request._request):
            return renderers[0], JsonRenderer.media_type
        return super().select_renderer(request, renderers, format_suffix)

    def filter_renderers(
        self, renderers: Iterable[BaseRenderer], format: str
    ) -> list[BaseRenderer]:
        matching = [renderer for renderer in renderers if renderer.format == format]
        if not matching:
            known = ", ".join(str(renderer.format) for renderer in renderers)
            raise exceptions.NotAcceptable(f"No such format here; there is: {known}.")
        return matching


def problem(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
) -> HttpResponse:
    """An error answer: `{"detail": ..., **extra}`."""
    body = to_json({"detail": detail, **extra})
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def unavailable(error: BaseException | None) -> HttpResponse | None:
    """507 when nothing can be stored, 503 when the database cannot be reached, else None.

    Each such request is logged; `core.lib.logs` makes one line of those that say the same.
    """
    first_line = str(error).partition("\n")[0]
    if (reason := storage_reason(error)) is not None:
        logger.error("storage.failed error=%s", first_line)
        return problem(507, f"{reason} Nothing was stored.")
    if not isinstance(error, DATABASE_UNAVAILABLE):
        return None
    is_late = isinstance(error.__cause__, _TIMEOUTS)
    logger.error("database.away error=%s", first_line)
    response = problem(
        503,
        _LATE if is_late else "The database is not available. Try again.",
        headers={"Retry-After": str(DATABASE_RETRY_S)},
    )
    response.may_repeat = not is_late  # type: ignore[attr-defined]  # RepeatedReads does
    return response


def upstream_problem(exc: NotConfigured | UpstreamError, **fields: Any) -> HttpResponse:
    """503 for a system that is not configured or asks to wait, 400 if it refuses, else 502."""
    if isinstance(exc, NotConfigured):
        return problem(503, str(exc), **fields)
    if exc.is_refused:
        return problem(400, str(exc), **fields)
    if exc.retry_after_s is None:
        return problem(502, str(exc), **fields)
    wait = {"Retry-After": str(ceil(exc.retry_after_s))}
    return problem(503, str(exc), headers=wait, **fields)


def error_response(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's exception handler: the JSON answer, or None for our own fault (500, by Django)."""
    if (response := unavailable(exc)) is not None:
        return response
    if isinstance(exc, RequestDataTooBig):
        return problem(413, str(exc))
    if isinstance(exc, (NotConfigured, UpstreamError)):
        return upstream_problem(exc)
    known = _as_api_exception(exc)
    if known is None:
        return None
    renderer = getattr(context.get("request"), "accepted_renderer", None)
    if isinstance(renderer, BrowsableRenderer):
        return Response(_body(known), status=known.status_code, headers=_headers(known))
    return problem(known.status_code, headers=_headers(known), **_body(known))


def _as_api_exception(exc: Exception) -> exceptions.APIException | None:
    if isinstance(exc, exceptions.APIException):
        return exc
    if isinstance(exc, Http404):
        return exceptions.NotFound(*exc.args)
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied(*exc.args)
    if isinstance(exc, ValidationError):
        return exceptions.ValidationError(get_error_detail(exc))
    return None


def _headers(exc: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    return headers


def _body(exc: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exc, exceptions.ValidationError):
        errors = exc.detail if isinstance(exc.detail, dict) else {"non_field_errors": exc.detail}
        return {"detail": " ".join(_sentences(errors)), "errors": errors}
    detail = str(exc.detail)
    if exc.status_code == 401:
        return {"detail": detail, "code": exc.get_codes()}
    return {"detail": detail}


def _sentences(errors: Any, field: str = "") -> Iterator[str]:
    """Every message after its field's path: `rows.2.cost: A valid number is required.`"""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            path = (
                field if name in ("non_field_errors", "__all__") else f"{field}.{name}".lstrip(".")
            )
            yield from _sentences(inner, path)
    elif isinstance(errors, list):
        for index, inner in enumerate(errors):
            yield from _sentences(
                inner, field if isinstance(inner, str) else f"{field}.{index}".lstrip(".")
            )
    else:
        yield f"{field}: {errors}" if field else str(errors)
