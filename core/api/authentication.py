"""Who calls the API, and whether they may: `admit` decides, for DRF and for cached views alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import (
    AuthenticationFailed,
    NotAuthenticated,
    PermissionDenied,
    Throttled,
)
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from core.auth import limits
from core.auth.keyring import keyring
from core.auth.staff import is_let_in, sees_everything, staff_caller
from core.auth.types import KEYLESS, Caller, Scope
from core.lib.clientip import is_inside
from core.lib.rate_limit import RateLimitVerdict

if TYPE_CHECKING:  # its module reads the settings that name this one
    from rest_framework.views import APIView

# Also for a bad key, as both references say.
NO_KEY = "Missing X-API-Key header. Authentication required."
CHALLENGE = 'ApiKey realm="Gateway ARQ", Bearer realm="Gateway ARQ"'


def presented_key(request: HttpRequest) -> str:
    """The key in `X-API-Key` or `Authorization: Bearer`, empty if there is none."""
    if key := request.META.get("HTTP_X_API_KEY", ""):
        return str(key).strip()
    scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


class ApiKeyAuthentication(BaseAuthentication):
    """A key of the environment or of the admin. No session, no query."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        key = presented_key(request._request)
        if not key:
            return None
        caller = keyring.find(key)
        if caller is None:
            refuse_slowly(request._request)
            raise AuthenticationFailed(NO_KEY, code="invalid_api_key")
        return caller, caller

    def authenticate_header(self, request: Request) -> str:
        return (
            f'{CHALLENGE}, error="invalid_token"' if presented_key(request._request) else CHALLENGE
        )


class StaffSessionAuthentication(SessionAuthentication):
    """Logged-in staff, with CSRF; the view's `staff_permission` says what writing takes."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        if settings.SESSION_COOKIE_NAME not in request._request.COOKIES:
            return None
        user = request._request.user
        if not is_let_in(user, request._request.session):
            return None
        if not sees_everything(user):
            raise PermissionDenied("Your user may not see this.")
        self.enforce_csrf(request)
        return user, staff_caller(user)


class KeylessNetworkAuthentication(BaseAuthentication):
    """Whoever asks from one of KEYLESS_READ_NETWORKS may read without a key."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        networks = settings.KEYLESS_READ_NETWORKS
        if not networks or not is_inside(limits.client_of(request._request), networks):
            return None
        return KEYLESS, KEYLESS


class Admission(BasePermission):
    """DRF's question whether a caller may: `admit` decides."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        admit(request._request, request.auth, view)  # type: ignore[arg-type]  # DRF thinks of its own tokens
        return True


def admit(request: HttpRequest, caller: Caller | None, view: APIView) -> None:
    """Let the caller in, or raise: the one place that decides. Counts the request, once.

    Reading needs the scope `read`, all else `write`; a POST that only asks is reading (the view's
    `only_asks = True`). What staff may change by session is what the
    admin lets them: the view's `staff_permission`. Raises
    NotAuthenticated, Throttled (RATE_LIMIT_PER_MINUTE of an address; not with the view's
    `is_rate_limited = False`) or PermissionDenied.
    """
    if caller is None:
        refuse_slowly(request)
        raise NotAuthenticated(NO_KEY, code="missing_api_key")
    if getattr(view, "is_rate_limited", True) and not hasattr(request, "rate_limit"):
        verdict = _noted(request, limits.count_request(limits.client_of(request)))
        if verdict is not None and not verdict.allowed:
            raise Throttled(verdict.retry_after_s)
    is_reading = request.method in SAFE_METHODS or getattr(view, "only_asks", False)
    _require_scope(caller, Scope.READ if is_reading else Scope.WRITE)
    permission = getattr(view, "staff_permission", "")
    if caller.user_id is not None and not is_reading and permission:
        _require(request.user, permission)


def require_write(request: Request, permission: str) -> None:
    """What every other method asks, for a GET that writes all the same. Raises PermissionDenied."""
    _require_scope(request.auth, Scope.WRITE)  # type: ignore[arg-type]  # a Caller
    require_of_staff(request, permission)


def require_of_staff(request: Request, permission: str) -> None:
    """What a body asks for beyond the view's `staff_permission`. Raises PermissionDenied."""
    if request.auth.user_id is not None:  # type: ignore[union-attr]  # a Caller
        _require(request.user, permission)


def _require_scope(caller: Caller, scope: Scope) -> None:
    if scope not in caller.scopes:
        raise PermissionDenied(
            f"This needs the scope {scope!s}; this key has {', '.join(sorted(caller.scopes))}."
        )


def _require(user: Any, permission: str) -> None:
    if not user.has_perm(permission):
        raise PermissionDenied("Your user may not change this.")


def refuse_slowly(request: HttpRequest) -> None:
    """Count a failed authentication; raises Throttled for an address that fails too often."""
    verdict = _noted(request, limits.count_failure(limits.client_of(request)))
    if verdict is not None and not verdict.allowed:
        raise Throttled(verdict.retry_after_s, detail="Too many requests without a valid API key.")


def _noted(request: HttpRequest, verdict: RateLimitVerdict | None) -> RateLimitVerdict | None:
    request.rate_limit = verdict  # type: ignore[attr-defined]  # for the middleware's headers
    return verdict
