"""Settings of engine, stream and outside services, missing or odd, as Django system checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from core.lib.clientip import is_loopback
from ocr.clients.stream.fetch import headers_by_host, well_formed
from ocr.reader.dependencies import missing
from ocr.reader_process import engine_options
from ocr.types import StreamRefused

Check = Callable[[], Iterator[CheckMessage]]


def addresses_usable() -> Iterator[CheckMessage]:
    for name, is_on in (
        ("OPENROUTER_URL", settings.OPENROUTER_API_KEY),
        ("LOTTO_SITE_URL", settings.LOTTO_SITE_URL),
    ):
        if not is_on:
            continue
        parts = urlsplit(getattr(settings, name))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            hint = "It looks like https://lotto.example."
            yield Error(f"{name} is no http address.", hint=hint, id="ocr.E001")
        elif parts.scheme == "http" and not is_loopback(parts.hostname):
            hint = "The key or password crosses the network readable: use https://."
            yield Warning(f"{name} is not encrypted.", hint=hint, id="ocr.W002")


def key_sendable() -> Iterator[CheckMessage]:
    key = settings.OPENROUTER_API_KEY
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        hint = "It begins with sk-or- and has no blanks."
        yield Error("OPENROUTER_API_KEY cannot be sent in a header.", hint=hint, id="ocr.E003")


def site_complete() -> Iterator[CheckMessage]:
    if settings.LOTTO_SITE_URL and not (settings.LOTTO_SITE_USER and settings.LOTTO_SITE_PASSWORD):
        hint = "Set LOTTO_SITE_USER and LOTTO_SITE_PASSWORD, or unset LOTTO_SITE_URL."
        yield Warning("The Lotto site's user is missing.", hint=hint, id="ocr.W004")


def engine_complete() -> Iterator[CheckMessage]:
    """OCR_ENGINE's packages and weights are here; nothing is loaded for it."""
    if lacking := missing(settings.OCR_ENGINE, *engine_options()):
        yield Error(lacking.what, hint=lacking.remedy, id="ocr.E005")


def stream_usable() -> Iterator[CheckMessage]:
    """Its addresses are some; whether they lead where they may is seen when it is connected to."""
    named = {settings.OCR_STREAM_URL: "OCR_STREAM_URL"}
    named |= dict.fromkeys(settings.OCR_STREAM_FALLBACKS, "OCR_STREAM_FALLBACKS")
    for url, name in named.items():
        try:
            if url:
                well_formed(url)
        except StreamRefused as exc:
            hint = "It looks like https://cdn.example/live.m3u8."
            yield Error(f"{name}: {exc}", hint=hint, id="ocr.E006")


def stream_headers_sendable() -> Iterator[CheckMessage]:
    try:
        headers_by_host(settings.OCR_STREAM_HOSTS)
    except ValueError as exc:
        hint = "See OCR_STREAM_1_HOST in .env.example."
        yield Error(str(exc), hint=hint, id="ocr.E007")


def witnesses_complete() -> Iterator[CheckMessage]:
    """Every second source has an address, and who must agree can be asked."""
    names = set()
    for name, source in settings.OCR_WITNESSES.items():
        names.add(source.get("NAME", name))
        if urlsplit(source.get("URL", "")).scheme not in ("http", "https"):
            hint = "It looks like https://televideo.example/691."
            yield Error(f"{name.upper()}_URL is no http address.", hint=hint, id="ocr.E008")
        try:
            re.compile(source.get("PATTERN", ""))
        except re.error as exc:
            hint = "A regular expression with the groups `wheel` and `numbers`."
            yield Error(f"{name.upper()}_PATTERN: {exc}", hint=hint, id="ocr.E009")
    if settings.OPENROUTER_API_KEY:
        names.add("ai")
    if unknown := set(settings.OCR_CONFIRMED_BY) - names:
        hint = "Names of second sources, or ai with OPENROUTER_API_KEY: else every wheel waits."
        text = f"OCR_CONFIRMED_BY: nobody is called {', '.join(sorted(unknown))}."
        yield Error(text, hint=hint, id="ocr.E010")


ALL: tuple[Check, ...] = (
    addresses_usable, key_sendable, site_complete, engine_complete, stream_usable,
    stream_headers_sendable, witnesses_complete,
)  # fmt: skip


@register
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """All that is missing or odd."""
    return [message for check in ALL for message in check()]
