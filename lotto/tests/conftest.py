"""Fixtures: the real archive, whole or a slice of it, and its folders."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import pytest

from sandbox.draws import HISTORY

SLICE: Final = Path(__file__).parent / "data" / "storico.txt"


@pytest.fixture(scope="session")
def archive() -> bytes:
    """The operator's text, 76,428 lines."""
    with zipfile.ZipFile(HISTORY) as packed:
        return packed.read("storico.txt")


@pytest.fixture
def folders(tmp_path: Path, settings: object) -> tuple[Path, Path]:
    """The import and the export folder, empty."""
    imports, exports = tmp_path / "import", tmp_path / "export"
    imports.mkdir()
    settings.LOTTO_IMPORT_DIR, settings.LOTTO_EXPORT_DIR = imports, exports  # type: ignore[attr-defined]
    return imports, exports
