"""How the OpenAPI document tells who may ask, and the errors that every endpoint can give."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from core.api.authentication import CHALLENGE, NO_KEY

_ERROR = {"$ref": "#/components/schemas/Error"}
_ERRORS: dict[str, tuple[str, dict[str, Any]]] = {
    "401": (
        "No key, or one that is unknown, expired or revoked.",
        {"detail": NO_KEY, "code": "missing_api_key"},
    ),
    "403": (
        "The key lacks the scope.",
        {"detail": "This needs the scope write; this key has read."},
    ),
    "406": ("No such format here.", {"detail": "Could not satisfy the request Accept header."}),
    "429": (
        "Too many requests from this address.",
        {"detail": "Request was throttled. Expected available in 9 seconds."},
    ),
    "500": ("Our fault.", {"detail": "Internal server error.", "request_id": "9f2c4e1ab03d5577"}),
    "503": ("The database is away.", {"detail": "The database is not available. Try again."}),
    "507": ("Nothing can be stored.", {"detail": "The disk is full. Nothing was stored."}),
}
_INVALID = {
    "detail": "limit: A valid integer is required.",
    "errors": {"limit": ["A valid integer is required."]},
}
_RATE_HEADERS = {
    "X-RateLimit-Limit": ("integer", "Requests a minute for one address."),
    "X-RateLimit-Remaining": ("integer", "Requests left in this window."),
    "X-RateLimit-Reset": ("integer", "When the window closes, epoch seconds."),
    "RateLimit": (
        "string",
        'IETF draft 11: `"default";r=99;t=60` (left; seconds until the window closes).',
    ),
    "RateLimit-Policy": ("string", 'IETF draft 11: `"default";q=100;w=60`.'),
    "X-Request-ID": ("string", "The id of this request, as in our logs."),
}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "core.api.authentication.ApiKeyAuthentication"
    name = ["ApiKey", "Bearer"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{"ApiKey": []}, {"Bearer": []}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            {"type": "http", "scheme": "bearer", "description": "The same API key."},
        ]


class StaffSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "core.api.authentication.StaffSessionAuthentication"
    name = "StaffSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A logged-in member of staff; "
            "unsafe methods need the X-CSRFToken header.",
        }


class KeylessNetworkScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """No scheme that a client could use: the document leaves it out."""

    target_class = "core.api.authentication.KeylessNetworkAuthentication"
    name: list[str] = []

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return []

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return []


def add_errors(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """drf-spectacular hook: the error answers and headers that all endpoints with a key share."""
    result["components"].setdefault("schemas", {})["Error"] = {
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {"type": "string", "description": "What went wrong, for people."},
            "code": {
                "type": "string",
                "description": "With 401: missing_api_key, invalid_api_key, ...",
            },
            "errors": {"type": "object", "description": "Only with 400: messages by field."},
            "request_id": {"type": "string", "description": "Only with 500."},
        },
    }
    for path in result["paths"].values():
        for operation in path.values():
            if operation.get("security"):
                _complete(operation)
    return result


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for response in responses.values():
        response.setdefault("headers", {}).update(_headers(_RATE_HEADERS))
    for status, (description, example) in _ERRORS.items():
        responses.setdefault(status, _response(description, example))
    if "requestBody" in operation or operation.get("parameters"):
        responses.setdefault("400", _response("A parameter or the body is wrong.", _INVALID))
    responses["401"]["headers"] = _headers({"WWW-Authenticate": ("string", f"`{CHALLENGE}`")})
    for status in ("429", "503"):
        responses[status]["headers"] = _headers({"Retry-After": ("integer", "Seconds to wait.")})


def _response(description: str, example: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _ERROR, "example": example}},
    }


def _headers(described: dict[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        name: {"description": description, "schema": {"type": kind}}
        for name, (kind, description) in described.items()
    }
