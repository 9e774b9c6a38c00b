"""The live page in a real browser, against the real web application on a loopback port."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Locator, Page, Route, WebSocketRoute, expect

from gateway_arq.realtime.publish import get_log, publish
from gateway_arq.tests.browser import Open, Server
from webcom.events import CallEvent
from webcom.ingest import store_calls
from webcom.types import parse_call

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def pill(page: Page) -> Locator:
    """How the connection is."""
    return page.locator(".pill")


def told(*calls: dict[str, Any], **common: Any) -> None:
    """The carrier tells of calls: what is not said is of a premium line's that began just now."""
    usual = {
        "lineID": "Line90",
        "lineNumber": "899123456",
        "state": "Pending",
        "caller": "3331234567",
        "callerOperator": "TIMG",
        "timestamp": int(time.time()),
    }
    store_calls([parse_call(usual | common | call) for call in calls])


def charted(page: Page, name: str, series: int = 0) -> list[Any]:
    """The values that a chart shows."""
    return list(page.evaluate(f"{chart(name)}.data.datasets[{series}].data"))


def chart(name: str) -> str:
    return f"Chart.getChart(document.querySelector('#chart-{name} canvas'))"


@pytest.fixture
def fresh_page(opened: Open) -> Iterator[Page]:
    """One whose clock or sockets may be tampered with."""
    with opened(fresh=True) as page:
        yield page


def rows(page: Page) -> Locator:
    return page.locator("#rows tr")


def row(page: Page, call_id: str) -> Locator:
    return page.locator(f'#rows tr[data-key="{call_id}"]')


def ids(page: Page) -> list[str]:
    return [str(one.get_attribute("data-key")) for one in rows(page).all()]


def test_a_call_appears_within_a_second_changes_and_leaves(page: Page) -> None:
    expect(page.get_by_text("Nessuna chiamata in corso.")).to_be_visible()
    told({"id": "a", "state": "Ringing", "caller": "", "revision": 1})
    expect(row(page, "a")).to_contain_text("Anonimo", timeout=1000)
    expect(row(page, "a").locator(".state")).to_have_text("Squilla")
    expect(page.locator("#active")).to_have_text("1")
    expect(page.get_by_text("Nessuna chiamata in corso.")).to_be_hidden()

    told({"id": "a", "state": "Pending", "cost": 1234.5, "revision": 2})
    expect(row(page, "a").locator(".state")).to_have_text("In corso")
    expect(row(page, "a").locator(".cost")).to_have_text("1.234,50\N{NO-BREAK SPACE}€")

    told({"id": "a", "state": "Ok", "duration": 90, "cost": 1300, "revision": 3})
    expect(rows(page)).to_have_count(0)
    expect(page.locator("#active")).to_have_text("0")
    expect(page.get_by_text("Nessuna chiamata in corso.")).to_be_visible()


def test_todays_figures_and_charts_follow_the_calls(page: Page) -> None:
    told(
        {"id": "a", "state": "Ok", "duration": 120, "cost": 3.5},
        {"id": "b", "lineNumber": "800123", "lineID": "G"},
    )
    expect(page.locator("[data-figure=calls]")).to_have_text("2", timeout=8000)
    expect(page.locator("[data-figure=minutes]")).to_have_text("2")
    expect(page.locator("[data-figure=cost]")).to_have_text("3,50\N{NO-BREAK SPACE}€")
    rows = page.locator(".measure").first.locator("tbody tr")
    expect(rows).to_have_text(
        [re.compile(r"Tutte\s+2"), re.compile(r"Vas\s+1"), re.compile(r"Green\s+1")]
    )
    expect(page.locator("#chart-rhythm .sketch")).to_have_count(0)  # Chart.js has drawn over it
    # Five minutes may just have ended.
    lately = f"{chart('rhythm')}.data.datasets[0].data.slice(-2).reduce((sum, n) => sum + n)"
    page.wait_for_function(f"{lately} === 2")


def test_the_hour_that_runs_does_not_look_like_a_fall(page: Page) -> None:
    expect(page.locator("#chart-hours .sketch")).to_have_count(0)
    run = len(charted(page, "hours"))
    colours = page.evaluate(
        f"[1, 2].map((back) => {chart('hours')}.data.datasets[0].segment.borderColor("
        f"{{p1DataIndex: {run} - back}}) ?? null)"
    )
    assert colours[0] is not None
    assert colours[1] is None


def test_the_timer_runs_from_the_start_of_the_call(page: Page) -> None:
    told({"id": "a", "timestamp": int(time.time()) - 3_720})
    elapsed = row(page, "a").locator(".elapsed")
    expect(elapsed).to_contain_text("1:02:0")
    before = elapsed.text_content() or ""
    expect(elapsed).not_to_have_text(before, timeout=3000)


def test_newer_calls_stand_above_older_ones(page: Page) -> None:
    now = int(time.time())
    told({"id": "b", "timestamp": now - 60})
    told({"id": "a", "timestamp": now - 90}, {"id": "c", "timestamp": now - 30})
    expect(rows(page)).to_have_count(3)
    assert ids(page) == ["c", "b", "a"]


def test_an_older_telling_that_comes_late_changes_nothing(page: Page) -> None:
    told({"id": "a", "state": "Pending", "revision": 5})
    expect(row(page, "a")).to_be_visible()
    late = {"id": "a", "state": "Ringing", "timestamp": int(time.time()), "revision": 4}
    publish([CallEvent(parse_call(late))])
    told({"id": "b"})
    expect(row(page, "b")).to_be_visible()
    expect(row(page, "a").locator(".state")).to_have_text("In corso")


def test_an_unknown_state_is_shown_as_it_comes_and_never_as_markup(page: Page) -> None:
    told({"id": "a", "state": "<i>Parked</i>"})
    expect(row(page, "a").locator(".state")).to_have_text("<i>Parked</i>")
    told({"id": "a", "state": "<i>Parked</i>", "endedAt": int(time.time()), "revision": 9})
    expect(rows(page)).to_have_count(0)


def test_the_filter_looks_everywhere_and_also_at_calls_that_come_later(page: Page) -> None:
    told({"id": "a", "callerOperator": "VODAFONE"}, {"id": "b", "caller": "0612345"})
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Filtra le chiamate").fill("voda")
    expect(row(page, "b")).to_be_hidden()
    expect(page.locator("#matches")).to_have_text("1 / 2")
    told({"id": "c"}, {"id": "d", "callerOperator": "Vodafone"})
    expect(row(page, "d")).to_be_visible()
    expect(row(page, "c")).to_be_hidden()
    page.get_by_label("Filtra le chiamate").fill("")
    expect(row(page, "b")).to_be_visible()
    expect(page.locator("#matches")).to_be_empty()


def test_first_paint_is_complete_without_script(
    chrome: Browser, server: Server, page: Page
) -> None:
    told({"id": "a", "cost": 0.35})
    plain = chrome.new_context(java_script_enabled=False, locale="it-IT")
    plain.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    bare = plain.new_page()
    bare.goto(f"{server.url}/dashboard/")
    expect(row(bare, "a")).to_contain_text("0,35")
    expect(bare.locator("[data-figure=calls]")).to_have_text("1")
    expect(bare.locator("#chart-rhythm .sketch")).to_be_visible()
    plain.close()


def test_what_happens_between_first_paint_and_connection_is_not_lost(page: Page) -> None:
    told({"id": "a"}, {"id": "b"})
    expect(rows(page)).to_have_count(2)

    def meanwhile(script: Route) -> None:
        told({"id": "b", "state": "Ok"}, {"id": "c"})
        script.continue_()

    page.route("**/main.js", meanwhile)
    page.reload()
    expect(row(page, "c")).to_be_visible()
    expect(rows(page)).to_have_count(2)
    assert sorted(ids(page)) == ["a", "c"]


@pytest.mark.parametrize("remembers", [True, False], ids=["log kept", "log lost"])
def test_a_restart_of_the_server_loses_and_doubles_nothing(
    page: Page, server: Server, remembers: bool
) -> None:
    told({"id": "stays"}, {"id": "ends"}, {"id": "changes", "state": "Ringing"})
    expect(rows(page)).to_have_count(3)
    server.stop()
    expect(pill(page)).to_have_text("Scollegato", use_inner_text=True)
    told(
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
    assert sorted(ids(page)) == ["changes", "new", "stays"]
    expect(row(page, "changes").locator(".state")).to_have_text("In corso")
    told({"id": "later"})
    expect(row(page, "later")).to_be_visible()
    assert sorted(ids(page)) == ["changes", "later", "new", "stays"]


def test_a_banner_says_that_data_are_stale_until_they_are_not(
    fresh_page: Page, server: Server
) -> None:
    page = fresh_page
    page.clock.install()
    server.stop()
    expect(pill(page)).to_have_text("Scollegato", use_inner_text=True)
    expect(page.locator("#stale")).to_be_hidden()
    page.clock.fast_forward(6_000)
    expect(page.get_by_text("Dati fermi alle")).to_be_visible()
    expect(page.get_by_role("link", name="Accedi di nuovo")).to_be_hidden()
    server.start()
    page.clock.fast_forward(30_000)
    expect(pill(page)).to_have_text("In diretta", use_inner_text=True)
    expect(page.locator("#stale")).to_be_hidden()


def test_charts_that_a_lost_server_did_not_give_come_when_it_is_back(
    page: Page, server: Server
) -> None:
    page.route("**/vendor/**", lambda route: route.abort("connectionreset"))
    page.reload()
    expect(pill(page)).to_have_text("In diretta", use_inner_text=True)
    expect(page.locator("#chart-hours .sketch")).to_be_visible()
    server.stop()
    expect(pill(page)).to_have_text("Scollegato", use_inner_text=True)
    page.unroute("**/vendor/**")
    server.start()
    expect(page.locator("#chart-hours .sketch")).to_have_count(0, timeout=15_000)
    assert len(charted(page, "hours")) > 0


def test_a_connection_that_is_open_but_dead_is_replaced(fresh_page: Page) -> None:
    page = fresh_page
    tries: list[WebSocketRoute] = []

    def dead_at_first(route: WebSocketRoute) -> None:
        tries.append(route)
        if len(tries) > 1:
            route.connect_to_server()

    page.route_web_socket("**/ws?*", dead_at_first)
    page.clock.install()
    page.reload()
    expect(pill(page)).to_have_text("Collegamento…", use_inner_text=True)
    page.clock.fast_forward(16_000)
    page.clock.fast_forward(12_000)
    expect(pill(page)).to_have_text("In diretta", use_inner_text=True)
    assert len(tries) == 2


def test_who_is_no_longer_staff_is_asked_to_log_in_again(fresh_page: Page) -> None:
    page = fresh_page
    User.objects.update(is_staff=False)
    page.clock.install()
    expect(pill(page)).to_have_text("Scollegato", use_inner_text=True, timeout=10_000)
    page.clock.fast_forward(6_000)
    expect(page.get_by_role("link", name="Accedi di nuovo")).to_be_visible()


def test_the_sandbox_is_labelled(opened: Open, settings: Any) -> None:
    settings.SANDBOX = True
    with opened() as page:
        expect(page.get_by_text("SANDBOX: dati di prova")).to_be_visible()


def test_a_phone_needs_no_sideways_scrolling(opened: Open, settings: Any) -> None:
    settings.SANDBOX = True
    told(*({"id": f"c{n}", "cost": 1234.56} for n in range(20)))
    with opened(viewport={"width": 360, "height": 740}, is_mobile=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        expect(row(page, "c1").get_by_role("cell")).to_have_count(6)


def test_everything_is_reached_with_the_keyboard_alone(page: Page) -> None:
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(e => e.id || e.value || e.textContent.trim())(document.activeElement)")
        )
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
    assert reached == [
        "Vai alle chiamate", "Amministrazione", "API", "theme", "it", "en", "Esci", "filter",
        reached[8],
    ]  # fmt: skip


def test_the_reader_can_switch_to_english_and_log_out(page: Page) -> None:
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Calls in progress")).to_be_visible()
    expect(pill(page)).to_have_text("Live", use_inner_text=True)
    page.get_by_role("button", name="Log out").click()
    page.goto(page.url.replace("/admin/logout/", "/dashboard/"))
    assert "/admin/login/?next=/dashboard/" in page.url


def test_three_hundred_calls_come_and_go(page: Page) -> None:
    told(*({"id": f"c{n}", "timestamp": int(time.time()) - n} for n in range(300)))
    expect(rows(page)).to_have_count(300)
    expect(page.locator("#active")).to_have_text("300")
    told(*({"id": f"c{n}", "state": "Ok", "revision": 2} for n in range(0, 300, 2)))
    expect(rows(page)).to_have_count(150)
    assert ids(page) == [f"c{n}" for n in range(1, 300, 2)]


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
        told({"id": f"c{n % 20}", "cost": n / 100, "revision": n})
    expect(row(page, "c19").locator(".cost")).to_contain_text("2,99")
    seconds = max(1.0, time.monotonic() - began)
    assert page.evaluate("changes") <= 30 * seconds
