"""Odd settings of outside services are reported at start."""

from __future__ import annotations

from typing import Any

import pytest

from ocr.checks import check_settings

GOOD = {
    "OPENROUTER_URL": "https://openrouter.ai/api/v1",
    "OPENROUTER_API_KEY": "sk-or-v1-0123",
    "LOTTO_SITE_URL": "https://lotto.example",
    "LOTTO_SITE_USER": "gateway",
    "LOTTO_SITE_PASSWORD": "secret",
}


def found(settings: Any, **other: Any) -> list[str]:
    for name, value in {**GOOD, **other}.items():
        setattr(settings, name, value)
    return [message.id for message in check_settings()]


def test_good_or_disabled_settings_are_not_reported(settings: Any) -> None:
    assert found(settings) == []
    assert found(settings, OPENROUTER_API_KEY="", OPENROUTER_URL="x", LOTTO_SITE_URL="") == []
    assert found(settings, LOTTO_SITE_URL="http://127.0.0.1:8100/lotto-site") == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OPENROUTER_URL", "openrouter.ai", "ocr.E001"),
        ("LOTTO_SITE_URL", "ftp://lotto.example", "ocr.E001"),
        ("LOTTO_SITE_URL", "http://lotto.example", "ocr.W002"),
        ("OPENROUTER_API_KEY", "sk or", "ocr.E003"),
        ("OPENROUTER_API_KEY", "sk-é", "ocr.E003"),
        ("LOTTO_SITE_USER", "", "ocr.W004"),
        ("LOTTO_SITE_PASSWORD", "", "ocr.W004"),
        ("OCR_STREAM_URL", "rtmp://cdn.example/live", "ocr.E006"),
        ("OCR_STREAM_FALLBACKS", ["https://a.example/x.m3u8", "rtmp://b.example/x"], "ocr.E006"),
        ("OCR_STREAM_HOSTS", {"ocr_stream_1": {"REFERER": "https://a.example/"}}, "ocr.E007"),
        ("OCR_STREAM_HOSTS", {"ocr_stream_1": {"HOST": "a", "COOKIE": "è"}}, "ocr.E007"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_odd_setting_is_reported(settings: Any, name: str, value: Any, message: str) -> None:
    assert found(settings, **{name: value}) == [message]
