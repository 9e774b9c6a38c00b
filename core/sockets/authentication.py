"""Who opens a WebSocket: a key, a staff session, or a keyless network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib import auth
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseError
from django.http import HttpRequest

from core.auth import limits
from core.auth.keyring import keyring
from core.auth.staff import is_let_in, sees_everything, staff_caller
from core.auth.types import KEYLESS, Caller, SocketRefused
from core.lib.clientip import bucket, client_address, is_inside

Headers = Mapping[str, str]


async def authenticate(scope: Mapping[str, Any]) -> Caller:
    """Who opens the socket of this ASGI scope.

    A key (`?api_key=`, `X-API-Key`, `Authorization: Bearer`) decides alone. Without one: a staff
    session from our own pages, then KEYLESS_READ_NETWORKS. Raises Refused with 4400 (a Host that is
    not ours), 4401 (no or no valid key), 4403 (an Origin that is not ours), 4429 (this address
    failed too often) or 1013 (the database is away).
    """
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    _check_host(headers)
    caller: Caller | None
    if key := _presented_key(scope, headers):
        caller = await _caller_of_key(key)
    else:
        caller = await _without_key(scope, headers)
    address = _address(scope, headers)
    if caller is None:
        raise await _refusal(address, with_key=bool(key))
    return replace(caller, address=bucket(address))


def _check_host(headers: Headers) -> None:
    """As Django does for HTTP: a name of a stranger's that leads here makes their page ours."""
    request = HttpRequest()
    request.META["HTTP_HOST"] = headers.get("host", "")
    try:
        request.get_host()
    except DisallowedHost:
        raise SocketRefused(4400, "This Host is not allowed") from None


async def _caller_of_key(key: str) -> Caller | None:
    try:
        found: Caller | None = await database_sync_to_async(keyring.find)(key)
    except DatabaseError:
        raise SocketRefused(1013, "The database is not available. Try again") from None
    return found


def _presented_key(scope: Mapping[str, Any], headers: Headers) -> str:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if key := query.get("api_key", [""])[0] or headers.get("x-api-key", ""):
        return key.strip()
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def _without_key(scope: Mapping[str, Any], headers: Headers) -> Caller | None:
    """A staff session needs our Origin: browsers send its cookie to the socket of any page."""
    caller = await _session_caller(headers)
    if caller is None and is_inside(_address(scope, headers), settings.KEYLESS_READ_NETWORKS):
        caller = KEYLESS
    origin = headers.get("origin", "")
    if caller is None or _is_ours(origin, headers) or (caller is KEYLESS and not origin):
        return caller
    raise SocketRefused(4403, "This Origin is not allowed")


def _is_ours(origin: str, headers: Headers) -> bool:
    return origin in settings.CORS_ALLOWED_ORIGINS or (
        bool(origin) and urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    )


async def _session_caller(headers: Headers) -> Caller | None:
    session_key = _session_key(headers.get("cookie", ""))
    return await database_sync_to_async(_staff_of)(session_key) if session_key else None


def _session_key(cookies: str) -> str:
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _staff_of(session_key: str) -> Caller | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    try:
        user = auth.get_user(request)
        if not (is_let_in(user, request.session) and sees_everything(user)):
            return None
        expires_at = request.session.get_expiry_date()
        return staff_caller(user, expires_at=expires_at, session_key=session_key)
    except DatabaseError:
        raise SocketRefused(1013, "The database is not available. Try again") from None


def ended_sessions(callers: Iterable[Caller]) -> frozenset[str]:
    """The session keys of those who would not be let in now as they were then.

    They logged out, have another password, lost rights or must enrol. None has ended while the
    database is away.
    """
    let_in = {caller.session_key: caller for caller in callers if caller.session_key}
    try:
        return frozenset(key for key, caller in let_in.items() if not _is_still_let_in(caller))
    except SocketRefused:
        return frozenset()


def _is_still_let_in(caller: Caller) -> bool:
    now = _staff_of(caller.session_key)
    return now is not None and now.user_id == caller.user_id and caller.scopes <= now.scopes


def _address(scope: Mapping[str, Any], headers: Headers) -> str:
    remote = (scope.get("client") or [""])[0] or ""
    return client_address(remote, headers.get("x-forwarded-for", ""), settings.TRUSTED_PROXIES)


async def _refusal(address: str, *, with_key: bool) -> SocketRefused:
    verdict = await sync_to_async(limits.count_failure, thread_sensitive=False)(address)
    if verdict is not None and not verdict.allowed:
        return SocketRefused(
            4429, f"Too many tries without a valid API key. Try again in {verdict.retry_after_s} s"
        )
    return SocketRefused(4401, "Invalid API key" if with_key else "Missing API key")
