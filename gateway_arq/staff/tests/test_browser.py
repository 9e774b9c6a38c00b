"""The admin in a real browser: nothing forbidden, nothing unreadable, nothing cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User

from centralino.services import lists
from gateway_arq.staff import second_factor
from gateway_arq.staff.tests.conftest import PASSWORD, code_of
from gateway_arq.tests.browser import Server, complaints_of, fill_login, picture, serious_findings
from webcom import rollups
from webcom.tests.factories import ended, stored

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = {
    "index": "/admin/",
    "list": "/admin/centralino/listentry/",
    "form": "/admin/centralino/linerule/add/",
    "calls": "/admin/webcom/call/",
    "days": "/admin/lotto/drawday/",
    "trail": "/admin/auditlog/logentry/",
    "enrolment": "/admin/second-factor/",
}
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def browse(chrome: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Opens the login in a context of its own; in the end nobody may have complained."""
    contexts, said = [], []

    def open_login(**options: Any) -> Page:
        usual = {"locale": "it-IT", "base_url": server.url, "viewport": SIZES["wide"]}
        context = chrome.new_context(**(usual | options))
        contexts.append(context)
        page = context.new_page()
        said.append(complaints_of(page))
        page.goto("/admin/login/")
        return page

    yield open_login
    for context in contexts:
        context.close()
    assert [one for complaints in said for one in complaints if "429" not in one] == []


def log_in(page: Page, password: str = PASSWORD) -> None:
    fill_login(page, "anna", password)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_readable_and_fits(
    browse: Callable[..., Page], member: Callable[..., User], theme: str, size: str
) -> None:
    lists.blacklist_number("+393331234567", hours=24, note="rings every night")
    stored(ended())
    rollups.recount()
    page = browse(viewport=SIZES[size], color_scheme=theme)
    picture(page, f"admin-login-{theme}-{size}")
    assert serious_findings(page) == []
    member("admin")
    log_in(page)
    found: dict[str, list[str]] = {}
    for name, address in PAGES.items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        picture(page, f"admin-{name}-{theme}-{size}")
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], name
        found[name] = serious_findings(page)
    assert {name: findings for name, findings in found.items() if findings} == {}


def test_from_enrolment_to_the_next_login(
    browse: Callable[..., Page], member: Callable[..., User]
) -> None:
    member("operator")
    page = browse()
    log_in(page)
    page.goto("/admin/second-factor/")
    key = page.locator("code.house-code").inner_text().replace(" ", "")
    page.locator("[name=code]").fill(code_of(second_factor.from_readable(key)))
    page.locator("form [type=submit]").last.click()
    codes = page.locator(".backup-codes code").all_inner_texts()
    assert len(codes) == 10
    picture(page, "admin-backup-codes-light-wide")
    page.context.clear_cookies()
    page.goto("/admin/")
    log_in(page)
    picture(page, "admin-second-step-light-wide")
    assert serious_findings(page) == []
    page.locator("[name=code]").fill(codes[0])
    page.locator("form.house-page [type=submit]").click()
    page.wait_for_url("**/admin/")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_who_guesses_meets_the_lock(
    browse: Callable[..., Page], member: Callable[..., User], theme: str
) -> None:
    member("operator")
    page = browse(color_scheme=theme)
    for _ in range(5):
        log_in(page, "wrong")
    picture(page, f"admin-locked-{theme}-wide")
    assert "15" in page.locator("#page").inner_text()
    assert serious_findings(page) == []


def test_the_dashboard_s_login_is_the_same(
    browse: Callable[..., Page], member: Callable[..., User]
) -> None:
    key = second_factor.new_key()
    second_factor.enrol(member("operator"), key, code_of(key, later_s=-30))
    page = browse()
    page.goto("/dashboard/")
    log_in(page)
    page.locator("[name=code]").fill(code_of(key))
    page.locator("form.house-page [type=submit]").click()
    page.wait_for_url("**/dashboard/")


def test_the_theme_of_the_dashboard_is_the_admin_s_and_back(
    browse: Callable[..., Page], member: Callable[..., User]
) -> None:
    member("operator")
    page = browse(color_scheme="dark")
    log_in(page)
    page.goto("/dashboard/")
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") == "light"
    page.goto("/admin/")
    page.wait_for_selector("html.light")
    ground = "getComputedStyle(document.querySelector('.house-card')).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.keyboard.press("Control+e")
    page.wait_for_selector("html.dark")
    page.wait_for_timeout(500)  # the choice is kept a moment after it is shown
    page.goto("/dashboard/")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_the_language_is_switched(browse: Callable[..., Page], member: Callable[..., User]) -> None:
    member("operator")
    page = browse()
    log_in(page)
    page.get_by_text("anna", exact=True).click()
    page.get_by_text("English").first.click()
    page.wait_for_load_state()
    assert "Calls today" in page.content()
