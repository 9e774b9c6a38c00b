"""The live page in a real browser: calls come and go, and the connection with them.

What its scripts decide without a page is in tests/dashboard.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from core.realtime.publish import get_log
from gateway_arq.tests.browser import Chromium, Open, Server, authenticate, make_user
from gateway_arq.tests.dashboard_page import (
    chart,
    keys,
    pill,
    report_calls,
    row,
    rows,
    wait_for_charts,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_call_appears_within_a_second_changes_and_leaves(page: Page) -> None:
    expect(page.get_by_text("Nessuna chiamata in corso.")).to_be_visible()
    report_calls({"id": "a", "state": "Ringing", "caller": "", "revision": 1})
    expect(row(page, "a")).to_contain_text("Anonimo", timeout=1000)
    expect(row(page, "a").locator(".state")).to_have_text("Squilla")
    expect(page.locator("#active")).to_have_text("1")
    expect(page.get_by_text("Nessuna chiamata in corso.")).to_be_hidden()

    report_calls({"id": "a", "state": "Pending", "cost": 1234.5, "revision": 2})
    expect(row(page, "a").locator(".state")).to_have_text("In corso")
    expect(row(page, "a").locator(".cost")).to_have_text("1.234,50\N{NO-BREAK SPACE}€")

    report_calls({"id": "a", "state": "Ok", "duration": 90, "cost": 1300, "revision": 3})
    expect(rows(page)).to_have_count(0)
    expect(page.locator("#active")).to_have_text("0")
    expect(page.get_by_text("Nessuna chiamata in corso.")).to_be_visible()


def test_todays_figures_follow_the_calls(page: Page) -> None:
    report_calls(
        {"id": "a", "state": "Ok", "duration": 120, "cost": 3.5},
        {"id": "b", "lineNumber": "800123", "lineID": "G"},
    )
    expect(page.locator("[data-figure=calls]")).to_have_text("2", timeout=8000)
    expect(page.locator("[data-figure=minutes]")).to_have_text("2")
    expect(page.locator("[data-figure=cost]")).to_have_text("3,50\N{NO-BREAK SPACE}€")
    lines = page.locator(".measure").first.locator("tbody tr")
    expect(lines).to_have_text(
        [re.compile(r"Tutte\s+2"), re.compile(r"Vas\s+1"), re.compile(r"Green\s+1")]
    )
    wait_for_charts(page)
    # Five minutes may just have ended.
    lately = f"{chart('rhythm')}.data.datasets[0].data.slice(-2).reduce((sum, n) => sum + n)"
    page.wait_for_function(f"{lately} === 2")


def test_calls_are_in_order_timed_filtered_and_never_markup(page: Page) -> None:
    now = int(time.time())
    report_calls({"id": "b", "timestamp": now - 3_720, "callerOperator": "VODAFONE"})
    report_calls(
        {"id": "a", "timestamp": now - 3_730, "caller": "0612345"},
        {"id": "c", "timestamp": now - 3_700, "state": "<i>Parked</i>"},
    )
    expect(rows(page)).to_have_count(3)
    assert keys(page) == ["c", "b", "a"]
    expect(row(page, "c").locator(".state")).to_have_text("<i>Parked</i>")
    elapsed = row(page, "b").locator(".elapsed")
    expect(elapsed).to_contain_text("1:02:0")
    before = elapsed.text_content() or ""

    page.get_by_label("Filtra le chiamate").fill("voda")
    expect(row(page, "a")).to_be_hidden()
    expect(page.locator("#matches")).to_have_text("1 / 3")
    report_calls({"id": "d"}, {"id": "e", "callerOperator": "Vodafone"})
    expect(row(page, "e")).to_be_visible()
    expect(row(page, "d")).to_be_hidden()
    page.get_by_label("Filtra le chiamate").fill("")
    expect(row(page, "a")).to_be_visible()
    expect(page.locator("#matches")).to_be_empty()
    expect(elapsed).not_to_have_text(before, timeout=3000)


def test_whatever_the_rate_of_events_the_page_changes_at_most_thirty_times_a_second(
    page: Page,
) -> None:
    page.evaluate(
        "window.changes = 0;"
        "new MutationObserver(() => changes++).observe(document, "
        "{subtree: true, childList: true, characterData: true, attributes: true})"
    )
    began = time.monotonic()
    for n in range(300):
        report_calls({"id": f"c{n % 20}", "cost": n / 100, "revision": n})
    expect(row(page, "c19").locator(".cost")).to_contain_text("2,99")
    seconds = max(1.0, time.monotonic() - began)
    assert page.evaluate("changes") <= 30 * seconds


def test_first_paint_is_complete_without_script(driven: Chromium, server: Server) -> None:
    report_calls({"id": "a", "cost": 0.35})
    with driven.tab(java_script_enabled=False) as page:
        authenticate(page, make_user(), server)
        page.goto(f"{server.url}/dashboard/")
        expect(row(page, "a")).to_contain_text("0,35")
        expect(page.locator("[data-figure=calls]")).to_have_text("1")


def test_what_happens_between_first_paint_and_connection_is_not_lost(page: Page) -> None:
    report_calls({"id": "a"}, {"id": "b"})
    expect(rows(page)).to_have_count(2)

    def meanwhile(script: Route) -> None:
        report_calls({"id": "b", "state": "Ok"}, {"id": "c"})
        script.continue_()

    page.route("**/main.js", meanwhile)
    page.reload()
    expect(row(page, "c")).to_be_visible()
    expect(rows(page)).to_have_count(2)
    assert sorted(keys(page)) == ["a", "c"]


@pytest.mark.parametrize("remembers", [True, False], ids=["log kept", "log lost"])
def test_a_restart_of_the_server_loses_and_doubles_nothing(
    page: Page, server: Server, remembers: bool
) -> None:
    report_calls({"id": "stays"}, {"id": "ends"}, {"id": "changes", "state": "Ringing"})
    expect(rows(page)).to_have_count(3)
    server.stop()
    expect(pill(page)).to_have_text("Scollegato", use_inner_text=True)
    report_calls(
        {"id": "ends", "state": "Ok"},
        {"id": "changes", "state": "Pending", "revision": 2},
        {"id": "new"},
    )
    if not remembers:
        get_log.cache_clear()
    server.start()
    expect(pill(page)).to_have_text("In diretta", use_inner_text=True, timeout=15_000)
    expect(row(page, "new")).to_be_visible()
    expect(rows(page)).to_have_count(3)
    assert sorted(keys(page)) == ["changes", "new", "stays"]
    expect(row(page, "changes").locator(".state")).to_have_text("In corso")
    report_calls({"id": "later"})
    expect(row(page, "later")).to_be_visible()
    assert sorted(keys(page)) == ["changes", "later", "new", "stays"]


def reconnects(page: Page) -> None:
    """The page's retries, of which the first may come before the server is ready for them."""
    for _ in range(20):
        page.clock.fast_forward(30_000)
        with suppress(AssertionError):
            expect(pill(page)).to_have_text("In diretta", use_inner_text=True, timeout=1_000)
            return
    expect(pill(page)).to_have_text("In diretta", use_inner_text=True)


def test_a_banner_marks_stale_data_and_offers_the_login_after_the_session(
    opened: Open, server: Server
) -> None:
    with opened(fresh=True) as page:
        login = page.get_by_role("link", name="Accedi di nuovo")
        User.objects.update(is_staff=False)
        page.clock.install()
        expect(pill(page)).to_have_text("Scollegato", use_inner_text=True, timeout=10_000)
        page.clock.fast_forward(6_000)
        expect(login).to_be_visible()
        User.objects.update(is_staff=True)
        reconnects(page)
        expect(page.locator("#stale")).to_be_hidden()

        server.stop()
        expect(pill(page)).to_have_text("Scollegato", use_inner_text=True)
        expect(page.locator("#stale")).to_be_hidden()
        page.clock.fast_forward(6_000)
        expect(page.get_by_text("Dati fermi alle")).to_be_visible()
        expect(login).to_be_hidden()
        server.start()
        reconnects(page)
        expect(page.locator("#stale")).to_be_hidden()


def test_charts_load_after_the_server_has_recovered(page: Page, server: Server) -> None:
    page.route("**/vendor/**", lambda route: route.abort("connectionreset"))
    page.reload()
    expect(pill(page)).to_have_text("In diretta", use_inner_text=True)
    expect(page.locator("#chart-hours canvas")).not_to_have_attribute("style", re.compile("."))
    server.stop()
    expect(pill(page)).to_have_text("Scollegato", use_inner_text=True)
    page.unroute("**/vendor/**")
    server.start()
    wait_for_charts(page)
    assert page.evaluate(f"{chart('hours')}.data.datasets[0].data.length") > 0


def test_a_connection_that_is_open_but_dead_is_replaced(driven: Chromium, server: Server) -> None:
    tries: list[WebSocketRoute] = []

    def dead_at_first(route: WebSocketRoute) -> None:
        tries.append(route)
        if len(tries) > 1:
            route.connect_to_server()

    with driven.tab(fresh=True) as page:
        authenticate(page, make_user(), server)
        page.route_web_socket("**/ws?*", dead_at_first)
        page.clock.install()
        page.goto(f"{server.url}/dashboard/")
        expect(pill(page)).to_have_text("Collegamento…", use_inner_text=True)
        page.clock.fast_forward(16_000)
        page.clock.fast_forward(12_000)
        expect(pill(page)).to_have_text("In diretta", use_inner_text=True)
        assert len(tries) == 2
