from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway_arq.backup.tests.places import Place, databases


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    """Makes empty places: `place(name, database_url="")`."""

    def new(name: str, database_url: str = "") -> Place:
        (tmp_path / name).mkdir()
        return Place(tmp_path / name, database_url)

    return new


@pytest.fixture
def database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes empty PostgreSQL databases; returns their URLs."""
    with databases(postgres_url) as new:
        yield new
