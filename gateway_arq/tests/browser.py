"""A real Chromium in front of the real web application, for the tests of pages."""

from __future__ import annotations

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

if TYPE_CHECKING:  # nobody without a browser needs it
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
# Chromium's own complaints about a server that went away.
WENT_AWAY: Final = (
    "WebSocket connection to",
    "net::ERR_CONNECTION_",
    "net::ERR_EMPTY_RESPONSE",
    "net::ERR_SOCKET_NOT_CONNECTED",
    "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
    "net::ERR_CONTENT_LENGTH_MISMATCH",
    "Failed to fetch dynamically imported module",
)
LIVE: Final = '[data-link="live"]'

Open = Callable[..., AbstractContextManager["Page"]]


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


@pytest.fixture(scope="module")  # no longer: with Playwright's loop running no other can
def chrome(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's own loop runs in the tests' thread.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def opened(chrome: Browser, server: Server) -> Open:
    """`with opened(may=["app.codename"], **context) as page:` is the page as staff see it."""
    return partial(logged_in, chrome, server)


@pytest.fixture
def page(opened: Open) -> Iterator[Page]:
    with opened() as page:
        yield page


@contextmanager
def logged_in(
    chrome: Browser, server: Server, *, may: tuple[str, ...] = (), **options: Any
) -> Iterator[Page]:
    """The dashboard as a logged-in member of staff sees it; nobody may have complained."""
    usual = {"locale": "it-IT", "viewport": {"width": 1440, "height": 900}}
    context = chrome.new_context(**(usual | options))
    context.add_cookies([_session_of(_make_user(may), server.url)])
    page = context.new_page()
    complaints = complaints_of(page)
    page.goto(f"{server.url}/dashboard/")
    page.wait_for_selector(LIVE, timeout=15_000)
    yield page
    context.close()
    assert of_the_page(complaints) == []


def fill_login(page: Page, username: str, password: str) -> None:
    """Send the login form that the page shows."""
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(password)
    page.locator("#login-form [type=submit]").click()


def complaints_of(page: Page) -> list[str]:
    """What the page throws or the console warns of from now on, violated policies among it."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console",
        lambda told: said.append(told.text) if told.type in ("error", "warning") else None,
    )
    return said


def of_the_page(complaints: list[str]) -> list[str]:
    """Those that are not about a server that went away."""
    return [said for said in complaints if not any(words in said for words in WENT_AWAY)]


def serious_findings(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, with the elements it means."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {json.dumps([node['target'] for node in one['nodes']])}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def picture(page: Page, name: str) -> None:
    """Keep the whole page as test-results/<name>.png."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def _make_user(may: tuple[str, ...]) -> User:
    from django.contrib.auth.models import Permission, User

    user = User.objects.create_user("anna", password="secret", is_staff=True)
    for name in may:
        app, codename = name.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user


def _session_of(user: User, url: str) -> Any:
    """What the browser has after a login; the form itself is filled in by the house's tests."""
    from django.test import Client

    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}
