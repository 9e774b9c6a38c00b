"""The configured streams: created once from the environment, then edited by staff."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from webtv.models import Stream
from webtv.types import TOTAL, ViewerSource

_FIELDS: Final[dict[str, str]] = {
    "TITLE": "title",
    "PRESET": "preset",
    "URL": "url",
    "STREAM_KEY": "stream_key",
    "PATH": "path",
    "FORMAT": "body_format",
    "USER": "user",
}
SECRETS: Final = frozenset({"PASSWORD", "TOKEN"})
NAMES: Final = frozenset(_FIELDS) | SECRETS | {"NAME"}  # what follows WEBTV_1_ in the environment


def add_configured_streams() -> list[Stream]:
    """Create the streams of the environment that do not exist yet; returns them.

    One without a name or address is left out: the system checks report it.
    """
    created = []
    for group, given in settings.WEBTV_STREAMS.items():
        name = name_of(group, given)
        if not given.get("URL") or name == TOTAL:
            continue
        fields: dict[str, Any] = {_FIELDS[key]: given[key] for key in given.keys() & _FIELDS.keys()}
        rows = Stream.objects
        # The sandbox's port changes with every start.
        store = rows.update_or_create if settings.SANDBOX else rows.get_or_create
        stream, is_new = store(name=name, defaults=fields)
        if is_new:
            created.append(stream)
    return created


def name_of(group: str, given: dict[str, str]) -> str:
    """The name of the stream that WEBTV_<n>_... describes."""
    return given.get("NAME", group.replace("_", "-"))


def enabled_streams() -> list[Stream]:
    """The streams to poll, by name."""
    return list(Stream.objects.sources().filter(enabled=True).order_by("name"))


def configured_address(name: str) -> str:
    """The address that the environment gives the stream of this name, or ''."""
    return _given(name).get("URL", "")


def secret(name: str, what: str) -> str:
    """The `PASSWORD` or `TOKEN` of the stream of this name, from the environment, or ''."""
    return _given(name).get(what, "")


def source_of(stream: Stream) -> ViewerSource:
    """The source of a stream's viewers, with its secrets."""
    return ViewerSource(
        name=stream.name,
        preset=stream.preset,
        url=stream.url,
        stream_key=stream.stream_key,
        path=stream.path,
        body_format=stream.body_format,
        subtract_publisher=stream.subtract_publisher,
        headers=dict(stream.headers),
        user=stream.user,
        password=secret(stream.name, "PASSWORD"),
        token=secret(stream.name, "TOKEN"),
    )


def _given(name: str) -> dict[str, str]:
    for group, given in settings.WEBTV_STREAMS.items():
        if name_of(group, given) == name:
            return dict(given)
    return {}
