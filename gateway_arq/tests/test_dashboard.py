"""The live page as the server makes it, and who gets it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from gateway_arq.realtime.publish import get_log
from gateway_arq.workers.models import Health, WorkerStatus
from gateway_arq.workers.services import failed, ran_ok
from webcom.ingest import store_calls, store_lines
from webcom.types import CallRecord, parse_call, parse_line

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime.fromisoformat("2026-03-10T12:00:00+01:00")

pytestmark = pytest.mark.django_db


def call(number: int, **fields: object) -> CallRecord:
    """A call on a premium line that rings since `number` minutes."""
    started = int(timezone.now().timestamp()) - number * 60
    told = {
        "id": f"call-{number}",
        "lineID": "Line90",
        "lineNumber": "899123456",
        "state": "Pending",
        "caller": f"333000{number:04}",
        "callerOperator": "TIMG",
        "timestamp": started,
        "revision": 1,
    }
    return parse_call(told | fields)


@pytest.fixture
def browser() -> Client:
    """A logged-in member of staff who reads Italian."""
    client = Client(headers={"Accept": "text/html", "Accept-Language": "it"})
    client.force_login(User.objects.create_user("anna", is_staff=True))
    return client


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


def text_of(html: str) -> str:
    """The words of a page, blanks collapsed."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())  # no-break spaces too


def test_a_stranger_is_led_to_the_login_and_back():
    answer = Client(headers={"Accept": "text/html"}).get("/dashboard/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/dashboard/")


@pytest.mark.parametrize("name", ["dashboard-figures", "dashboard-state"])
def test_a_script_without_session_gets_401_as_json(name):
    answer = Client(headers={"Accept": "application/json"}).get(reverse(name))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Log in as staff."})


@pytest.mark.parametrize("name", ["dashboard", "dashboard-figures", "dashboard-state"])
def test_a_user_who_is_not_staff_is_refused(name):
    client = Client()
    client.force_login(User.objects.create_user("guest"))
    assert client.get(reverse(name)).status_code == 403


def test_the_page_only_answers_to_reading(browser):
    assert browser.post("/dashboard/").status_code == 405


def test_the_page_allows_nothing_inline_and_nothing_from_elsewhere(browser):
    answer = browser.get("/dashboard/")
    page = answer.content.decode()
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert not re.search(
        r"""\s(style|on\w+)=|https?://|<style|<script(?! type="module"| id="live")""", page
    )
    assert "no-store" in answer["Cache-Control"]


def test_calls_in_progress_are_on_the_page_newest_first(browser, noon):
    store_calls(
        [call(5, caller="", state="Ringing"), call(2, cost=1234.5), call(70), call(1, state="Ok")]
    )
    page = browser.get("/dashboard/").content.decode()
    rows = [
        text_of(row) for row in re.findall(r'<tr role="row" class="call".*?</tr>', page, re.DOTALL)
    ]
    assert rows[:3] == [
        "899123456 Vas 3330000002 TIMG In corso 2:00 1.234,50 €",
        "899123456 Vas Anonimo TIMG Squilla 5:00 0,00 €",
        "899123456 Vas 3330000070 TIMG In corso 1:10:00 0,00 €",
    ]
    assert len(rows) == 4  # the last one is the empty row in the template
    assert '<p class="big" id="active">3</p>' in page


def test_figures_of_today_are_split_by_type_of_line(browser, noon):
    green = {"lineID": "G", "lineNumber": "800000001"}
    other = {"lineID": "X", "lineNumber": "0612345"}
    store_calls(
        [
            call(1, state="Ok", duration=600, cost=2000),
            call(2, state="Ok", duration=60, **green),
            call(3, state="Ok", duration=30, **other),
            call(24 * 60, state="Ok", duration=60),
        ]
    )
    today = browser.get("/dashboard/figures").json()["today"]
    assert {name: text.replace("\N{NO-BREAK SPACE}", " ") for name, text in today.items()} == {
        "calls": "3",
        "calls_split": "Vas 1 · Green 1 · altre 1",
        "minutes": "12",
        "minutes_split": "Vas 10 · Green 1 · altre 0",
        "cost": "2.000,00 €",
        "cost_split": "Vas 2.000,00 € · Green 0,00 € · altre 0,00 €",
    }


def test_bars_are_the_calls_of_the_last_three_hours(browser, noon):
    store_calls([call(0), call(1), *(call(7, id=f"x{n}") for n in range(4)), call(200)])
    figures = browser.get("/dashboard/figures").json()
    assert len(figures["samples"]) == 36
    assert figures["samples"][-3:] == [
        {"time": "11:50", "calls": 4, "height": 100},
        {"time": "11:55", "calls": 1, "height": 25},
        {"time": "12:00", "calls": 1, "height": 25},
    ]
    assert figures["rhythm"] == {"first": "09:05", "most": "4", "last": "12:00"}


def test_a_day_without_calls_has_flat_bars(browser):
    samples = browser.get("/dashboard/figures").json()["samples"]
    assert {sample["height"] for sample in samples} == {0}


def test_workers_are_listed_with_their_app_above_them(browser, noon):
    ran_ok("webcom.calls")
    failed("webcom.lines", RuntimeError("carrier says 503"))
    with time_machine.travel(NOON - timedelta(days=2), tick=False):
        ran_ok("webcom.prune")
    workers = browser.get("/dashboard/figures").json()["workers"]
    assert [
        (w["kind"], w["name"], w["label"], w["last_run"], w["last_error"]) for w in workers
    ] == [
        ("app", "WebCom", "In difficoltà", "12:00:00", ""),
        ("job", "webcom.calls", "In funzione", "12:00:00", ""),
        ("job", "webcom.lines", "In difficoltà", "12:00:00", "carrier says 503"),
        ("job", "webcom.prune", "In funzione", "08/03/2026", ""),
        ("app", "Web TV", "Disattivato", "", ""),
        ("app", "Centralino", "Disattivato", "", ""),
    ]


def test_an_app_that_has_gone_silent_says_so_itself(browser, noon):
    with time_machine.travel(NOON - timedelta(minutes=10), tick=False):
        ran_ok("webcom.calls")
    app = browser.get("/dashboard/figures").json()["workers"][0]
    assert (app["label"], app["last_error"]) == ("Fermo", "no sign of life")


def test_what_the_carrier_says_is_never_markup(browser):
    evil = '<img src=x onerror="alert(1)">'
    store_calls([call(1, state=evil[:30], callerOperator="</script><b>")])
    WorkerStatus.objects.create(name="webcom.calls", health=Health.DOWN, last_error=evil)
    page = browser.get("/dashboard/").content.decode()
    assert "<img src=x" not in page
    assert "</script><b>" not in page


@pytest.mark.once  # the log in memory: the one in Redis is written a moment later, by a thread
def test_the_page_resumes_where_the_log_was_before_its_data_were_read(browser, monkeypatch):
    before = get_log().position()

    def calls_while_another_comes(wanted, *, limit):
        get_log().append([("call_event_realtime", b"{}")])
        return []

    monkeypatch.setattr("webcom.selectors.calls", calls_while_another_comes)
    position = browser.get("/dashboard/").context["live"]["position"]
    assert position == {"epoch": before.epoch, "seq": before.seq}
    assert get_log().position().seq == before.seq + 1


def test_without_a_log_to_ask_the_page_still_comes(browser, monkeypatch):
    monkeypatch.setattr(get_log(), "position", lambda: None)
    answer = browser.get("/dashboard/")
    assert (answer.status_code, answer.context["live"]["position"]) == (200, None)


def test_state_has_the_calls_in_the_spelling_of_the_api_and_their_type(browser, noon):
    store_lines([parse_line({"lineId": "Line90", "number": "899123456", "lineType": "Vas"})])
    store_calls([call(1), call(2, state="Busy")])
    state = browser.get("/dashboard/state").json()
    assert [(c["id"], c["lineID"], c["lineType"], c["callerOperator"]) for c in state["calls"]] == [
        ("call-1", "Line90", "Vas", "TIMG")
    ]
    assert state["beyond"] == 0
    assert state.keys() > {"today", "samples", "rhythm", "workers"}


def test_calls_beyond_what_a_page_can_show_are_counted(browser, monkeypatch):
    monkeypatch.setattr("gateway_arq.dashboard.ROWS_MOST", 2)
    store_calls([call(n) for n in range(5)])
    answer = browser.get("/dashboard/")
    assert (len(answer.context["calls"]), answer.context["active"]) == (2, 5)
    assert browser.get("/dashboard/state").json()["beyond"] == 3


def test_the_page_takes_a_fixed_number_of_queries(browser, django_assert_max_num_queries):
    store_calls([call(n) for n in range(50)])
    with django_assert_max_num_queries(12):
        browser.get("/dashboard/")


def test_the_sandbox_is_labelled_in_page_and_admin(browser, settings):
    for address in ("/dashboard/", "/admin/"):
        settings.SANDBOX = False
        assert "SANDBOX" not in browser.get(address).content.decode()
        settings.SANDBOX = True
        assert "SANDBOX: dati di prova" in browser.get(address).content.decode()


def test_english_readers_get_english(browser):
    store_calls([call(2, cost=1234.5)])
    page = text_of(
        browser.get("/dashboard/", headers={"Accept-Language": "en-GB,en;q=0.9"}).content.decode()
    )
    assert "Calls in progress" in page
    assert "€1,234.50" in page
    assert "Chiamat" not in page


def test_who_prefers_neither_language_gets_italian(browser):
    page = browser.get("/dashboard/", headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="it">' in page


def test_the_reader_can_switch_the_language(browser):
    answer = browser.post(
        reverse("set_language"), {"language": "en", "next": "/dashboard/"}, follow=True
    )
    assert '<html lang="en">' in answer.content.decode()


def test_one_reader_s_language_does_not_stay_for_the_next(browser, api):
    browser.get("/dashboard/", headers={"Accept-Language": "en"})
    assert translation.get_language() == "it"
    assert api.get("/api/webcom/nothing", headers={"Accept-Language": "it"}).json() == {
        "detail": "Not found."
    }


def test_every_text_has_an_italian_one_and_is_compiled():
    catalogue = (ROOT / "locale/it/LC_MESSAGES/django.po").read_text()
    plain = catalogue.replace('\\"', "\0")  # quotes within a text
    pairs = [
        (text.replace("\0", '"'), italian.replace("\0", '"'))
        for text, italian in re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', plain, re.MULTILINE)
    ]
    sources = [*ROOT.glob("templates/gateway_arq/*.html"), *ROOT.glob("templates/admin/*.html")]
    used = {
        text
        for path in sources
        for text in re.findall(r"""translate ["'](.+?)["']""", path.read_text())
    }
    assert used <= {text for text, _ in pairs}
    with translation.override("it"):
        assert [
            text for text, italian in pairs if not italian or translation.gettext(text) != italian
        ] == []


def test_the_admin_leads_to_the_dashboard(browser):
    page = browser.get("/admin/").content.decode()
    assert re.search(r'<a href="/dashboard/"[^>]*>.{0,900}Cruscotto', page, re.DOTALL)


def test_a_browser_that_asks_for_the_root_gets_to_the_page(browser):
    answer = browser.get("/", follow=True)
    assert answer.redirect_chain == [("/dashboard/", 302)]
    assert answer.status_code == 200
