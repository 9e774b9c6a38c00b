"""The admin in a real browser: nothing forbidden, nothing unreadable, nothing cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from centralino.services import lists
from gateway_arq.staff import second_factor
from gateway_arq.staff.tests.conftest import PASSWORD, code_of
from gateway_arq.tests.browser import (
    THEMES,
    Chromium,
    Server,
    fill_login,
    picture,
    serious_findings,
    set_appearance,
)
from gateway_arq.tests.dashboard_page import wait_for_charts
from webcom import rollups
from webcom.tests.factories import ended, stored
from webtv import ingest
from webtv.types import TOTAL, Sample

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = {
    "index": "/admin/",
    "list": "/admin/centralino/listentry/",
    "form": "/admin/centralino/linerule/add/",
    "calls": "/admin/webcom/call/",
    "days": "/admin/lotto/drawday/",
    "trail": "/admin/auditlog/logentry/",
    "viewers": f"/admin/webtv/viewersample/?stream={TOTAL}",
    "enrolment": "/admin/second-factor/",
}
WIDTHS = {"wide": 1440, "phone": 390}
THEME = "document.documentElement.classList.contains('dark') ? 'dark' : 'light'"


@pytest.fixture
def page(driven: Chromium, server: Server) -> Iterator[Page]:
    """The login."""
    with driven.tab(tolerated=("429",)) as page:
        page.goto(f"{server.url}/admin/login/")
        yield page


def go(page: Page, server: Server, address: str) -> None:
    page.goto(f"{server.url}{address}")


def log_in(page: Page, password: str = PASSWORD) -> None:
    fill_login(page, "anna", password)


def test_every_page_is_readable_and_fits(
    page: Page, server: Server, member: Callable[..., User]
) -> None:
    lists.blacklist_number("+393331234567", hours=24, note="rings every night")
    stored(ended())
    rollups.recount()
    ingest.store_samples([Sample(ingest.total_stream().pk, timezone.now(), 41)])
    wrong = what_is_wrong(page, server, "login", "/admin/login/")
    member("admin")
    log_in(page)
    for name, address in PAGES.items():
        wrong |= what_is_wrong(page, server, name, address)
    assert wrong == {}


def what_is_wrong(page: Page, server: Server, name: str, address: str) -> dict[str, list[str]]:
    """By theme and width, what of a page cannot be read or does not fit."""
    found = {}
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        go(page, server, address)  # the admin looks at the system's theme when it is loaded
        assert page.evaluate(THEME) == theme
        if page.locator("[data-chart]").count():
            wait_for_charts(page)
        for size, width in WIDTHS.items():
            set_appearance(page, width=width, theme=theme)
            shown = f"admin-{name}-{theme}-{size}"
            picture(page, shown)
            found[shown] = serious_findings(page)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found[shown].append("wider than the window")
    return {shown: wrong for shown, wrong in found.items() if wrong}


def test_from_enrolment_to_the_next_login(
    page: Page, server: Server, member: Callable[..., User]
) -> None:
    member("operator")
    log_in(page)
    go(page, server, "/admin/second-factor/")
    key = page.locator("code.gateway-code").inner_text().replace(" ", "")
    page.locator("[name=code]").fill(code_of(second_factor.from_readable(key)))
    page.locator("form [type=submit]").last.click()
    codes = page.locator(".backup-codes code").all_inner_texts()
    assert len(codes) == 10
    picture(page, "admin-backup-codes-light-wide")
    page.context.clear_cookies()
    go(page, server, "/admin/")
    log_in(page)
    picture(page, "admin-second-step-light-wide")
    assert serious_findings(page) == []
    page.locator("[name=code]").fill(codes[0])
    page.locator("form.gateway-page [type=submit]").click()
    page.wait_for_url("**/admin/")


def test_guessing_is_locked(page: Page, server: Server, member: Callable[..., User]) -> None:
    member("operator")
    for _ in range(4):
        log_in(page, "wrong")
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        log_in(page, "wrong")
        assert page.evaluate(THEME) == theme
        picture(page, f"admin-locked-{theme}-wide")
        assert "15" in page.locator("#page").inner_text()
        assert serious_findings(page) == [], theme
        go(page, server, "/admin/login/")


def test_the_dashboard_s_login_is_the_same(
    page: Page, server: Server, member: Callable[..., User]
) -> None:
    key = second_factor.new_key()
    second_factor.enrol(member("operator"), key, code_of(key, later_s=-30))
    go(page, server, "/dashboard/")
    log_in(page)
    page.locator("[name=code]").fill(code_of(key))
    page.locator("form.gateway-page [type=submit]").click()
    page.wait_for_url("**/dashboard/")


def test_the_theme_of_the_dashboard_is_the_admin_s_and_back(
    page: Page, server: Server, member: Callable[..., User]
) -> None:
    member("operator")
    page.emulate_media(color_scheme="dark")
    log_in(page)
    go(page, server, "/dashboard/")
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") == "light"
    go(page, server, "/admin/")
    page.wait_for_selector("html.light")
    ground = "getComputedStyle(document.querySelector('.gateway-card')).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.keyboard.press("Control+e")
    page.wait_for_selector("html.dark")
    page.wait_for_function("document.cookie.includes('theme=dark')")
    go(page, server, "/dashboard/")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_the_language_is_switched(page: Page, member: Callable[..., User]) -> None:
    member("operator")
    log_in(page)
    page.get_by_text("anna", exact=True).click()
    page.get_by_text("English").first.click()
    page.wait_for_load_state()
    assert "Calls today" in page.content()
