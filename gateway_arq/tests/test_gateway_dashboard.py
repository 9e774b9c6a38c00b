"""The live page in front of a gateway with its sandbox: it is killed; it reads a draw."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core.lib.days import local_day
from gateway_arq.tests.browser import LIVE, complaints_of, fill_login, of_the_page, picture
from gateway_arq.tests.dashboard_page import wait_for_charts
from gateway_arq.tests.gateway import (
    WEBHOOK_SECRET,
    RunningGateway,
    StartGateway,
    environment,
)
from sandbox import draws
from sandbox.app import CONTROL

pytestmark = pytest.mark.timeout(400)

TIMEOUT_MS = 40_000
READING_MS = 240_000  # some ten pictures of the television, on a machine that is busy
PAINTED = """() => {
  const paint = new URL("paint.js", document.querySelector("script[type=module]").src);
  return import(paint).then((module) => new Promise((drawn) => module.paint(drawn)));
}"""  # returns when all that is due is drawn
ROUNDS = 15  # of looking, while the gateway fetches what it missed itself


@pytest.fixture
def env(tmp_path: Path, migrated_data_dir: Path) -> dict[str, str]:
    shutil.copytree(migrated_data_dir, tmp_path / "var")
    return environment(tmp_path, WEBCOM_WEBHOOK_SECRET=WEBHOOK_SECRET)


def test_a_killed_gateway_is_reported_and_its_return_is_clean(
    chrome: Browser, start_gateway: StartGateway, env: dict[str, str]
) -> None:
    page = blank(chrome)
    complaints = complaints_of(page)
    gateway = start_gateway(env)
    log_in(page, gateway)
    gateway.deliver(id="before", state="Pending")  # at night the sandbox may have none itself
    expect(page.locator("#rows [data-key=before]")).to_be_visible(timeout=TIMEOUT_MS)
    gateway.kill()
    page.wait_for_selector('[data-link="offline"]', timeout=TIMEOUT_MS)
    page.evaluate(PAINTED)
    known = keys(page)
    expect(page.locator("#stale")).to_be_visible(timeout=TIMEOUT_MS)
    picture(page, "dashboard-stale")
    assert keys(page) == known  # what was known stays on the screen
    gateway = start_gateway(env)
    page.wait_for_selector(LIVE, timeout=TIMEOUT_MS)
    expect(page.locator("#stale")).to_be_hidden()
    differences = (lacking_and_left(page) for _ in range(ROUNDS))
    assert (set(), set()) in differences  # for a moment: every second calls begin and end
    gateway.deliver(id="after", state="Pending")
    expect(page.locator("#rows [data-key=after]")).to_be_visible(timeout=TIMEOUT_MS)
    shown = keys(page)
    assert "before" in shown
    assert len(shown) == len(set(shown))
    wait_for_charts(page)  # the charts, too, whenever it was killed
    picture(page, "dashboard-recovered")
    page.context.close()
    gateway.stop()
    assert of_the_page(complaints) == []


def test_autobot_reads_the_draw_off_the_television_while_staff_watch(
    chrome: Browser, start_gateway: StartGateway, env: dict[str, str]
) -> None:
    page = blank(chrome)
    complaints = complaints_of(page)
    day = local_day()
    while not draws.on(day):
        day += timedelta(days=1)  # without a draw today, one whose numbers nobody knows yet
    gateway = start_gateway(env)
    steer(env, programme="board", day=str(day), dated=str(local_day()))
    log_in(page, gateway)
    autobot = page.locator("#autobot")
    if day == local_day():
        autobot.locator("[data-start=by-rule]").click()
    else:
        autobot.locator(".start summary").click()
        autobot.locator("[data-start=extraordinary]").click()
    expect(autobot).to_have_attribute("data-status", "capturing", timeout=TIMEOUT_MS)
    expect(autobot).to_have_attribute("data-status", "completed", timeout=READING_MS)
    expect(autobot).to_contain_text("11 / 11")
    assert board(page, "autobot-title") == draws.on(day)
    assert board(page, "draw-title") == draws.on(day)
    expect(autobot.locator(".steps")).to_contain_text("Telegram")
    autobot.get_by_text("Immagini di ciò").click()
    expect(autobot.locator(".pictures img")).to_have_count(12, timeout=TIMEOUT_MS)
    for image in autobot.locator(".pictures img").all():
        image.scroll_into_view_if_needed()  # they are loaded when they are seen
        expect(image).not_to_have_js_property("naturalWidth", 0, timeout=TIMEOUT_MS)
    picture(page, "dashboard-evening")
    page.context.close()
    gateway.stop()
    assert of_the_page(complaints) == []


def blank(chrome: Browser) -> Page:
    """A tab of its own, nothing loaded yet."""
    return chrome.new_context(locale="it-IT", viewport={"width": 1440, "height": 900}).new_page()


def log_in(page: Page, gateway: RunningGateway) -> None:
    found = re.search(r"admin, password (\S{16})", gateway.output.read_text())
    page.goto(f"{gateway.url}/dashboard/")
    fill_login(page, "admin", found[1])
    page.wait_for_selector(LIVE, timeout=TIMEOUT_MS)


def steer(env: dict[str, str], **programme: Any) -> None:
    """Let something else be on the sandbox's television."""
    address = f"http://127.0.0.1:{env['SANDBOX_PORT']}{CONTROL}/television"
    body = json.dumps(programme).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


def board(page: Page, title: str) -> dict[str, tuple[int, ...]]:
    """The numbers on the screen, by wheel."""
    rows = page.locator(f"table[aria-labelledby={title}] tr[data-id]").all()
    return {
        str(row.get_attribute("data-id")): tuple(map(int, row.locator("td").all_inner_texts()))
        for row in rows
    }


def keys(page: Page) -> list[str]:
    """The calls on the screen, from the top."""
    script = "rows => rows.map((row) => row.dataset.key)"
    return list(page.locator("#rows tr").evaluate_all(script))


def lacking_and_left(page: Page) -> tuple[set[str], set[str]]:
    """Calls that are in progress, but not on the screen; and the other way round.

    Those that begin or end while we look are neither.
    """
    before = in_progress(page)
    page.wait_for_timeout(700)  # until all events are painted
    shown = set(keys(page))
    after = in_progress(page)
    return (before & after) - shown, shown - (before | after)


def in_progress(page: Page) -> set[str]:
    """The calls that the gateway knows of now."""
    state = page.evaluate("fetch('/dashboard/state').then((response) => response.json())")
    return {row["key"] for row in state["calls"]["rows"]}
