"""The live page in a real browser: its appearance, settings of its readers, saved charts."""

from __future__ import annotations

import csv
import time
from datetime import timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, expect

from centralino.services import lists
from core.workers.services import failed, ran_ok
from gateway_arq.tests.browser import THEMES, Open, picture, serious_findings, set_appearance
from gateway_arq.tests.dashboard_page import (
    chart,
    pill,
    report_calls,
    row,
    screen,
    wait_for_charts,
)
from lotto import ingest as archive
from lotto.types import WHEELS, Draw
from webcom.ingest import store_calls, store_rebates
from webcom.types import RebateRecord, RebateRow, parse_call

pytestmark = pytest.mark.django_db(transaction=True)

MAY_ACT = (
    "centralino.add_listentry", "centralino.change_listentry", "centralino.delete_listentry",
    "ocr.change_autobotrun",
)  # fmt: skip
BEYOND_THE_EDGE = """[...document.querySelectorAll('.card')].flatMap((card) => {
    const { paddingLeft, paddingRight } = getComputedStyle(card);
    const box = card.getBoundingClientRect();
    const left = box.left + parseFloat(paddingLeft);
    const right = box.right - parseFloat(paddingRight);
    return [...card.querySelectorAll(':not(.hidden, .scroll *)')]
        .filter((one) => one.checkVisibility() && one.getClientRects().length)
        .filter((one) => {
            const place = one.getBoundingClientRect();
            return place.right > right + 1 || place.left < left - 1;
        })
        .map((one) => `${card.className}: ${one.outerHTML.slice(0, 80)}`);
})"""


def test_every_panel_is_readable_and_whole_in_every_width_and_theme(opened: Open) -> None:
    fill()
    wrong = {}
    with opened(may=MAY_ACT) as page:
        wait_for_charts(page)
        for width in (1440, 1024, 700, 390, 320):
            set_appearance(page, width=width)
            wrong[f"cut off at {width}"] = page.evaluate(BEYOND_THE_EDGE)
        for theme, width in product(THEMES, (1440, 390)):
            set_appearance(page, width=width, theme=theme)
            picture(page, f"dashboard-{theme}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") == width, theme
            wrong[f"axe, {theme}, {width}"] = serious_findings(page)
    assert {what: found for what, found in wrong.items() if found} == {}


def test_a_phone_needs_no_sideways_scrolling_and_the_sandbox_is_labelled(
    opened: Open, settings: Any
) -> None:
    settings.SANDBOX = True
    fill()
    report_calls(*({"id": f"last{n}", "cost": 1234.56} for n in range(20)))
    with opened(viewport={"width": 360, "height": 740}, is_mobile=True) as page:
        wait_for_charts(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.evaluate(BEYOND_THE_EDGE) == []
        expect(row(page, "last1").get_by_role("cell")).to_have_count(6)
        expect(page.get_by_text("SANDBOX: dati di prova")).to_be_visible()


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


def test_theme_and_language_are_remembered_and_the_reader_can_log_out(
    page: Page,
) -> None:
    dark, light = "rgb(13, 18, 25)", "rgb(242, 245, 249)"
    body = page.locator("body")
    expect(body).to_have_css("background-color", light)
    switch = page.locator("#theme")
    switch.click()
    switch.click()
    expect(switch).to_have_text("● Tema: scuro", use_inner_text=True)
    expect(body).to_have_css("background-color", dark)
    page.reload()
    expect(body).to_have_css("background-color", dark)
    page.get_by_role("button", name="English").click()
    expect(switch).to_have_text("● Theme: dark", use_inner_text=True)
    for name in ("Switchboard", "Calls in progress"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(pill(page)).to_have_text("Live", use_inner_text=True)
    page.get_by_role("button", name="Log out").click()
    page.goto(page.url.replace("/admin/logout/", "/dashboard/"))
    assert "/admin/login/?next=/dashboard/" in page.url


def test_charts_do_not_fall_with_the_running_hour_and_are_saved(
    opened: Open, tmp_path: Path
) -> None:
    report_calls({"id": "a", "state": "Ok"})
    with opened() as page:
        wait_for_charts(page)
        the_hour_that_runs_does_not_look_like_a_fall(page)
        a_chart_is_saved_as_picture_and_table(page, tmp_path)


def the_hour_that_runs_does_not_look_like_a_fall(page: Page) -> None:
    run = page.evaluate(f"{chart('hours')}.data.datasets[0].data.length")
    colours = page.evaluate(
        f"[1, 2].map((back) => {chart('hours')}.data.datasets[0].segment.borderColor("
        f"{{p1DataIndex: {run} - back}}) ?? null)"
    )
    assert colours[0] is not None
    assert colours[1] is None


def a_chart_is_saved_as_picture_and_table(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as saved:
        page.get_by_role("button", name="Salva “Chiamate ogni 5 minuti” come immagine").click()
    saved.value.save_as(tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (2400, 1200))
        assert len(drawn.convert("RGB").getcolors(1 << 20)) > 20  # something is drawn on it
    with page.expect_download() as saved:
        page.get_by_role("button", name="Salva “Chiamate ogni 5 minuti” come tabella").click()
    saved.value.save_as(tmp_path / "chart.csv")
    with (tmp_path / "chart.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file, delimiter=";")
    assert head == ["Ora", "Chiamate", "Chiamate alla stessa ora di ieri"]
    assert len(rows) == 36
    assert sum(int(cells[1]) for cells in rows[-2:]) == 1  # five minutes may just have ended


def fill() -> None:
    """Something in every panel."""
    now = int(time.time())
    report_calls(
        *(
            {
                "id": f"c{n}",
                "lineID": "L",
                "timestamp": now - n * 40,
                "state": "Pending" if n < 12 else "Ok",
                "caller": f"33300000{n:02}",
                "cost": 0.15,
                "callerOperator": "TIM",
                "duration": 60,
            }
            for n in range(60)
        )
    )
    midnight = int(timezone.localtime().replace(hour=0, minute=0, second=1).timestamp())
    for back in (0, 1, 7):  # days as good as any, for whatever must fit
        good = {"id": f"good{back}", "timestamp": midnight - back * 86_400, "cost": 12_345.67}
        store_calls([parse_call({"lineID": "899", "state": "Ok", "duration": 60_000} | good)])
    month = timezone.localdate().replace(day=1)
    for one in (month, month - timedelta(days=1)):
        rows = [
            RebateRow(type="Vas", operator=name, cost=Decimal("123456.78"), counter=1)
            for name in ("VODAFONE", "FASTWEB")
        ]
        store_rebates(RebateRecord(month=f"{one:%Y-%m}", updated_at=1, rebates=rows))
    for n in range(6):
        screen(f"333111222{n}", blocked=n % 2 == 0)
    lists.blacklist_number("+393331112222", hours=3)
    lists.blacklist_number("+393331112224", hours=None)
    ran_ok("webcom.calls")
    for _ in range(3):
        failed("webtv.viewers", RuntimeError("cdn says 503"))
    archive.save(
        [
            Draw(timezone.localdate(), wheel, tuple(range(n + 1, n + 6)))
            for n, wheel in enumerate(WHEELS)
        ],
        source="manual",
    )
