"""A real Chromium with the real web application, for the tests of pages."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import uvicorn

if TYPE_CHECKING:  # only needed with a browser
    from django.contrib.auth.models import User
    from playwright.sync_api import Browser, Page

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURES: Final = ROOT / "test-results"  # of every page, for people to look at
AXE: Final = Path(__file__).parent / "vendor" / "axe.min.js"
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Chromium's own complaints about a server that became unavailable.
UNAVAILABLE: Final = (
    "WebSocket connection to",
    "net::ERR_CONNECTION_",
    "net::ERR_EMPTY_RESPONSE",
    "net::ERR_SOCKET_NOT_CONNECTED",
    "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
    "net::ERR_CONTENT_LENGTH_MISMATCH",
    "Failed to fetch dynamically imported module",
)
THEMES: Final = ("light", "dark")
LIVE: Final = '[data-link="live"]'

USUAL: Final[dict[str, Any]] = {
    "viewport": {"width": 1440, "height": 900},
    "color_scheme": "light",
}

Open = Callable[..., AbstractContextManager["Page"]]


class Server:
    """The embedded profile's web server in a thread, on one port for its whole life."""

    def __init__(self) -> None:
        # Bound, but never listening: no other process gets the port while the server is stopped.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port = self._reserved.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread: threading.Thread | None = None

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
        """Stop it, unless it is stopped already."""
        if self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._thread = None

    def close(self) -> None:
        self._reserved.close()


class Chromium:
    """The Chromium of this test process, with a tab for each locale that tests hand on.

    Chromium takes a second of processor time to start, the first page of a new context one and a
    half, the same page once more in a tab that had it a third.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._tabs: dict[str, Tab] = {}
        self._loop = asyncio.get_running_loop()  # Playwright's own, in the tests' thread

    def resume(self) -> None:
        """Have Playwright's loop run again; until it is paused no other one can."""
        asyncio._set_running_loop(self._loop)

    def pause(self) -> None:
        asyncio._set_running_loop(None)

    @contextmanager
    def tab(
        self,
        *,
        locale: str = "it-IT",
        fresh: bool = False,
        tolerated: tuple[str, ...] = (),
        **options: Any,
    ) -> Iterator[Page]:
        """A tab without state; at the end, complaints other than the tolerated ones fail the test.

        `fresh` is one in a context of its own: for a clock or a routed socket, which cannot be
        undone. Other options than the usual ones need it too.
        """
        options = USUAL | options
        fresh = fresh or options.keys() != USUAL.keys()
        tab = None if fresh else self._tabs.pop(locale, None)
        if tab is None:
            tab = Tab(self.browser.new_context(locale=locale, **options).new_page())
        else:
            tab.prepare(**options)
        try:
            yield tab.page
            complaints = [one for one in tab.all_complaints() if not any(map(one.count, tolerated))]
            if not fresh and tab.reset():
                self._tabs[locale] = tab
        finally:
            if self._tabs.get(locale) is not tab:
                tab.page.context.close()
        assert complaints == []


class Tab:
    """A page with its complaints."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints = complaints_of(page)

    def prepare(self, viewport: Any, color_scheme: Any) -> None:
        """Set it up for the next test."""
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(color_scheme=color_scheme)
        self.page.mouse.move(0, 0)
        self.complaints.clear()

    def all_complaints(self) -> list[str]:
        """All complaints up to now."""
        self.page.evaluate("0")  # all earlier complaints arrive before the result
        return list(self.complaints)

    def reset(self) -> bool:
        """Clear all state except the cache; False where that is impossible."""
        context = self.page.context
        if not self.page.url.startswith("http://127.0.0.1"):
            return False
        for page in context.pages:
            if page != self.page:
                page.close()
        self.page.unroute_all(behavior="ignoreErrors")
        self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        self.page.goto("about:blank")
        context.clear_cookies()
        return True


@pytest.fixture(scope="session")
def _chromium(chromium: str) -> Iterator[Chromium]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        driven = Chromium(browser)
        driven.pause()
        yield driven
        driven.resume()
        browser.close()


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    server = Server()  # on the same port in every test: what the browser has in its cache is good
    yield server
    server.close()


@pytest.fixture
def driven(_chromium: Chromium, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chromium]:
    """Chromium, for one test."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # a loop runs in the test's thread
    _chromium.resume()
    yield _chromium
    _chromium.pause()


@pytest.fixture
def chrome(driven: Chromium) -> Browser:
    return driven.browser


@pytest.fixture
def server(_server: Server) -> Iterator[Server]:
    _server.start()
    yield _server
    _server.stop()


@pytest.fixture
def opened(driven: Chromium, server: Server) -> Open:
    """`with opened(may=["app.codename"], **options) as page:` is the dashboard as staff see it."""
    return partial(logged_in, driven, server)


@pytest.fixture
def page(opened: Open) -> Iterator[Page]:
    with opened() as page:
        yield page


@contextmanager
def logged_in(
    driven: Chromium,
    server: Server,
    *,
    may: tuple[str, ...] = (),
    tolerated: tuple[str, ...] = (),
    **options: Any,
) -> Iterator[Page]:
    """The dashboard as a logged-in member of staff sees it."""
    with driven.tab(tolerated=UNAVAILABLE + tolerated, **options) as page:
        authenticate(page, make_user(may), server)
        page.goto(f"{server.url}/dashboard/")
        page.wait_for_selector(LIVE, timeout=15_000)
        yield page


def fill_login(page: Page, username: str, password: str) -> None:
    """Send the login form that the page shows."""
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(password)
    page.locator("#login-form [type=submit]").click()


def complaints_of(page: Page) -> list[str]:
    """Errors of the page and warnings in the console from now on, violated policies included."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None,
    )
    return complaints


def of_the_page(complaints: list[str]) -> list[str]:
    """Those that are not about a server that became unavailable."""
    return [one for one in complaints if not any(text in one for text in UNAVAILABLE)]


def serious_findings(page: Page) -> list[str]:
    """Serious and critical findings of axe-core, with their elements."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {json.dumps([node['target'] for node in one['nodes']])}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def set_appearance(page: Page, *, width: int, theme: Any = "light") -> None:
    """Set width and theme, and wait until the page is drawn."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    frame = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
    page.evaluate(f"document.fonts.ready.then(() => {frame})")


def picture(page: Page, name: str) -> None:
    """Save the whole page as test-results/<name>.png."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def make_user(may: tuple[str, ...] = ()) -> User:
    """A member of staff with these permissions, such as `app.codename`."""
    from core.tests.staff import onlooker

    return onlooker("anna", *may, password="secret")


def authenticate(page: Page, user: User, server: Server) -> None:
    """Set the cookie that the browser has after a login; other tests fill in the form."""
    from django.test import Client

    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
