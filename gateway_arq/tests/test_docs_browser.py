"""The pages under `/docs` in a real browser: the reader's own key, trying out, listening."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from core.auth import services
from core.realtime.publish import publish
from gateway_arq.tests.browser import (
    THEMES,
    Chromium,
    Server,
    picture,
    serious_findings,
    set_appearance,
)
from webtv.events import ViewersCounted

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)

WIDTHS = (1280, 390)
SNIPPETS = {"curl": "curl -X POST", "axios": "axios.post", "Python": "requests"}


@pytest.fixture
def key() -> str:
    return services.create_key(name="reader")[1]


@pytest.fixture
def page(driven: Chromium, server: Server) -> Iterator[Page]:
    with driven.tab(locale="en-US") as page:
        yield page


def widths(page: Page) -> Iterator[int]:
    """Show the page in every width; those that cost much to load are loaded once."""
    for width in WIDTHS:
        set_appearance(page, width=width)
        yield width


def test_the_readers_key_is_in_snippets_and_requests_and_stays_in_its_tab(
    page: Page, server: Server, key: str
) -> None:
    page.goto(f"{server.url}/docs/events")
    page.locator("#api-key").fill(key)
    page.goto(f"{server.url}/docs")  # drawing it takes seconds: once, for all that it can do
    for theme, width in product(THEMES, (1440, 390)):
        set_appearance(page, width=width, theme=theme)
        assert page.locator("#api-key").input_value() == key
        page.locator(".opblock-summary").first.wait_for()
        picture(page, f"docs-{theme}-{width}")
    snippets_have_the_key_and_this_address(page, server, key)
    an_endpoint_is_tried_out_with_the_key(page)
    assert page.evaluate("localStorage.length") == 0
    other = page.context.new_page()
    other.goto(f"{server.url}/docs/events")
    assert other.locator("#api-key").input_value() == ""


def snippets_have_the_key_and_this_address(page: Page, server: Server, key: str) -> None:
    page.locator("[id*=lotto_save] .opblock-summary").first.click()
    shown = page.locator(".snippets code")
    for width in widths(page):
        page.locator("#api-key").fill("")
        assert "YOUR_API_KEY" in shown.inner_text()
        page.locator("#api-key").fill(key)
        for name, word in SNIPPETS.items():
            page.get_by_role("tab", name=name, exact=True).click()
            assert word in shown.inner_text()
            assert key in shown.inner_text()
            assert f"{server.url}/api/lotto/save" in shown.inner_text()
        picture(page, f"docs-endpoint-{width}")


def an_endpoint_is_tried_out_with_the_key(page: Page) -> None:
    operation = page.locator("#operations-Lotto-lotto_stats")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    for _ in widths(page):
        with page.expect_response("**/api/lotto/stats") as answered:
            operation.get_by_role("button", name="Execute").click()
        assert answered.value.status == 200


def test_events_are_shown_on_the_page(page: Page, server: Server, key: str) -> None:
    for width in widths(page):
        page.goto("about:blank")  # or the address would differ in nothing
        page.goto(f"{server.url}/docs/events#webtv_update")
        assert page.locator("#webtv_update table").is_visible()
        page.locator("#api-key").fill(key)
        page.locator("#listen [name=types]").fill("webtv_update")
        page.locator("#listen button").click()
        page.locator("#log", has_text="Connected to Gateway ARQ").wait_for()
        publish([ViewersCounted("main", 412, timezone.now())])
        page.locator("#log", has_text='"viewers":412').wait_for()
        assert serious_findings(page) == [], width
        picture(page, f"docs-events-{width}")
        page.locator("#listen button").click()
        page.locator("#link", has_text="closed").wait_for()


def test_a_refused_key_is_reported(page: Page, server: Server) -> None:
    for _ in widths(page):
        page.goto(f"{server.url}/docs/events")
        page.locator("#api-key").fill("sk_wrong")
        page.locator("#listen button").click()
        page.locator("#log", has_text="4401").wait_for()
        page.locator("#link", has_text="closed (4401)").wait_for()


def test_redoc_loads_nothing_from_elsewhere(page: Page, server: Server, key: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/docs/redoc")
    page.locator("#api-key").press_sequentially(key)  # while it is being drawn
    page.get_by_role("heading", name="Get the latest draws by date").wait_for()
    shown = "key => document.body.textContent.includes(key)"
    page.wait_for_function(shown, arg=key)
    set_appearance(page, width=390)
    page.locator("#api-key").press_sequentially("x")
    page.wait_for_function(shown, arg=f"{key}x")
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {server.url[7:]}
