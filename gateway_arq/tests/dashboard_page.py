"""Events while the dashboard is open, and the parts of the page that show them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def report_calls(*calls: dict[str, Any], **common: Any) -> None:
    """The carrier reports calls; defaults: on a premium line, started just now."""
    from webcom.ingest import store_calls
    from webcom.types import parse_call

    usual = {
        "lineID": "Line90",
        "lineNumber": "899123456",
        "state": "Pending",
        "caller": "3331234567",
        "callerOperator": "TIMG",
        "timestamp": int(time.time()),
    }
    store_calls([parse_call(usual | common | call) for call in calls])


def screen(number: str, *, blocked: bool = False) -> None:
    """A caller is screened, as the listener stores and publishes it."""
    from centralino.events import CallBlocked, CallPassed
    from centralino.services import screened
    from centralino.types import Decision, Verdict, Why
    from core.realtime.publish import publish

    verdict, why = (Verdict.BLOCKED, Why.LISTED) if blocked else (Verdict.PASSED, Why.CLEAN)
    decision = Decision(verdict, why, f"+39{number}")
    at = int(time.time())
    screened.store([screened.Screened("asterisk_1", number, number, "0612345", decision, at)])
    event = CallBlocked if blocked else CallPassed
    publish([event("asterisk_1", number, number, "0612345", decision, at)])


def outdate_figures() -> None:
    """Publish an event after which the page reads its figures again, in about two seconds."""
    from core.realtime.events import Notice
    from core.realtime.publish import publish

    publish([Notice("asterisk_1 recovered", {"source": "asterisk_1"})])


def pill(page: Page) -> Locator:
    """The state of the connection."""
    return page.locator(".pill")


def rows(page: Page) -> Locator:
    return page.locator("#rows tr")


def row(page: Page, key: str) -> Locator:
    return page.locator(f'#rows tr[data-key="{key}"]')


def keys(page: Page) -> list[str]:
    """The calls in the list, from the top."""
    return [str(one.get_attribute("data-key")) for one in rows(page).all()]


def wait_for_charts(page: Page) -> None:
    """Until every chart of the page is drawn: Chart.js gives each canvas a style."""
    from playwright.sync_api import expect

    expect(page.locator("[data-chart] canvas:not([style])")).to_have_count(0, timeout=15_000)


def chart(name: str) -> str:
    """The chart of that name, in a script."""
    return f"Chart.getChart(document.querySelector('#chart-{name} canvas'))"
