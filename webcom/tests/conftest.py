"""What the tests of this app share."""

from __future__ import annotations

import pytest

from webcom.line_types import forget_line_types
from webcom.tests.carrier import carrier, carrier_server, tlc  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True)
def _lines_unknown() -> None:
    """The lines that one test stored are rolled back: nobody may remember them."""
    forget_line_types()
