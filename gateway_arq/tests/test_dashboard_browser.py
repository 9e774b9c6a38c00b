"""The live page in a real browser, against the real web application on a loopback port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from django.contrib.auth.models import User
from playwright.sync_api import (
    Browser,
    Locator,
    Page,
    Route,
    WebSocketRoute,
    expect,
    sync_playwright,
)

from gateway_arq.realtime.publish import get_log, publish
from webcom.events import CallEvent
from webcom.ingest import store_calls
from webcom.types import parse_call

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WENT_AWAY = "WebSocket connection to"  # Chromium's own complaint when the server is not there


class Server:
    """The embedded size's web server in a thread, on one port for its whole life."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        from gateway_arq.asgi import application

        config = uvicorn.Config(
            application,
            port=self.port,
            ws="websockets-sansio",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's own loop runs in the tests' thread.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


def pill(page: Page) -> Locator:
    """How the connection is."""
    return page.locator(".pill")


@contextmanager
def logged_in(chrome: Browser, server: Server, **options: Any) -> Iterator[Page]:
    """The page as staff see it after logging in; in the end nobody may have complained."""
    User.objects.create_user("anna", password="secret", is_staff=True)
    context = chrome.new_context(
        **{"locale": "it-IT", "viewport": {"width": 1440, "height": 900}} | options
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.goto(f"{server.url}/")
    page.get_by_label("Nome utente").fill("anna")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Accedi").click()
    expect(pill(page)).to_have_text("In diretta", use_inner_text=True)
    yield page
    context.close()
    assert [said for said in complaints if WENT_AWAY not in said] == []


@pytest.fixture
def page(chrome: Browser, server: Server) -> Iterator[Page]:
    with logged_in(chrome, server) as page:
        yield page


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


def rows(page: Page) -> Locator:
    return page.locator("#rows tr:not(.leaving)")


def row(page: Page, call_id: str) -> Locator:
    return page.locator(f'#rows tr[data-id="{call_id}"]')


def ids(page: Page) -> list[str]:
    return [str(one.get_attribute("data-id")) for one in rows(page).all()]


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


def test_todays_figures_and_bars_follow_the_calls(page: Page) -> None:
    told(
        {"id": "a", "state": "Ok", "duration": 120, "cost": 3.5},
        {"id": "b", "lineNumber": "800123", "lineID": "G"},
    )
    expect(page.locator("[data-field=calls]")).to_have_text("2", timeout=8000)
    expect(page.locator("[data-field=calls_split]")).to_have_text("Vas 1 · Green 1")
    expect(page.locator("[data-field=minutes]")).to_have_text("2")
    expect(page.locator("[data-field=cost]").first).to_have_text("3,50\N{NO-BREAK SPACE}€")
    heights = [int(bar.get_attribute("height") or 0) for bar in page.locator("#bars rect").all()]
    assert max(heights) == 100


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


def test_first_paint_is_complete_without_script(chrome: Browser, server: Server) -> None:
    told({"id": "a", "cost": 0.35})
    with logged_in(chrome, server) as page:
        cookies = page.context.cookies()
        plain = chrome.new_context(java_script_enabled=False, locale="it-IT")
        plain.add_cookies(cookies)  # type: ignore[arg-type]
        bare = plain.new_page()
        bare.goto(f"{server.url}/dashboard/")
        expect(row(bare, "a")).to_contain_text("0,35")
        expect(bare.locator("[data-field=calls]")).to_have_text("1")
        plain.close()


def test_what_happens_between_first_paint_and_connection_is_not_lost(page: Page) -> None:
    told({"id": "a"}, {"id": "b"})
    expect(rows(page)).to_have_count(2)

    def meanwhile(script: Route) -> None:
        told({"id": "b", "state": "Ok"}, {"id": "c"})
        script.continue_()

    page.route("**/dashboard.js", meanwhile)
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


def test_a_banner_says_that_data_are_stale_until_they_are_not(page: Page, server: Server) -> None:
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


def test_a_connection_that_is_open_but_dead_is_replaced(page: Page) -> None:
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


def test_who_is_no_longer_staff_is_asked_to_log_in_again(page: Page) -> None:
    User.objects.update(is_staff=False)
    page.clock.install()
    expect(pill(page)).to_have_text("Scollegato", use_inner_text=True, timeout=10_000)
    page.clock.fast_forward(6_000)
    expect(page.get_by_role("link", name="Accedi di nuovo")).to_be_visible()


def test_the_sandbox_is_labelled(chrome: Browser, server: Server, settings: Any) -> None:
    settings.SANDBOX = True
    with logged_in(chrome, server) as page:
        expect(page.get_by_text("SANDBOX: dati di prova")).to_be_visible()


def test_a_phone_needs_no_sideways_scrolling(
    chrome: Browser, server: Server, settings: Any
) -> None:
    settings.SANDBOX = True
    told(*({"id": f"c{n}", "cost": 1234.56} for n in range(20)))
    with logged_in(chrome, server, viewport={"width": 360, "height": 740}, is_mobile=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        expect(row(page, "c1").get_by_role("cell")).to_have_count(6)


def test_everything_is_reached_with_the_keyboard_alone(page: Page) -> None:
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(e => e.id || e.value || e.textContent.trim())(document.activeElement)")
        )
    assert reached[:8] == [
        "Vai alle chiamate",
        "Amministrazione",
        "API",
        "it",
        "en",
        "Esci",
        "filter",
        reached[7],
    ]
    page.get_by_label("Filtra le chiamate").focus()
    assert page.evaluate("document.activeElement.matches(':focus-visible')")


def test_the_reader_can_switch_to_english_and_log_out(page: Page) -> None:
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Calls in progress")).to_be_visible()
    expect(pill(page)).to_have_text("Live", use_inner_text=True)
    page.get_by_role("button", name="Log out").click()
    page.goto(page.url.replace("/admin/logout/", "/dashboard/"))
    assert "/admin/login/?next=/dashboard/" in page.url


def test_three_hundred_calls_come_and_go(chrome: Browser, server: Server) -> None:
    with logged_in(chrome, server, reduced_motion="reduce") as page:
        told(*({"id": f"c{n}", "timestamp": int(time.time()) - n} for n in range(300)))
        expect(rows(page)).to_have_count(300)
        expect(page.locator("#active")).to_have_text("300")
        told(*({"id": f"c{n}", "state": "Ok", "revision": 2} for n in range(0, 300, 2)))
        expect(page.locator("#rows tr")).to_have_count(150)
        assert ids(page) == [f"c{n}" for n in range(1, 300, 2)]
