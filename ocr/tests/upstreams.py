"""The outside systems that OCR speaks to, running, with settings that lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.testing import (
    AI_KEY,
    BOT_TOKEN,
    CHAT,
    SITE_PASSWORD,
    SITE_USER,
    RunningLottoSite,
    RunningOpenRouter,
    RunningTelegram,
    RunningTelevideo,
    running_lotto_site,
    running_openrouter,
    running_telegram,
    running_televideo,
)


@pytest.fixture
def openrouter(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningOpenRouter]:
    """An OpenRouter, whose models are not cached yet."""
    from ocr.ai import services as ai  # late: Django must be set up

    monkeypatch.setattr(ai, "_list", ("", 0.0, []))
    with running_openrouter() as running:
        settings.OPENROUTER_URL, settings.OPENROUTER_API_KEY = running.url, AI_KEY
        yield running


@pytest.fixture
def lotto_site(settings: Any) -> Iterator[RunningLottoSite]:
    with running_lotto_site() as running:
        settings.LOTTO_SITE_URL = running.url
        settings.LOTTO_SITE_USER, settings.LOTTO_SITE_PASSWORD = SITE_USER, SITE_PASSWORD
        yield running


@pytest.fixture
def televideo(settings: Any) -> Iterator[RunningTelevideo]:
    """A second source that is asked, though nobody need wait for it."""
    with running_televideo() as running:
        settings.OCR_WITNESSES = {"ocr_witness_1": {"NAME": "televideo", "URL": running.url}}
        yield running


@pytest.fixture
def telegram(settings: Any) -> Iterator[RunningTelegram]:
    with running_telegram() as running:
        settings.TELEGRAM_URL, settings.TELEGRAM_BOT_TOKEN = running.url, BOT_TOKEN
        settings.TELEGRAM_CHAT_ID = CHAT
        yield running
