"""A run's page in a real browser: readable, whole, and of use by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from gateway_arq.tests.browser import picture, serious_findings
from ocr import selectors
from ocr.autobot import evidence, services
from ocr.models import AutobotRun
from ocr.synthetic.boards import Picture
from ocr.tests.evenings import (
    LEADER,
    STREAM,
    board,
    day_before_is_archived,
    drawn,
    read,
    step_states,
)
from ocr.types import Held, RunState

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., AbstractContextManager["Page"]]
MAY = ("ocr.view_autobotrun", "ocr.change_autobotrun")
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def run(settings: Any) -> AutobotRun:
    """A run that is over: most is sure, one wheel in doubt, one held back, a step failed."""
    settings.OCR_STREAM_URL = STREAM
    day_before_is_archived()
    run = read(doubtful=["NA"])
    boxes = {w: _around(board(), w) for w in drawn()}
    evidence.store_wheels(run, board().image, boxes)
    run.wheels.filter(wheel="TO").update(held=Held.OLD)
    run.wheels.filter(wheel="VE").delete()
    run.steps.update(state="done", tries=1, done=services.as_lists(selectors.published(run)))
    run.steps.filter(name="upload").update(state="failed", tries=8, error="no connection")
    services.end(run, LEADER, RunState.COMPLETED, services.summary(run))
    return run


def _around(board: Picture, wheel: str) -> tuple[int, int, int, int]:
    corners = [board.names[wheel], *(board.cells[wheel, place] for place in range(5))]
    left, top = (int(min(each[:, axis].min() for each in corners)) for axis in (0, 1))
    right, bottom = (int(max(each[:, axis].max() for each in corners)) for axis in (0, 1))
    return left, top, right, bottom


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_a_runs_page_is_readable_and_fits(
    opened: Open, run: AutobotRun, theme: str, size: str
) -> None:
    with opened(may=MAY, color_scheme=theme, viewport=SIZES[size]) as page:
        base = _base(page)
        for name, address in (("run", f"{run.pk}/change/"), ("runs", "")):
            page.goto(f"{base}/admin/ocr/autobotrun/{address}")
            assert page.url.endswith(f"/autobotrun/{address}")
            page.evaluate("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
            page.wait_for_function("[...document.images].every(one => one.complete)")
            picture(page, f"admin-autobot-{name}-{theme}-{size}")
            assert serious_findings(page) == []
            assert page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            )
            assert page.evaluate("[...document.images].every(one => one.naturalWidth > 0)")


def test_a_number_is_corrected_and_what_follows_is_done_by_hand(
    opened: Open, run: AutobotRun
) -> None:
    right = drawn()["NA"]
    with opened(may=MAY) as page:
        page.goto(f"{_base(page)}/admin/ocr/autobotrun/{run.pk}/change/")
        wheel = page.locator(".run-wheels > li", has_text="Napoli")
        wheel.locator("[name=n5]").fill(str(right[4]))
        wheel.locator("[type=submit]").click()
        page.wait_for_load_state()
        assert selectors.published(run)["NA"] == right
        page.locator("form[action$='/steps/all/'] button").click()
        page.wait_for_load_state()
        assert step_states(run)["archive"] == "waiting"


def _base(page: Page) -> str:
    return page.url.partition("/dashboard")[0]
