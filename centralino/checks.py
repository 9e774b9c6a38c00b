"""ASTERISK_* settings that are missing or odd, as Django system checks with a hint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from centralino.services.servers import NAMES
from core.lib.clientip import is_loopback

Given = dict[str, str]
Check = Callable[[str, Given], Iterator[CheckMessage]]

_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")


def names_known(prefix: str, given: Given) -> Iterator[CheckMessage]:
    for name in sorted(given.keys() - NAMES):
        hint = "See .env.example for the valid names: a misspelt one is not read."
        yield Warning(f"{prefix}_{name} is no setting.", hint=hint, id="centralino.W001")


def manager_complete(prefix: str, given: Given) -> Iterator[CheckMessage]:
    if given.get("HOST") and not given.get("AMI_SECRET"):
        hint = f"Set {prefix}_AMI_SECRET to the manager user's secret, or unset {prefix}_HOST."
        yield Error(f"{prefix}_AMI_SECRET is missing.", hint=hint, id="centralino.E002")
    if not given.get("HOST") and given.keys() & NAMES:
        hint = f"Set {prefix}_HOST to the PBX's address; localhost is used meanwhile."
        yield Warning(f"{prefix}_HOST is missing.", hint=hint, id="centralino.W003")
    elif given.get("HOST") and not given.get("SSH_HOST") and not is_loopback(given["HOST"]):
        hint = f"The secret and callers' numbers cross the network readable: set {prefix}_SSH_HOST."
        yield Warning(f"{prefix}: AMI is not encrypted.", hint=hint, id="centralino.W014")


def ports_readable(prefix: str, given: Given) -> Iterator[CheckMessage]:
    for name, minimum in (("AMI_PORT", 1), ("SSH_PORT", 1), ("LOCAL_PORT", 0)):
        text = given.get(name)
        if text and not (text.isascii() and text.isdigit() and minimum <= int(text[:6]) <= 65_535):
            hint = f"Use a number from {minimum} to 65535; the server is left out meanwhile."
            yield Error(f"{prefix}_{name} is no port.", hint=hint, id="centralino.E004")


def tunnel_complete(prefix: str, given: Given) -> Iterator[CheckMessage]:
    if not given.get("SSH_HOST"):
        return
    if not given.get("SSH_USER"):
        hint = f"Set {prefix}_SSH_USER to the user that may forward ports there."
        yield Error(f"{prefix}_SSH_USER is missing.", hint=hint, id="centralino.E005")
    key = given.get("SSH_KEY")
    if not key and not given.get("SSH_PASSWORD"):
        hint = f"Set {prefix}_SSH_KEY to a key file, or {prefix}_SSH_PASSWORD."
        yield Error(f"{prefix}: no way to log in over SSH.", hint=hint, id="centralino.E006")
    if key and not Path(key).expanduser().is_file():
        hint = "Name a private key's file that this process may read."
        yield Error(f"{prefix}_SSH_KEY is no file.", hint=hint, id="centralino.E007")


def host_key_known(prefix: str, given: Given) -> Iterator[CheckMessage]:
    if not given.get("SSH_HOST"):
        return
    fingerprint = given.get("SSH_FINGERPRINT", "")
    if fingerprint and not _FINGERPRINT.match(fingerprint):
        hint = "Get it with `ssh-keygen -lf` on the host: SHA256: and 43 characters."
        yield Error(f"{prefix}_SSH_FINGERPRINT is malformed.", hint=hint, id="centralino.E008")
    if not fingerprint and not Path(settings.SSH_KNOWN_HOSTS).expanduser().is_file():
        hint = (
            f"Set {prefix}_SSH_FINGERPRINT, or SSH_KNOWN_HOSTS to a file that has the host: "
            "unknown keys are never accepted."
        )
        yield Error(f"{prefix}: the SSH host's key is not known.", hint=hint, id="centralino.E009")


def ari_complete(prefix: str, given: Given) -> Iterator[CheckMessage]:
    url = given.get("ARI_URL")
    if not url:
        return
    if not given.get("ARI_PASSWORD"):
        hint = f"Set {prefix}_ARI_PASSWORD, or unset {prefix}_ARI_URL: callers are not screened."
        yield Error(f"{prefix}_ARI_PASSWORD is missing.", hint=hint, id="centralino.E010")
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        hint = "Use an address like http://127.0.0.1:8088/ari."
        yield Error(f"{prefix}_ARI_URL is no address.", hint=hint, id="centralino.E011")
    elif parts.username or parts.password or parts.query:
        hint = f"User and password have settings of their own: {prefix}_ARI_USER, _ARI_PASSWORD."
        yield Error(f"{prefix}_ARI_URL holds credentials.", hint=hint, id="centralino.E012")
    elif parts.scheme == "http" and not is_loopback(parts.hostname):
        hint = "The password and callers' numbers cross the network readable: use https://."
        yield Warning(f"{prefix}_ARI_URL is not encrypted.", hint=hint, id="centralino.W013")


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (ValueError for one that is none)
    except ValueError:
        return None
    return parts


CHECKS: tuple[Check, ...] = (
    names_known,
    manager_complete,
    ports_readable,
    tunnel_complete,
    host_key_known,
    ari_complete,
)


@register
def check_servers(**_kwargs: Any) -> list[CheckMessage]:
    """All that is missing or odd in the settings of the configured PBX servers."""
    return [
        message
        for name, given in settings.ASTERISK_SERVERS.items()
        for check in CHECKS
        for message in check(name.upper(), given)
    ]
