"""The live page in front of a whole house with its sandbox, which is killed and started again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway_arq.tests.browser import LIVE, WENT_AWAY, complaints_of, picture
from gateway_arq.tests.house import environment, running

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("house"), pytest.mark.timeout(240)]

REFUSED = "net::ERR_"  # what Chromium says of files that a dead server does not give
PATIENCE_MS = 40_000
ROUNDS = 15  # of looking, while the gateway fetches what it missed itself


def test_a_killed_gateway_is_told_and_its_return_is_clean(chrome: Browser, tmp_path: Path) -> None:
    env = environment(tmp_path)
    context = chrome.new_context(locale="it-IT", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints = complaints_of(page)
    with running(tmp_path, env) as house:
        found = re.search(r"admin, password (\S{16})", house.output.read_text())
        page.goto(f"http://127.0.0.1:{house.port}/dashboard/")
        page.locator("[name=username]").fill("admin")
        page.locator("[name=password]").fill(found[1])
        page.locator("#login-form [type=submit]").click()
        page.wait_for_selector(LIVE, timeout=PATIENCE_MS)
        expect(page.locator("#rows tr")).not_to_have_count(0, timeout=PATIENCE_MS)
        house.process.kill()
        house.process.wait()
        page.wait_for_selector('[data-link="offline"]', timeout=PATIENCE_MS)
        page.wait_for_timeout(1_000)  # the last events are painted
        known = keys(page)
        expect(page.locator("#stale")).to_be_visible(timeout=PATIENCE_MS)
        picture(page, "dashboard-stale")
        assert keys(page) == known  # what was known stays on the screen
    with running(tmp_path, env):
        page.wait_for_selector(LIVE, timeout=PATIENCE_MS)
        expect(page.locator("#stale")).to_be_hidden()
        for _ in range(ROUNDS):
            if lacking_and_left(page) == (set(), set()):
                break
        assert lacking_and_left(page) == (set(), set())
        shown = keys(page)
        assert shown
        assert len(shown) == len(set(shown))
        picture(page, "dashboard-recovered")
        context.close()
    assert [one for one in complaints if WENT_AWAY not in one and REFUSED not in one] == []


def keys(page: Page) -> list[str]:
    """The calls on the screen, from the top."""
    script = "rows => rows.map((row) => row.dataset.key)"
    return list(page.locator("#rows tr").evaluate_all(script))


def lacking_and_left(page: Page) -> tuple[set[str], set[str]]:
    """Calls that are in progress, but not on the screen; and the other way round.

    Those that begin or end while we look are neither.
    """
    before = in_progress(page)
    page.wait_for_timeout(700)  # until what was told is painted
    shown = set(keys(page))
    after = in_progress(page)
    return (before & after) - shown, shown - (before | after)


def in_progress(page: Page) -> set[str]:
    """The calls that the gateway knows of now."""
    told = page.evaluate("fetch('/dashboard/state').then((answer) => answer.json())")
    return {row["key"] for row in told["calls"]["rows"]}
