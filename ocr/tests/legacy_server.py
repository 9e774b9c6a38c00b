"""An old database for a test: the alias led to it, and rows to put in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import connections
from django.db.utils import load_backend

from ocr.legacy import selectors
from ocr.legacy.place import ALIAS

PAGE: Final = Path(__file__).parents[2] / "docs" / "upstreams" / "legacy-db.md"
TODAY: Final = date(2025, 12, 7)
ADD_DRAW: Final = (
    "INSERT INTO extractions (data_estrazione, ruota, n1, n2, n3, n4, n5) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
ADD_PREDICTION: Final = (
    "INSERT INTO predictions (data_estrazione, ruote, numeri, note) VALUES (%s, %s, %s, %s)"
)
BARI: Final = (12, 45, 67, 23, 89)
CAGLIARI: Final = (4, 79, 80, 66, 84)
DRAWS: Final = [
    ("20251207", "BA", *BARI),
    ("20251207", "Cagliari", *CAGLIARI),
    ("20251207", "nazionale", 12, 45, 1, 2, 3),
    *((f"{TODAY - timedelta(back):%Y%m%d}", "BA", 1, 2, 3, 4, 5) for back in range(1, 20)),
]


@contextmanager
def legacy_at(entry: dict[str, Any]) -> Iterator[None]:
    """Lead `legacy` to that entry of DATABASES, for this thread and those begun meanwhile."""
    before, connection = connections.settings[ALIAS], connections[ALIAS]
    databases = {"default": connections.settings["default"], ALIAS: dict(entry)}
    after = connections.settings[ALIAS] = connections.configure_settings(databases)[ALIAS]
    # Django keeps a test from a database that is not the suite's, by its alias: this one has
    # another inside.
    connections[ALIAS] = load_backend(after["ENGINE"]).DatabaseWrapper(after, "legacy-of-a-test")
    selectors._unavailable.over()
    try:
        yield
    finally:
        connections[ALIAS].close()
        connections.settings[ALIAS], connections[ALIAS] = before, connection
        selectors._unavailable.over()


def documented(kind: str) -> Sequence[str]:
    """The statements of the documentation that begin so."""
    blocks = "\n".join(re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL))
    return re.findall(rf"^{kind}.*?;$", blocks, re.DOTALL | re.MULTILINE)
