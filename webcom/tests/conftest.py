"""Fixtures of this app's tests."""

from __future__ import annotations

import pytest

from webcom.line_types import forget_line_types
from webcom.tests.carrier import carrier, carrier_server, tlc  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True)
def _lines_unknown() -> None:
    """Drop the cached lines of the test before, which are rolled back."""
    forget_line_types()
