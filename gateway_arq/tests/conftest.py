"""The API with everything outside answering, for tests that send it anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler

from ocr.legacy.place import in_file
from ocr.tests.legacy_server import legacy_at
from sandbox.legacy import fill
from sandbox.operator import packed
from sandbox.testing import (
    RunningLottoSite,
    RunningOpenRouter,
    RunningOperator,
    RunningTelegram,
    running_operator,
)


@pytest.fixture
def lotto_operator() -> Iterator[RunningOperator]:
    """An operator with one draw."""
    with running_operator() as operator:
        operator.server.fixed = packed("storico.txt", b"2025/12/06\tBA\t1\t2\t3\t4\t5\n")
        yield operator


@pytest.fixture
def legacy_database(tmp_path: Path) -> Iterator[None]:
    """The old database as the sandbox fills it."""
    fill(tmp_path / "legacy.sqlite3", date(2025, 12, 7))
    with legacy_at(in_file(tmp_path / "legacy.sqlite3", timeout_s=1)):
        yield


@pytest.fixture
def fuzzed_api(
    settings: Any,
    lotto_operator: RunningOperator,
    telegram: RunningTelegram,
    openrouter: RunningOpenRouter,
    lotto_site: RunningLottoSite,
    legacy_database: None,
) -> Any:
    """The described API, with everything outside answering."""
    import schemathesis  # half a second, which only this needs

    settings.LOTTO_ARCHIVE_URLS = [lotto_operator.url]
    settings.OCR_STREAM_URL = "http://127.0.0.1:1/live.m3u8"  # a run waits for a worker: none here
    settings.OCR_STREAM_NETWORKS = (ip_network("127.0.0.0/8"),)
    settings.AUTH_FAILURES_PER_MINUTE = 0
    settings.WEBCOM_WEBHOOK_SECRET = "whsec_" + "QUJD" * 8
    return schemathesis.openapi.from_wsgi("/docs/openapi.json", WSGIHandler())
