"""The archive that the tests import: the whole real one where it is, else a slice of it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import pytest

WHOLE: Final = Path(__file__).resolve().parents[3] / "shared" / "lotto" / "storico.zip"
SLICE: Final = Path(__file__).parent / "data" / "storico.txt"


@pytest.fixture(scope="session")
def archive() -> bytes:
    """The operator's text."""
    if WHOLE.exists():
        with zipfile.ZipFile(WHOLE) as packed:
            return packed.read("storico.txt")
    return SLICE.read_bytes()


@pytest.fixture
def folders(tmp_path: Path, settings: object) -> tuple[Path, Path]:
    """The import and the export folder, empty."""
    imports, exports = tmp_path / "import", tmp_path / "export"
    imports.mkdir()
    settings.LOTTO_IMPORT_DIR, settings.LOTTO_EXPORT_DIR = imports, exports  # type: ignore[attr-defined]
    return imports, exports
