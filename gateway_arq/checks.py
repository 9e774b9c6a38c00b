"""Settings that are missing, odd or unsafe, as Django system checks with a hint.

Errors of the "production" group also keep every process from starting:
`refuse_unsafe_production()`.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from core.lib.clientip import is_loopback
from ocr.legacy.place import BadUrl, at_url

MIN_API_KEY, MIN_SECRET_KEY, MIN_WEBHOOK_SECRET_BYTES = 24, 50, 24
PLACEHOLDER = "change_me"
Check = Callable[[], Iterator[CheckMessage]]


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's answer to an empty one
        return ""


def _is_weak(secret: str) -> bool:
    placeholder = PLACEHOLDER in secret.lower() or secret.startswith(
        ("django-insecure", "development-only")
    )
    return placeholder or len(secret) < MIN_SECRET_KEY or len(set(secret)) < 10


def debug_off() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error("DEBUG is on in production.", hint="Unset DEBUG.", id="gateway.E001")


def secret_key_strong() -> Iterator[CheckMessage]:
    if _is_weak(_secret_key()):
        hint = "Set SECRET_KEY, or SECRET_KEY_FILE, to at least 50 random characters."
        yield Error("SECRET_KEY is missing or weak.", hint=hint, id="gateway.E002")


def api_keys_strong() -> Iterator[CheckMessage]:
    for name, key in settings.API_KEYS.items():
        if PLACEHOLDER in key.lower():
            hint = "It is the example of the documentation: everybody knows it. Make a random one."
            yield Error(f"{name} contains {PLACEHOLDER}.", hint=hint, id="gateway.E003")
        elif len(key) < MIN_API_KEY or len(set(key)) < 10:
            hint = f"Use at least {MIN_API_KEY} random characters."
            yield Error(f"{name} is too short to be safe.", hint=hint, id="gateway.E004")


def hosts_named() -> Iterator[CheckMessage]:
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts that people and clients use, separated by commas."
        yield Error("ALLOWED_HOSTS allows every host, or none.", hint=hint, id="gateway.E005")


UNSAFE: tuple[Check, ...] = (debug_off, secret_key_strong, api_keys_strong, hosts_named)


def stores_shared() -> Iterator[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = (
            "Fine for one process on one machine; "
            "for more, set DATABASE_URL to a PostgreSQL database."
        )
        yield Warning("Production runs on SQLite.", hint=hint, id="gateway.W006")
    if not settings.REDIS_URL:
        hint = (
            "Events, rate limits and tasks stay in one process; for more than one, set REDIS_URL."
        )
        yield Warning("Production runs without Redis.", hint=hint, id="gateway.W007")


def keyless_closed() -> Iterator[CheckMessage]:
    if settings.KEYLESS_READ_NETWORKS:
        hint = (
            "Unset KEYLESS_READ_NETWORKS unless everybody in these networks "
            "may read callers' numbers."
        )
        yield Warning("Some networks may read without an API key.", hint=hint, id="gateway.W008")


def some_api_key() -> Iterator[CheckMessage]:
    if not settings.API_KEYS:
        hint = "Set API_KEY_1, or make keys in the admin under API keys."
        yield Warning("No API key is set.", hint=hint, id="gateway.W009")


def api_keys_sendable() -> Iterator[CheckMessage]:
    for name, key in settings.API_KEYS.items():
        if not key.isascii() or any(
            character.isspace() or not character.isprintable() for character in key
        ):
            hint = "Use letters, digits, - and _ only."
            yield Error(f"{name} cannot be sent in an HTTP header.", hint=hint, id="gateway.E010")


def carrier_complete() -> Iterator[CheckMessage]:
    if settings.WEBCOM_URL and not settings.WEBCOM_TOKEN:
        hint = "Set WEBCOM_TOKEN, or unset WEBCOM_URL to switch the carrier off."
        yield Error("WEBCOM_URL is set but WEBCOM_TOKEN is not.", hint=hint, id="gateway.E011")
    if settings.WEBCOM_PUSH_URL and not settings.WEBCOM_URL:
        hint = "Pushes alone leave gaps: set WEBCOM_URL too."
        yield Error("WEBCOM_PUSH_URL is set but WEBCOM_URL is not.", hint=hint, id="gateway.E012")


def carrier_private() -> Iterator[CheckMessage]:
    for name, secure in (("WEBCOM_URL", "https"), ("WEBCOM_PUSH_URL", "wss")):
        if not (url := getattr(settings, name)):
            continue
        parts = urlsplit(url)
        if parts.scheme not in (secure, secure.removesuffix("s")) or not parts.hostname:
            hint = f"It looks like {secure}://carrier.example/webcom/v1."
            yield Error(f"{name} is no {secure} address.", hint=hint, id="gateway.E013")
        elif parts.scheme != secure and not is_loopback(parts.hostname):
            hint = f"The token and callers' numbers cross the network readable: use {secure}://."
            yield Warning(f"{name} is not encrypted.", hint=hint, id="gateway.W014")


def webhook_secret_usable() -> Iterator[CheckMessage]:
    secret = settings.WEBCOM_WEBHOOK_SECRET
    if not secret:
        return
    try:
        length = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if length < MIN_WEBHOOK_SECRET_BYTES:
        hint = f"It is whsec_ and the base64 of at least {MIN_WEBHOOK_SECRET_BYTES} random bytes."
        yield Error(
            "WEBCOM_WEBHOOK_SECRET is no secret of Standard Webhooks.", hint=hint, id="gateway.E015"
        )


def time_zone_known() -> Iterator[CheckMessage]:
    try:
        ZoneInfo(settings.GATEWAY_TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "Use a name such as Europe/Rome."
        yield Error("GATEWAY_TIME_ZONE is no known time zone.", hint=hint, id="gateway.E016")


def data_dir_writable() -> Iterator[CheckMessage]:
    place = settings.DATA_DIR
    while not place.exists() and place != place.parent:
        place = place.parent
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        hint = f"Let the process write to {place}, or set DATA_DIR to another folder."
        yield Error(
            f"DATA_DIR {settings.DATA_DIR} cannot be written.", hint=hint, id="gateway.E017"
        )


def replica_has_a_primary() -> Iterator[CheckMessage]:
    if settings.DATABASE_REPLICA_URL and not settings.DATABASE_URL:
        hint = "Set DATABASE_URL to the PostgreSQL that it is a replica of; SQLite has none."
        yield Warning(
            "DATABASE_REPLICA_URL is set but DATABASE_URL is not.", hint=hint, id="gateway.W037"
        )


def legacy_database_readable() -> Iterator[CheckMessage]:
    if not settings.LEGACY_DATABASE_URL:
        return
    try:
        place = at_url(settings.LEGACY_DATABASE_URL, timeout_s=settings.LEGACY_TIMEOUT_S)
    except BadUrl as exc:
        hint = (
            "It looks like mysql://gateway_reader:password@host:3306/legacy; "
            "predictions are switched off meanwhile."
        )
        yield Warning(f"LEGACY_DATABASE_URL: {exc}.", hint=hint, id="gateway.W018")
        return
    if place["USER"] in ("", "root"):
        hint = "Make a user that may only read: docs/upstreams/legacy-db.md has the statements."
        yield Warning(
            "LEGACY_DATABASE_URL has no user, or one that may do anything.",
            hint=hint,
            id="gateway.W019",
        )


ALWAYS: tuple[Check, ...] = (
    some_api_key,
    api_keys_sendable,
    carrier_complete,
    carrier_private,
    webhook_secret_usable,
    time_zone_known,
    data_dir_writable,
    replica_has_a_primary,
    legacy_database_readable,
)
PRODUCTION_ONLY: tuple[Check, ...] = (*UNSAFE, stores_shared, keyless_closed)


@register
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Settings that are missing or odd; in production also those that are unsafe."""
    checks = ALWAYS + PRODUCTION_ONLY if settings.PRODUCTION else ALWAYS
    return [message for check in checks for message in check()]


def refuse_unsafe_production() -> None:
    """Raise ImproperlyConfigured for unsafe production settings; called when a process starts."""
    if not settings.PRODUCTION:
        return
    found = [message for check in UNSAFE for message in check()]
    if found:
        lines = "\n".join(f"  {message.id}: {message.msg} {message.hint}" for message in found)
        raise ImproperlyConfigured(f"Production does not start with unsafe settings:\n{lines}")


def refuse_without_proxy() -> None:
    """Raise ImproperlyConfigured for a WSGI server in production that has no proxy before it."""
    if settings.PRODUCTION and not settings.TRUSTED_PROXIES:
        raise ImproperlyConfigured(
            "gateway.E030: A WSGI server (granian) without a proxy can be stopped by four slow "
            "clients. Put nginx before it (deploy/nginx.conf) and name it in TRUSTED_PROXIES, or "
            "run `manage.py run_web`, which needs none."
        )
