from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ocr import reading
from ocr.reader.engines import rapidocr
from ocr.reader.reader import Reader
from sandbox.testing import (
    AI_KEY,
    SITE_PASSWORD,
    SITE_USER,
    RunningLottoSite,
    RunningOpenRouter,
    running_lotto_site,
    running_openrouter,
)


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


@pytest.fixture
def openrouter(settings: Any) -> Iterator[RunningOpenRouter]:
    """An OpenRouter that the settings lead to."""
    with running_openrouter() as running:
        settings.OPENROUTER_URL, settings.OPENROUTER_API_KEY = running.url, AI_KEY
        yield running


@pytest.fixture
def lotto_site(settings: Any) -> Iterator[RunningLottoSite]:
    """A Lotto site that the settings lead to."""
    with running_lotto_site() as running:
        settings.LOTTO_SITE_URL = running.url
        settings.LOTTO_SITE_USER, settings.LOTTO_SITE_PASSWORD = SITE_USER, SITE_PASSWORD
        yield running
