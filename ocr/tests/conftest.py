from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ocr import reading
from ocr.reader.engines import rapidocr
from ocr.reader.reader import Reader


@pytest.fixture(scope="session")
def eyes() -> Reader:
    """The reader with its default engine, in this process."""
    return rapidocr()


@pytest.fixture
def reading_process(settings: Any) -> Iterator[reading.ReadingProcess]:
    """The process that the gateway's views ask, ended afterwards."""
    process = reading.reader()
    yield process
    process.close()
