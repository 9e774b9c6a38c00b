"""The panels of the live page in a real browser: switchboard, web TV, lotto, and how it looks."""

from __future__ import annotations

import csv
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

from centralino.events import AsteriskEvent
from centralino.models import ListEntry, LiveState
from centralino.selectors.lists import ListFilter, listed
from centralino.services import lists, screened
from centralino.services.screened import Screened
from centralino.types import Decision, Verdict, Why
from gateway_arq.realtime.publish import publish
from gateway_arq.tests.browser import Open, Server, complaints_of, picture, serious_findings
from gateway_arq.workers.services import failed, ran_ok
from lotto import ingest as archive
from lotto.types import WHEELS, Draw
from ocr import runs
from ocr.evidence import keep_board
from ocr.models import AutobotRun, AutobotWheel
from ocr.types import RunState
from webcom.ingest import store_calls, store_rebates
from webcom.types import RebateRecord, RebateRow, parse_call
from webtv.ingest import store_samples, total_stream
from webtv.types import Sample

pytestmark = pytest.mark.django_db(transaction=True)

MAY_LIST = (
    "centralino.add_listentry", "centralino.change_listentry", "centralino.delete_listentry",
)  # fmt: skip
MAY_AUTOBOT = ("ocr.change_autobotrun",)
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


def pbx(event: str, uniqueid: str, **more: object) -> None:
    """A switchboard tells of a channel."""
    usual = {
        "event": event, "server": "asterisk_1", "channel": f"PJSIP/trunk-{uniqueid}",
        "uniqueid": uniqueid, "linkedid": "1.1", "calleridnum": "3331112222", "exten": "0612345",
        "state": "Ring", "timestamp": int(time.time()),
    }  # fmt: skip
    publish([AsteriskEvent(usual | more)])


def pbx_row(page: Page) -> Locator:
    return page.locator('#rows tr[data-key="asterisk_1:1.1"]')


def test_calls_of_a_switchboard_stand_in_the_same_list(page: Page) -> None:
    pbx("Newchannel", "1.1")
    expect(pbx_row(page)).to_contain_text("3331112222", timeout=1000)
    expect(pbx_row(page).locator(".line")).to_have_text("0612345 PBX")
    expect(pbx_row(page).locator(".state")).to_have_text("Squilla")
    pbx("Newchannel", "1.2", channel="PJSIP/201-00a")
    pbx("Newstate", "1.1", state="Up", exten="s")  # it has gone on in the dialplan
    expect(pbx_row(page).locator(".state")).to_have_text("In corso")
    expect(pbx_row(page).locator(".line")).to_have_text("0612345 PBX")
    expect(pbx_row(page).locator(".operator")).to_have_text("201")
    pbx("Hangup", "1.2", channel="PJSIP/201-00a")
    expect(pbx_row(page).locator(".operator")).to_be_empty()
    pbx("Hangup", "1.1")
    expect(pbx_row(page)).to_have_count(0)


def test_a_switchboards_call_whose_end_was_missed_does_not_stay(page: Page) -> None:
    began = time.time() - 60
    call = {
        "linkedid": "1.1", "caller": "3331112222", "caller_name": "", "exten": "0612345",
        "started_at": began, "answered_at": began + 3, "channels": ["1.1"],
    }  # fmt: skip
    state = LiveState.objects.create(
        key="asterisk_1.ami",
        document={"count": 1, "table": {"channels": [], "calls": [call]}},
        updated_at=timezone.now(),
    )
    expect(pbx_row(page).locator(".state")).to_have_text("In corso", timeout=13_000)
    state.document = {"count": 0, "table": {"channels": [], "calls": []}}
    state.save()
    expect(pbx_row(page)).to_have_count(0, timeout=13_000)


def screen(number: str, *, blocked: bool = False) -> None:
    """A caller is screened, as the listener stores and tells it."""
    from centralino.events import CallBlocked, CallPassed

    verdict, why = (Verdict.BLOCKED, Why.LISTED) if blocked else (Verdict.PASSED, Why.CLEAN)
    decision = Decision(verdict, why, f"+39{number}")
    at = int(time.time())
    screened.store([Screened("asterisk_1", number, number, "0612345", decision, at)])
    event = CallBlocked if blocked else CallPassed
    publish([event("asterisk_1", number, number, "0612345", decision, at)])


def test_screened_callers_appear_and_are_counted(page: Page) -> None:
    screen("3331112222")
    screen("3331112223", blocked=True)
    callers = page.locator("#callers > li")
    expect(callers).to_have_count(2)
    expect(callers.first).to_contain_text("Bloccata")
    expect(page.locator("#blocked")).to_have_text("1", timeout=8000)
    expect(page.locator("#passed")).to_have_text("1")


def test_a_caller_is_blacklisted_in_two_clicks_and_that_is_undone_with_one(opened: Open) -> None:
    with opened(may=MAY_LIST) as page:
        screen("3331112222")
        caller = page.locator("#callers > li").first
        caller.get_by_text("Blocca", exact=True).click()
        caller.get_by_role("button", name="7 giorni").click()
        entry = page.locator("#blacklist > li")
        expect(entry).to_contain_text("3331112222", timeout=2000)
        (stored,) = listed(ListFilter(), limit=5)
        assert stored.number == "+393331112222"
        assert timedelta(days=6.9) < stored.expires_at - timezone.now() < timedelta(days=7)
        page.get_by_role("button", name="Annulla").click()
        expect(entry).to_have_count(0)
        expect(page.get_by_text("Annullato: 3331112222 è come prima.")).to_be_visible()
        assert listed(ListFilter(), limit=5) == []


def test_what_is_released_comes_back_as_it_was(opened: Open) -> None:
    lists.blacklist_number("+393331112222", hours=3, note="calls at night")
    (before,) = listed(ListFilter(), limit=5)
    with opened(may=MAY_LIST) as page:
        page.get_by_role("button", name="Sblocca").click()
        expect(page.locator("#blacklist > li")).to_have_count(0, timeout=2000)
        page.get_by_role("button", name="Annulla").click()
        expect(page.locator("#blacklist > li")).to_contain_text("3331112222")
        assert listed(ListFilter(), limit=5) == [before]


def test_a_number_is_blocked_by_hand_and_nonsense_is_explained(opened: Open) -> None:
    with opened(may=MAY_LIST) as page:
        number = page.get_by_label("Numero da bloccare")
        number.fill("333 111 2222")
        page.get_by_label("Per quanto tempo").select_option("per sempre")
        page.locator("#block").get_by_role("button").click()
        expect(page.locator("#blacklist > li")).to_contain_text("per sempre", timeout=2000)
        expect(number).to_be_empty()
        assert ListEntry.objects.get().expires_at is None


def test_who_may_not_act_sees_no_button_for_it(page: Page) -> None:
    screen("3331112222")
    lists.blacklist_number("+393331112223", hours=3)
    expect(page.locator("#blacklist > li")).to_have_count(1)
    expect(page.locator("#callers > li")).to_have_count(1)
    for name in ("Blocca", "Sblocca", "Avvia"):
        expect(page.get_by_text(name, exact=True)).to_have_count(0)


def test_viewers_move_and_what_is_old_says_so(page: Page) -> None:
    expect(page.locator("#viewers")).to_have_text("–")
    total = total_stream()
    for ago_s, viewers in ((2, 1234), (1, 1300)):
        store_samples([Sample(total.pk, timezone.now() - timedelta(seconds=ago_s), viewers)])
    from webtv.events import ViewersCounted

    publish([ViewersCounted("main", 1300, timezone.now())])
    expect(page.locator("#viewers")).to_have_text("1.300", timeout=2000)
    expect(page.get_by_text("ultimo dato delle")).to_be_hidden()


def test_an_upstream_that_is_away_has_a_banner_until_it_is_back(page: Page) -> None:
    ran_ok("webcom.calls")
    for _ in range(3):
        failed("webcom.calls", RuntimeError("carrier says 503"))
    banner = page.locator(".banner.away")
    expect(banner).to_contain_text("WebCom non risponde", timeout=13_000)
    expect(banner).to_contain_text("carrier says 503")
    ran_ok("webcom.calls")
    expect(banner).to_have_count(0, timeout=13_000)


def test_a_draw_is_written_onto_the_board_as_it_arrives(page: Page) -> None:
    today = timezone.localdate()
    archive.save([Draw(today, "BA", (1, 2, 3, 4, 90))], source="manual")
    bari = page.locator(".board").first.locator("tr").first
    expect(bari.locator(".ball")).to_have_text(["1", "2", "3", "4", "90"], timeout=2000)


def test_figures_that_were_overtaken_by_an_event_do_not_undo_it(page: Page) -> None:
    bari = page.locator(".board").first.locator("tr").first.locator(".ball")
    overtaken: list[list[int]] = []

    def slow(route: Route) -> None:
        answer = route.fetch()
        if not overtaken:
            archive.save([Draw(timezone.localdate(), "BA", (1, 2, 3, 4, 90))], source="manual")
            expect(bari.first).to_have_text("1")
            overtaken.append(answer.json()["draw"]["wheels"][0]["numbers"])
        route.fulfill(response=answer)

    page.route("**/dashboard/figures", slow)
    with page.expect_response("**/dashboard/figures", timeout=15_000):
        pass
    page.wait_for_timeout(1_000)  # the old figures would have been painted
    assert overtaken == [[]]
    expect(bari).to_have_text(["1", "2", "3", "4", "90"])


def draw_is_due(patch: pytest.MonkeyPatch, due: bool) -> None:
    patch.setattr("gateway_arq.dashboard.lotto.is_draw_day", lambda day: due)


def test_autobot_is_started_watched_and_done(
    opened: Open, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OCR_STREAM_URL = "http://127.0.0.1/live.m3u8"
    draw_is_due(monkeypatch, True)
    with opened(may=MAY_AUTOBOT) as page:
        autobot = page.locator("#autobot")
        autobot.get_by_role("button", name="Avvia").click()
        expect(autobot).to_contain_text("cerca il tabellone", timeout=2000)
        expect(autobot.get_by_role("button", name="Avvia")).to_be_hidden()

        run = runs.take("worker")  # as the worker does it
        runs.say(run, "worker", state=RunState.OCR)
        for n, wheel in enumerate(WHEELS):
            cells = [[n + place + 1, 99.0, []] for place in range(5)]
            wheels = [AutobotWheel(wheel=wheel, cells=cells, is_taken=True)]
            runs.note_wheels(run, "worker", wheels)
            expect(autobot).to_contain_text(f"{n + 1} / 11", timeout=2000)
        keep_board(run, board_picture())
        runs.end(run, "worker", RunState.COMPLETED, "All done.")
        expect(autobot).to_contain_text("completato")
        expect(autobot.get_by_role("button", name="Avvia")).to_be_visible()
        autobot.get_by_text("Immagini di ciò").click()
        image = autobot.locator(".pictures img")
        expect(image).to_have_count(1, timeout=8000)
        expect(image).to_have_js_property("naturalWidth", 64)
        picture(page, "dashboard-autobot")


def test_on_a_day_without_a_draw_autobot_is_started_for_an_extraordinary_one(
    opened: Open, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OCR_STREAM_URL = "http://127.0.0.1/live.m3u8"
    draw_is_due(monkeypatch, False)
    with opened(may=MAY_AUTOBOT) as page:
        autobot = page.locator("#autobot")
        expect(autobot.get_by_role("button", name="Avvia")).to_be_hidden()
        autobot.locator(".start summary").click()
        expect(autobot).to_contain_text("Oggi non è prevista alcuna estrazione.")
        picture(page, "dashboard-no-draw-day")
        autobot.get_by_role("button", name="Sì, estrazione straordinaria").click()
        expect(autobot).to_contain_text("cerca il tabellone", timeout=2000)
        expect(autobot.locator(".start")).to_be_hidden()
        assert AutobotRun.objects.get().is_extraordinary


def test_autobot_is_stopped_only_on_second_thought(opened: Open, settings: Any) -> None:
    settings.OCR_STREAM_URL = "http://127.0.0.1/live.m3u8"
    runs.start(by="anna")
    with opened(may=MAY_AUTOBOT) as page:
        page.locator("#autobot").get_by_text("Ferma", exact=True).click()
        assert not AutobotRun.objects.get().is_over
        page.get_by_role("button", name="Sì, ferma AutoBOT").click()
        expect(page.locator("#autobot")).to_contain_text("a riposo", timeout=2000)
        assert AutobotRun.objects.get().message == "Stopped by anna."


def board_picture() -> Any:
    import numpy as np

    return np.full((36, 64, 3), 200, np.uint8)


def test_theme_and_language_are_kept_for_the_next_time(page: Page) -> None:
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
    expect(page.get_by_role("heading", name="Switchboard")).to_be_visible()


def test_charts_are_saved_as_picture_and_table(page: Page, tmp_path: Path) -> None:
    store_calls([parse_call({"id": "a", "timestamp": int(time.time()), "state": "Ok"})])
    page.reload()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Salva “Chiamate ogni 5 minuti” come immagine").click()
    saved.value.save_as(tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (2400, 1200))
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 20  # something is drawn on it
    with page.expect_download() as saved:
        page.get_by_role("button", name="Salva “Chiamate ogni 5 minuti” come tabella").click()
    saved.value.save_as(tmp_path / "chart.csv")
    with (tmp_path / "chart.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file, delimiter=";")
    assert head == ["Ora", "Chiamate", "Chiamate alla stessa ora di ieri"]
    assert len(rows) == 36
    assert sum(int(row[1]) for row in rows[-2:]) == 1  # five minutes may just have ended


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_serious(opened: Open, theme: str, width: int) -> None:
    fill()
    size = {"width": width, "height": 900}
    with opened(may=MAY_LIST + MAY_AUTOBOT, color_scheme=theme, viewport=size) as page:
        expect(page.locator(".sketch")).to_have_count(0)  # Chart.js has drawn over them
        picture(page, f"dashboard-{theme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert serious_findings(page) == []


@pytest.mark.parametrize("width", [1440, 1024, 700, 390, 320])
def test_nothing_is_cut_off_at_the_edge_of_its_panel(opened: Open, width: int) -> None:
    fill()
    size = {"width": width, "height": 900}
    with opened(may=MAY_LIST + MAY_AUTOBOT, viewport=size) as page:
        expect(page.locator(".sketch")).to_have_count(0)
        assert page.evaluate(BEYOND_THE_EDGE) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("address", ["admin/login/", "docs"])
def test_other_pages_are_pictured(
    chrome: Browser, server: Server, address: str, theme: Any, width: int
) -> None:
    context = chrome.new_context(
        locale="it-IT", color_scheme=theme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    complaints = complaints_of(page)
    page.goto(f"{server.url}/{address}")
    page.wait_for_load_state("networkidle")
    picture(page, f"{address.strip('/').replace('/', '-')}-{theme}-{width}")
    context.close()
    assert complaints == []


def fill() -> None:
    """Something in every panel."""
    now = int(time.time())
    store_calls(
        [
            parse_call(
                {
                    "id": f"c{n}",
                    "lineID": "L",
                    "lineNumber": "899123456",
                    "timestamp": now - n * 40,
                    "state": "Pending" if n < 12 else "Ok",
                    "caller": f"33300000{n:02}",
                    "cost": 0.15,
                    "callerOperator": "TIM",
                    "duration": 60,
                }
            )
            for n in range(60)
        ]
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
