"""Where the old database is: its URL, or the file that the sandbox fills."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

ALIAS: Final = "legacy"
SCHEMES: Final = ("mysql", "mariadb")
# What may follow the ? of the URL: how the connection is encrypted.
TLS_OPTIONS: Final = {"ssl_ca", "ssl_cert", "ssl_key"}
NOWHERE: Final = {"ENGINE": "django.db.backends.dummy"}  # Django's own word for no database


class BadUrl(ValueError):
    """The URL names no database that can be read; the message is for people, without the URL."""


def at_url(url: str, *, timeout_s: float) -> dict[str, Any]:
    """Django's entry for `mysql://user:password@host:3306/name?ssl_ca=file`. Raises BadUrl."""
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:
        raise BadUrl("it has no port or host that can be read") from None
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in SCHEMES:
        raise BadUrl(f"it does not begin with {SCHEMES[0]}://")
    if not parts.hostname or not name or "/" in name:
        raise BadUrl("it names no host, or no database on it")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - TLS_OPTIONS):
        raise BadUrl(
            f"{unknown[0][:40]!r} is no option; there are {', '.join(sorted(TLS_OPTIONS))}"
        )
    if options:
        options["ssl_verify_identity"] = True  # type: ignore[assignment]
    return {
        "ENGINE": "ocr.legacy",
        "HOST": parts.hostname,
        "PORT": port,
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "connect_timeout": timeout_s,
            "read_timeout": timeout_s,
            "write_timeout": timeout_s,
            **options,
        },
    }


def in_file(path: Path, *, timeout_s: float) -> dict[str, Any]:
    """Django's entry for a SQLite file, which is opened for reading only."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{path.as_uri()}?mode=ro",
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"timeout": timeout_s},
    }


def place(url: str, file: Path | None, *, timeout_s: float) -> dict[str, Any]:
    """Django's entry for the old database: at the URL, or else in the file, or else NOWHERE.

    A bad URL is NOWHERE too; a system check reports it.
    """
    try:
        if url:
            return at_url(url, timeout_s=timeout_s)
    except BadUrl:
        return dict(NOWHERE)
    return in_file(file, timeout_s=timeout_s) if file else dict(NOWHERE)
