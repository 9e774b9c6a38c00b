"""The panels of the live page in a real browser: switchboard, web TV, lotto."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect

from centralino.channel_table import ChannelTable
from centralino.events import PbxCallChanged
from centralino.models import ListEntry, LiveState
from centralino.selectors.lists import ListFilter, listed
from centralino.services import lists
from centralino.types import AmiMessage
from core.realtime.publish import publish
from core.workers.services import failed, ran_ok
from gateway_arq.tests.browser import Open, picture
from gateway_arq.tests.dashboard_page import outdate_figures, row, screen
from lotto import ingest as archive
from lotto.draw_calendar import DrawCalendar, PlannedDraw
from lotto.types import WHEELS, Draw
from ocr import selectors
from ocr.autobot import services
from ocr.autobot.evidence import store_board
from ocr.models import AutobotRun, AutobotWheel
from ocr.tests.evenings import LEADER
from ocr.types import RunState
from webtv.events import ViewersCounted
from webtv.ingest import store_samples, total_stream
from webtv.types import Sample

pytestmark = pytest.mark.django_db(transaction=True)

MAY_LIST = (
    "centralino.add_listentry", "centralino.change_listentry", "centralino.delete_listentry",
)  # fmt: skip
MAY_AUTOBOT = ("ocr.change_autobotrun",)
NUMBERS = ["1", "2", "3", "4", "90"]


def pbx(table: ChannelTable, event: str, uniqueid: str, **more: str) -> None:
    """A switchboard reports a channel, and the listener publishes its call."""
    usual = {
        "event": event, "channel": f"PJSIP/trunk-{uniqueid}", "uniqueid": uniqueid,
        "linkedid": "1.1", "calleridnum": "3331112222", "exten": "0612345",
        "channelstatedesc": "Ring",
    }  # fmt: skip
    table.apply([AmiMessage(usual | more)], time.time())
    publish(map(PbxCallChanged, table.changed_calls()))


def pbx_row(page: Page) -> Locator:
    return row(page, "asterisk_1:1.1")


def test_calls_of_a_switchboard_stand_in_the_same_list(page: Page) -> None:
    table = ChannelTable("asterisk_1")
    pbx(table, "Newchannel", "1.1")
    expect(pbx_row(page)).to_contain_text("3331112222", timeout=1000)
    expect(pbx_row(page).locator(".line")).to_have_text("0612345 PBX")
    expect(pbx_row(page).locator(".state")).to_have_text("Squilla")
    pbx(table, "Newchannel", "1.2", channel="PJSIP/201-00a")
    pbx(
        table, "Newstate", "1.1", channelstatedesc="Up", exten="s"
    )  # it has gone on in the dialplan
    expect(pbx_row(page).locator(".state")).to_have_text("In corso")
    expect(pbx_row(page).locator(".line")).to_have_text("0612345 PBX")
    expect(pbx_row(page).locator(".operator")).to_have_text("201")
    pbx(table, "Hangup", "1.2", channel="PJSIP/201-00a")
    expect(pbx_row(page).locator(".operator")).to_be_empty()
    pbx(table, "Hangup", "1.1")
    expect(pbx_row(page)).to_have_count(0)


def test_what_no_event_reports_comes_with_the_figures(page: Page) -> None:
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
    ran_ok("webcom.calls")
    for _ in range(3):
        failed("webcom.calls", RuntimeError("carrier says 503"))
    outdate_figures()
    expect(pbx_row(page).locator(".state")).to_have_text("In corso", timeout=13_000)
    banner = page.locator(".banner.away")
    expect(banner).to_contain_text("WebCom non risponde")
    expect(banner).to_contain_text("carrier says 503")

    state.document = {"count": 0, "table": {"channels": [], "calls": []}}
    state.save()
    ran_ok("webcom.calls")
    outdate_figures()
    expect(pbx_row(page)).to_have_count(0, timeout=13_000)
    expect(banner).to_have_count(0)


def test_screened_callers_and_viewers_are_counted_as_they_come(page: Page) -> None:
    expect(page.locator("#viewers")).to_have_text("–")
    screen("3331112222")
    screen("3331112223", blocked=True)
    callers = page.locator("#callers > li")
    expect(callers).to_have_count(2)
    expect(callers.first).to_contain_text("Bloccata")

    total = total_stream()
    for ago_s, viewers in ((2, 1234), (1, 1300)):
        store_samples([Sample(total.pk, timezone.now() - timedelta(seconds=ago_s), viewers)])
    publish([ViewersCounted("main", 1300, timezone.now())])
    expect(page.locator("#viewers")).to_have_text("1.300", timeout=2000)
    expect(page.get_by_text("ultimo dato delle")).to_be_hidden()

    expect(page.locator("#blocked")).to_have_text("1", timeout=8000)
    expect(page.locator("#passed")).to_have_text("1")
    who_may_not_act_sees_no_button_for_it(page)


def who_may_not_act_sees_no_button_for_it(page: Page) -> None:
    lists.blacklist_number("+393331112223", hours=3)
    expect(page.locator("#blacklist > li")).to_have_count(1)
    expect(page.locator("#callers > li")).to_have_count(2)
    for name in ("Blocca", "Sblocca", "Avvia"):
        expect(page.get_by_text(name, exact=True)).to_have_count(0)


def test_numbers_are_blocked_and_released_and_both_are_undone_with_one_click(opened: Open) -> None:
    with opened(may=MAY_LIST, tolerated=("400 (Bad Request)",)) as page:
        a_caller_is_blacklisted_in_two_clicks_and_that_is_undone_with_one(page)
        what_is_released_comes_back_as_it_was(page)
        ListEntry.objects.all().delete()
        page.reload()
        a_number_is_blocked_by_hand_and_nonsense_is_explained(page)


def a_caller_is_blacklisted_in_two_clicks_and_that_is_undone_with_one(page: Page) -> None:
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


def what_is_released_comes_back_as_it_was(page: Page) -> None:
    lists.blacklist_number("+393331112222", hours=3, note="calls at night")
    (before,) = listed(ListFilter(), limit=5)
    page.get_by_role("button", name="Sblocca").click()
    expect(page.locator("#blacklist > li")).to_have_count(0, timeout=2000)
    page.get_by_role("button", name="Annulla").click()
    expect(page.locator("#blacklist > li")).to_contain_text("3331112222")
    assert listed(ListFilter(), limit=5) == [before]


def a_number_is_blocked_by_hand_and_nonsense_is_explained(page: Page) -> None:
    number = page.get_by_label("Numero da bloccare")
    block = page.locator("#block").get_by_role("button")
    number.fill("nonsense")
    block.click()
    expect(page.locator(".toast")).to_contain_text("Non ha funzionato: ")
    assert not ListEntry.objects.exists()
    number.fill("333 111 2222")
    page.get_by_label("Per quanto tempo").select_option("per sempre")
    block.click()
    expect(page.locator("#blacklist > li")).to_contain_text("per sempre", timeout=2000)
    expect(number).to_be_empty()
    assert ListEntry.objects.get().expires_at is None


def test_a_draw_is_written_onto_the_board_and_older_figures_do_not_undo_it(page: Page) -> None:
    bari = page.locator(".board").first.locator("tr").first.locator(".ball")
    bari.first.evaluate(
        "(ball) => { window.shown = []; new MutationObserver(() => shown.push(ball.textContent))"
        ".observe(ball, {childList: true, characterData: true, subtree: true}); }"
    )
    responses: list[list[int]] = []

    def slow(route: Route) -> None:
        response = route.fetch()
        responses.append(response.json()["draw"]["wheels"][0]["numbers"])
        if len(responses) == 1:
            archive.save([Draw(timezone.localdate(), "BA", (1, 2, 3, 4, 90))], source="manual")
            expect(bari).to_have_text(NUMBERS, timeout=2000)
        route.fulfill(response=response)

    page.route("**/dashboard/figures", slow)
    outdate_figures()
    for _ in range(2):
        with page.expect_response("**/dashboard/figures", timeout=15_000):
            pass
    outdate_figures()
    with page.expect_response("**/dashboard/figures", timeout=15_000):
        pass  # by now the ones before have been painted
    assert responses[:2] == [[], [1, 2, 3, 4, 90]]
    expect(bari).to_have_text(NUMBERS)
    assert page.evaluate("shown") == ["1"]


def draw_is_due(patch: pytest.MonkeyPatch, due: bool) -> None:
    patch.setattr(DrawCalendar, "on", lambda calendar, day: PlannedDraw(day, day) if due else None)


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

        run = selectors.unfinished()
        assert run is not None
        assert LEADER.take()  # as the worker does it
        services.update(run, LEADER, state=RunState.OCR)
        for n, wheel in enumerate(WHEELS):
            cells = [[n + place + 1, 99.0, []] for place in range(5)]
            wheels = [AutobotWheel(wheel=wheel, cells=cells, is_taken=True)]
            services.store_wheels(run, LEADER, wheels)
            if n in (0, 4, 10):
                expect(autobot).to_contain_text(f"{n + 1} / 11", timeout=2000)
        store_board(run, board_picture())
        services.end(run, LEADER, RunState.COMPLETED, "All done.")
        expect(autobot).to_contain_text("completato")
        expect(autobot.get_by_role("button", name="Avvia")).to_be_visible()
        autobot.get_by_text("Immagini di ciò").click()
        image = autobot.locator(".pictures img")
        expect(image).to_have_count(1, timeout=8000)
        expect(image).to_have_js_property("naturalWidth", 64)
        picture(page, "dashboard-autobot")


def test_on_a_day_without_a_draw_autobot_is_started_for_an_extraordinary_one_and_stopped(
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
        autobot_is_stopped_only_on_second_thought(page)


def autobot_is_stopped_only_on_second_thought(page: Page) -> None:
    page.locator("#autobot").get_by_text("Ferma", exact=True).click()
    assert not AutobotRun.objects.get().is_over
    page.get_by_role("button", name="Sì, ferma AutoBOT").click()
    expect(page.locator("#autobot")).to_contain_text("a riposo", timeout=2000)
    assert AutobotRun.objects.get().message == "Stopped by anna."


def board_picture() -> Any:
    import numpy as np

    return np.full((36, 64, 3), 200, np.uint8)
