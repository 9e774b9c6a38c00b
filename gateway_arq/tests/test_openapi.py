"""The OpenAPI document and the pages that show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import hypothesis
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from django.urls import get_resolver

from ocr.legacy.place import in_file
from ocr.tests.legacy_server import legacy_at
from sandbox.legacy import fill
from sandbox.operator import packed
from sandbox.testing import (
    AI_KEY,
    BOT_TOKEN,
    CHAT,
    SITE_PASSWORD,
    SITE_USER,
    RunningLottoSite,
    RunningOpenRouter,
    RunningOperator,
    RunningTelegram,
    running_lotto_site,
    running_openrouter,
    running_operator,
    running_telegram,
)

if TYPE_CHECKING:
    from schemathesis.core.result import Ok

PROBES = {"/livez", "/readyz"}
PAGES = ("/admin/", "/dashboard", "/docs", "/i18n/")


@pytest.fixture
def document(client: Client) -> Any:
    response = client.get("/docs/openapi.json")
    assert response.status_code == 200
    return response.json()


def test_document_is_openapi_3_1_and_needs_no_key(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["components"]["securitySchemes"]["ApiKey"] == {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
    }
    assert document["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"


def _addresses(patterns: Any, before: str = "/") -> set[str]:
    found = set()
    for pattern in patterns:
        address = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if hasattr(pattern, "url_patterns"):
            found |= _addresses(pattern.url_patterns, address)
        else:
            found.add(address)
    return found


def test_every_api_endpoint_is_described(document: Any) -> None:
    served = {
        address
        for address in _addresses(get_resolver("gateway_arq.urls").url_patterns)
        if not address.startswith(PAGES) and address not in PROBES
    }
    assert served == set(document["paths"])


def test_every_operation_documents_its_errors_and_an_example(document: Any) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            assert {"401", "429", "503"} <= set(responses), (method, path)
            good = next(response for code, response in responses.items() if code.startswith("2"))
            json_ = good["content"]["application/json"]
            assert "examples" in json_ or "example" in json_, (method, path)
            assert operation["summary"], (method, path)


def test_every_operation_has_a_name_of_its_own(document: Any) -> None:
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))
    assert not [name for name in names if name.startswith("api_")]


def test_references_inside_the_document_resolve(document: Any) -> None:
    for reference in set(re.findall(r"'\$ref': '#/([^']+)'", str(document))):
        place = document
        for step in reference.split("/"):
            place = place[step]


@pytest.mark.parametrize("address", ["/docs", "/docs/redoc", "/docs/events"])
def test_pages_load_nothing_from_elsewhere(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    page = response.content.decode()
    assert re.findall(r'(?:src|href)="(?!/)[^"]*"', page) == []
    assert re.findall(r'src="(?!/static/)[^"]*"', page) == []
    assert "<script>" not in page
    assert "default-src 'none'" in response["Content-Security-Policy"]
    for file in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert client.get(file).status_code == 200, file


@pytest.fixture
def lotto_operator() -> Iterator[RunningOperator]:
    """An operator with one draw."""
    with running_operator() as operator:
        operator.server.fixed = packed("storico.txt", b"2025/12/06\tBA\t1\t2\t3\t4\t5\n")
        yield operator


@pytest.fixture
def telegram() -> Iterator[RunningTelegram]:
    with running_telegram() as running:
        yield running


@pytest.fixture
def openrouter() -> Iterator[RunningOpenRouter]:
    with running_openrouter() as running:
        yield running


@pytest.fixture
def lotto_site() -> Iterator[RunningLottoSite]:
    with running_lotto_site() as running:
        yield running


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
    settings.TELEGRAM_URL, settings.TELEGRAM_BOT_TOKEN = telegram.url, BOT_TOKEN
    settings.TELEGRAM_CHAT_ID = CHAT
    settings.OPENROUTER_URL, settings.OPENROUTER_API_KEY = openrouter.url, AI_KEY
    settings.LOTTO_SITE_URL = lotto_site.url
    settings.LOTTO_SITE_USER, settings.LOTTO_SITE_PASSWORD = SITE_USER, SITE_PASSWORD
    settings.OCR_STREAM_URL = "http://127.0.0.1:1/live.m3u8"  # a run waits for a worker: none here
    settings.OCR_STREAM_NETWORKS = (ip_network("127.0.0.0/8"),)
    settings.AUTH_FAILURES_PER_MINUTE = 0
    settings.WEBCOM_WEBHOOK_SECRET = "whsec_" + "QUJD" * 8
    return schemathesis.openapi.from_wsgi("/docs/openapi.json", WSGIHandler())


# A request ends with its connection closed, as in the real server.
@pytest.mark.both_profiles
@pytest.mark.timeout(600)  # thousands of requests, on a busy machine too
@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_the_answer_is_as_described(api_key: str, fuzzed_api: Any) -> None:
    from schemathesis.checks import positive_data_acceptance

    # Some text turns out unreadable only when it is read, as times and cursors do: a clear 400 is
    # right then.
    refusable = [positive_data_acceptance]
    for found in fuzzed_api.get_all_operations():
        operation = cast("Ok[Any]", found).ok()

        @hypothesis.settings(max_examples=15)
        @hypothesis.given(case=operation.as_strategy())
        def check(case: Any) -> None:
            case.call_and_validate(headers={"X-API-Key": api_key}, excluded_checks=refusable)

        check()
