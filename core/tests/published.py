"""What is published while a test runs: `published_events` and `commit` of every app's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import Any

import jsonschema
import orjson
import pytest

from core.realtime import publish
from gateway_arq.apidocs import sockets

Commit = Callable[[], AbstractContextManager[Any]]


class PublishedEvents(list[dict[str, Any]]):
    """The messages that were published, in order; stands in for the event log.

    Each must be as `/docs/asyncapi.json` describes it: its documented fields, and no others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def append(self, events: Sequence[tuple[str, bytes]]) -> None:  # type: ignore[override]
        messages = [orjson.loads(body) for _, body in events]
        self.extend(messages)
        self.wrong += [wrong for message in messages for wrong in contradictions(message)]

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [message for message in self if message["type"] == type_]

    def close(self) -> None:
        """Nothing is queued."""


def contradictions(message: dict[str, Any]) -> list[str]:
    """Where a message differs from its description; none for the events that only tests know."""
    name = message["type"]
    if name.startswith("test_"):
        return []
    errors = _validator(name).iter_errors(message)
    return sorted(f"{name}: {error.message}" for error in errors)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    document = sockets.document()
    payload = sockets.merged(document["components"]["messages"][name]["payload"])
    place = {"seq": True, "epoch": True}  # every event has these
    schema = payload | {
        "properties": place | payload["properties"],
        "additionalProperties": False,
        "components": document["components"],
    }
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture
def published_events(monkeypatch: pytest.MonkeyPatch) -> Iterator[PublishedEvents]:
    """What is published while the test runs."""
    published_events = PublishedEvents()
    monkeypatch.setattr(publish, "get_log", lambda: published_events)
    yield published_events
    assert published_events.wrong == [], "publishers survive a failing log: it is said here"


@pytest.fixture
def commit(django_capture_on_commit_callbacks: Any) -> Commit:
    """`with commit():` is a transaction that commits at its end."""
    return partial(django_capture_on_commit_callbacks, execute=True)
