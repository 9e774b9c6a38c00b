from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

import pytest

from lotto.rules import ROME
from ocr import ai, reading
from ocr.reader.engines import rapidocr
from ocr.reader.reader import Reader
from ocr.tests.evenings import DAY, Services
from sandbox.testing import (
    AI_KEY,
    BOT_TOKEN,
    CHAT,
    SITE_PASSWORD,
    SITE_USER,
    RunningLottoSite,
    RunningOpenRouter,
    running_lotto_site,
    running_openrouter,
    running_telegram,
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
def openrouter(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningOpenRouter]:
    """An OpenRouter that the settings lead to, of which nothing is known yet."""
    monkeypatch.setattr(ai, "_list", ("", 0.0, []))
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


@pytest.fixture
def services(
    settings: Any, openrouter: RunningOpenRouter, lotto_site: RunningLottoSite
) -> Iterator[Services]:
    """All that a run speaks to but the television, on the evening of DAY."""
    evening = datetime.combine(DAY, time(20, 5), ROME).timestamp()
    openrouter.clock.now = lotto_site.clock.now = evening
    with running_telegram() as telegram:
        settings.TELEGRAM_URL, settings.TELEGRAM_BOT_TOKEN = telegram.url, BOT_TOKEN
        settings.TELEGRAM_CHAT_ID = CHAT
        yield Services(telegram, openrouter, lotto_site)
