"""What is published while a test runs: the fixtures `told` and `commit` of every app's tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import orjson
import pytest

from gateway_arq.realtime import publish

Commit = Callable[[], AbstractContextManager[Any]]


class Told(list[dict[str, Any]]):
    """The messages that were published, in order; stands in for the event log."""

    def append(self, events: Sequence[tuple[str, bytes]]) -> None:  # type: ignore[override]
        self.extend(orjson.loads(body) for _, body in events)

    def close(self) -> None:
        """Nothing is queued."""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What is published while the test runs."""
    told = Told()
    monkeypatch.setattr(publish, "get_log", lambda: told)
    return told


@pytest.fixture
def commit(django_capture_on_commit_callbacks: Any) -> Commit:
    """`with commit():` is a transaction that commits at its end."""
    return partial(django_capture_on_commit_callbacks, execute=True)
