"""Fixtures of this app's tests."""

from __future__ import annotations

import pytest

from webtv.models import Stream


@pytest.fixture
def stream(db: None) -> Stream:
    """An enabled stream called `main`."""
    return Stream.objects.create(name="main", preset="owncast", url="http://127.0.0.1:1")
