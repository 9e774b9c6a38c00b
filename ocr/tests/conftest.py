from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from lotto.rules import ROME
from ocr import reader_process
from ocr.reader.engines import rapidocr
from ocr.reader.reader import Reader
from ocr.reader_process import ReadingProcess
from ocr.tests import coded
from ocr.tests.evenings import DAY, Services
from ocr.tests.fakes import ScriptedReader
from ocr.tests.workers import Workers, running_workers
from sandbox.testing import (
    RunningLottoSite,
    RunningOpenRouter,
    RunningTelegram,
    RunningTelevision,
    running_television,
)


@pytest.fixture(scope="session")
def eyes() -> Reader:
    """The reader with its default engine, in this process."""
    return rapidocr()


@pytest.fixture(scope="session")
def session_process() -> Iterator[ReadingProcess]:
    """A reading process that starts with the first picture and stays for the tests that follow."""
    process = ReadingProcess(django_settings.OCR_ENGINE, waiting=django_settings.OCR_QUEUE)
    yield process
    process.close()


@pytest.fixture
def reading_process(session_process: ReadingProcess) -> Iterator[ReadingProcess]:
    """The real reader, which the views use during the test."""
    reader_process.use(session_process)
    yield session_process
    reader_process.use(None)


@pytest.fixture
def reading_processes() -> Iterator[Callable[..., ReadingProcess]]:
    """Makes reading processes of the test's own, where their start or end is the claim."""
    made: list[ReadingProcess] = []

    def make(**options: Any) -> ReadingProcess:
        made.append(ReadingProcess(django_settings.OCR_ENGINE, **{"waiting": 1, **options}))
        return made[-1]

    yield make
    reader_process.use(None)
    for process in made:
        process.close()


@pytest.fixture
def scripted() -> Iterator[ScriptedReader]:
    """A reader of coded pictures, which the views use during the test."""
    reader = ScriptedReader()
    reader_process.use(reader)
    yield reader
    reader_process.use(None)


@pytest.fixture
def television(settings: Any) -> Iterator[RunningTelevision]:
    """A television that the settings lead to, with the board of DAY."""
    with _on_the_air(settings) as running:
        yield running


@pytest.fixture
def coded_television(settings: Any, hls: None) -> Iterator[RunningTelevision]:
    """The same with pictures that a scripted reader can read."""
    with _on_the_air(settings, segment_s=0.4, draw=coded.drawn) as running:
        yield running


@contextmanager
def _on_the_air(settings: Any, **options: Any) -> Iterator[RunningTelevision]:
    with running_television(**options) as running:
        settings.OCR_STREAM_URL = running.url
        settings.OCR_STREAM_NETWORKS = [ip_network("127.0.0.0/8")]
        running.server.steer(programme="board", day=DAY)
        yield running


@pytest.fixture(scope="session")
def hls() -> None:
    """Marks tests that play video over HTTP as of the television tier."""


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    """Starts worker processes on this test's database, Redis and upstreams, and ends them."""
    with running_workers(tmp_path) as started:
        yield started


@pytest.fixture
def services(
    telegram: RunningTelegram, openrouter: RunningOpenRouter, lotto_site: RunningLottoSite
) -> Services:
    """All upstreams of a run except for the television, on the evening of DAY."""
    evening = datetime.combine(DAY, time(20, 5), ROME).timestamp()
    openrouter.clock.now = lotto_site.clock.now = evening
    return Services(telegram, openrouter, lotto_site)
