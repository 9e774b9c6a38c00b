"""System checks of the WEBTV_* settings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from core.lib.clientip import is_loopback
from webtv.presets import request_of
from webtv.streams import NAMES, SECRETS, name_of
from webtv.types import TOTAL, ViewerSource

Given = dict[str, str]
Check = Callable[[str, Given], Iterator[CheckMessage]]


def names_known(prefix: str, given: Given) -> Iterator[CheckMessage]:
    for name in sorted(given.keys() - NAMES):
        hint = "See .env.example for the valid names: a misspelt one is not read."
        yield Warning(f"{prefix}_{name} is not a setting.", hint=hint, id="webtv.W001")


def named_well(prefix: str, given: Given) -> Iterator[CheckMessage]:
    name = name_of(prefix.lower(), given)
    if name == TOTAL or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        hint = f"Use letters, digits, - and _, as in ?stream=main; {TOTAL!r} is the sum of all."
        yield Error(f"{prefix}_NAME cannot be a stream's name.", hint=hint, id="webtv.E002")


def source_usable(prefix: str, given: Given) -> Iterator[CheckMessage]:
    if not given.get("URL"):
        if given.keys() & NAMES:
            hint = f"Set {prefix}_URL to the server's address; the stream is left out meanwhile."
            yield Warning(f"{prefix}_URL is missing.", hint=hint, id="webtv.W003")
        return
    source = ViewerSource(
        name=name_of(prefix.lower(), given),
        preset=given.get("PRESET", "generic"),
        url=given["URL"],
        stream_key=given.get("STREAM_KEY", ""),
        path=given.get("PATH", ""),
        body_format=given.get("FORMAT", "json"),
    )
    try:
        request_of(source)
    except ValueError as exc:
        hint = "See docs/upstreams/cdn.md for the supported servers and what they need."
        yield Error(f"{prefix}: {exc}", hint=hint, id="webtv.E004")
    if given.get("FORMAT", "json") not in ("json", "xml"):
        hint = "Use json or xml."
        yield Error(f"{prefix}_FORMAT is neither json nor xml.", hint=hint, id="webtv.E005")


def secrets_safe(prefix: str, given: Given) -> Iterator[CheckMessage]:
    if given.get("USER") and not given.get("PASSWORD"):
        hint = f"Set {prefix}_PASSWORD, or unset {prefix}_USER."
        yield Warning(f"{prefix}_PASSWORD is missing.", hint=hint, id="webtv.W006")
    try:
        parts = urlsplit(given.get("URL", ""))
    except ValueError:
        return  # reported by E004
    unencrypted = parts.scheme == "http" and not is_loopback(parts.hostname or "")
    if unencrypted and given.keys() & SECRETS:
        hint = "The secret is sent in clear text: use https://."
        yield Warning(f"{prefix}_URL is not encrypted.", hint=hint, id="webtv.W007")


CHECKS: Final[tuple[Check, ...]] = (names_known, named_well, source_usable, secrets_safe)


@register
def check_streams(**_kwargs: Any) -> list[CheckMessage]:
    """Missing or odd settings of the configured streams."""
    found = [
        message
        for name, given in settings.WEBTV_STREAMS.items()
        for check in CHECKS
        for message in check(name.upper(), given)
    ]
    names = Counter(name_of(group, given) for group, given in settings.WEBTV_STREAMS.items())
    for name, times in names.items():
        if times > 1:
            hint = "Streams of one name are the same stream: give each its own WEBTV_<n>_NAME."
            found.append(Error(f"Two streams are called {name!r}.", hint=hint, id="webtv.E008"))
    return found


@register
def check_intervals(**_kwargs: Any) -> list[CheckMessage]:
    """Settings of the poller that do not fit together."""
    found: list[CheckMessage] = []
    if settings.WEBTV_TIMEOUT_S >= settings.WEBTV_INTERVAL_S:
        hint = "A response that takes longer than a tick is never stored: lower WEBTV_TIMEOUT_S."
        found.append(
            Warning("WEBTV_TIMEOUT_S is no shorter than a tick.", hint=hint, id="webtv.W009")
        )
    hourly_days = settings.WEBTV_HOURLY_RETENTION_DAYS
    if hourly_days and hourly_days < 2:
        hint = "Yesterday's hours are needed for the comparison: at least 2 days."
        found.append(
            Warning("WEBTV_HOURLY_RETENTION_DAYS is very short.", hint=hint, id="webtv.W010")
        )
    return found
