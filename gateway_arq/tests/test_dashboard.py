"""The live page as the server makes it, and who gets it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from centralino.models import LiveState
from centralino.services import screened
from centralino.services.screened import Screened
from centralino.types import Decision, Verdict, Why
from core.lib.days import zone
from core.realtime.publish import get_log
from core.tests.staff import onlooker
from core.workers.models import Health, WorkerStatus
from core.workers.services import failed, ran_ok
from webcom.ingest import store_calls, store_lines, store_rebates
from webcom.types import CallRecord, RebateRecord, RebateRow, parse_call, parse_line
from webtv.ingest import store_samples, total_stream
from webtv.types import Sample

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime.fromisoformat("2026-03-10T12:00:00+01:00")

pytestmark = pytest.mark.django_db


def call(number: int, **fields: object) -> CallRecord:
    """A call on a premium line that rings since `number` minutes."""
    started = int(timezone.now().timestamp()) - number * 60
    document = {
        "id": f"call-{number}",
        "lineID": "Line90",
        "lineNumber": "899123456",
        "state": "Pending",
        "caller": f"333000{number:04}",
        "callerOperator": "TIMG",
        "timestamp": started,
        "revision": 1,
    }
    return parse_call(document | fields)


@pytest.fixture
def browser() -> Client:
    """A logged-in member of staff who reads Italian."""
    client = Client(headers={"Accept": "text/html", "Accept-Language": "it"})
    client.force_login(onlooker("anna"))
    return client


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


def text_of(html: str) -> str:
    """The words of a page, blanks collapsed."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())  # no-break spaces too


def test_a_stranger_is_redirected_to_the_login_and_back():
    response = Client(headers={"Accept": "text/html"}).get("/dashboard/")
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/dashboard/")


@pytest.mark.parametrize("name", ["dashboard-figures", "dashboard-state"])
def test_a_script_without_session_gets_401_as_json(name):
    response = Client(headers={"Accept": "application/json"}).get(reverse(name))
    assert (response.status_code, response.json()) == (
        401,
        {"detail": "Accedi come staff."},
    )


@pytest.mark.parametrize("is_staff", [False, True], ids=["guest", "staff without a group"])
@pytest.mark.parametrize("name", ["dashboard", "dashboard-figures", "dashboard-state"])
def test_a_user_who_may_see_nothing_is_refused(name, is_staff):
    client = Client()
    client.force_login(User.objects.create_user("guest", is_staff=is_staff))
    assert client.get(reverse(name)).status_code == 403


def test_the_page_allows_only_safe_methods(browser):
    assert browser.post("/dashboard/").status_code == 405


def test_the_page_allows_nothing_inline_and_nothing_from_elsewhere(browser):
    response = browser.get("/dashboard/")
    page = response.content.decode()
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(
        r"""\s(style|on\w+)=|https?://|<style|<script(?! type="module" nonce="| id="live")""", page
    )
    (nonce,) = re.findall(r'<script type="module" nonce="([^"]{20,})"', page)
    assert f"script-src 'nonce-{nonce}'" in response["Content-Security-Policy"]
    assert nonce not in browser.get("/dashboard/").content.decode()
    assert "no-store" in response["Cache-Control"]


def test_calls_in_progress_are_on_the_page_newest_first(browser, noon):
    store_calls(
        [call(5, caller="", state="Ringing"), call(2, cost=1234.5), call(70), call(1, state="Ok")]
    )
    pbx_call(minutes=3)
    page = browser.get("/dashboard/").content.decode()
    rows = [
        text_of(row) for row in re.findall(r'<tr role="row" class="call".*?</tr>', page, re.DOTALL)
    ]
    assert rows[1:] == [
        "899123456 Vas 3330000002 TIMG In corso 2:00 1.234,50 €",
        "0612345 PBX 3331112222 201 In corso 3:00 –",
        "899123456 Vas Anonimo TIMG Squilla 5:00 0,00 €",
        "899123456 Vas 3330000070 TIMG In corso 1:10:00 0,00 €",
    ]
    assert rows[0] == ""  # the pattern
    assert re.search(r'<span class="count" id="active">4</span>', page)


def pbx_call(*, minutes: int) -> None:
    """A switchboard's call, answered at once by extension 201."""
    began = timezone.now().timestamp() - minutes * 60
    channels = [
        {
            "uniqueid": uniqueid, "linkedid": "1.1", "name": name, "state": "Up",
            "caller": "3331112222", "caller_name": "", "context": "from-trunk", "exten": "s",
            "started_at": began,
        }
        for uniqueid, name in (("1.1", "PJSIP/trunk-0001"), ("1.2", "PJSIP/201-0002"))
    ]  # fmt: skip
    call = {
        "linkedid": "1.1", "caller": "3331112222", "caller_name": "", "exten": "0612345",
        "started_at": began, "answered_at": began, "channels": ["1.1", "1.2"],
    }  # fmt: skip
    LiveState.objects.create(
        key="asterisk_1.ami",
        document={"count": 2, "table": {"channels": channels, "calls": [call]}},
        updated_at=timezone.now(),
    )


def calls_of(browser: Client) -> dict:
    return browser.get("/dashboard/figures").json()["calls"]


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
    today = calls_of(browser)["today"]
    values = {name: {row["type"]: row["value"] for row in rows} for name, rows in today.items()}
    assert values == {
        "calls": {"all": 3, "Vas": 1, "Green": 1, "Unknown": 1},
        "minutes": {"all": 12, "Vas": 10, "Green": 1, "Unknown": 0},
        "cost": {"all": 2000.0, "Vas": 2000.0, "Green": 0.0, "Unknown": 0.0},
    }


def test_the_day_is_compared_with_the_same_time_of_yesterday_and_last_week(browser, noon):
    day, week = 24 * 60, 7 * 24 * 60
    ago = [5, 6, 7, day + 5, day + 6, week + 5, week + 6, week + 7, week + 8]
    not_yet = [day - 5, week - 5, 2, day + 13 * 60]
    store_calls([call(n, state="Ok", cost=2) for n in ago + not_yet])
    whole = calls_of(browser)["today"]["calls"][0]
    assert whole == {
        "type": "all",
        "value": 4,  # with the one of these five minutes
        "yesterday": 2,
        "yesterday_change": 1.0,  # 4 against 2
        "last_week": 4,
        "last_week_change": 0.0,
    }


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_the_comparison_goes_by_the_clock_on_the_wall_when_that_is_changed(browser, day):
    at = datetime.fromisoformat(f"{day}T12:02:00").replace(tzinfo=zone())
    with time_machine.travel(at, tick=False):
        yesterday = at - timedelta(days=1)  # on the wall
        for n, minute in enumerate((-10, 10)):
            started = int((yesterday + timedelta(minutes=minute)).timestamp())
            store_calls([call(1, id=f"y{n}", state="Ok", timestamp=started)])
        assert calls_of(browser)["today"]["calls"][0]["yesterday"] == 1


def test_charts_have_the_last_three_hours_and_the_hours_of_three_days(browser, noon):
    day = 24 * 60
    store_calls([call(0), call(1), *(call(7, id=f"x{n}") for n in range(4)), call(200)])
    store_calls([call(day + 7, id="y"), call(7 * day + 60, id="w")])
    calls = calls_of(browser)
    rhythm, hours = calls["rhythm"], calls["hours"]
    assert [len(values) for values in rhythm.values()] == [36, 36, 36]
    assert rhythm["at"][-1] == int(NOON.timestamp())
    assert rhythm["now"][-3:] == [4, 1, 1]
    assert rhythm["before"][-3:] == [1, 0, 0]
    assert hours["now"] == [0] * 8 + [1, 0, 0, 5, 1]  # the hours to come are not there
    assert [hours["yesterday"][11], hours["last_week"][11]] == [1, 1]


def test_rebates_of_the_month_stand_beside_last_months(browser, noon):
    for month, costs in (("2026-03", {"TIM": 50, "ILIAD": 8}), ("2026-02", {"TIM": 40, "WIND": 4})):
        rows = [
            RebateRow(type="Vas", operator=op, cost=Decimal(c), counter=1)
            for op, c in costs.items()
        ]
        store_rebates(RebateRecord(month=month, updated_at=1, rebates=rows))
    rebates = browser.get("/dashboard/figures").json()["rebates"]
    assert (rebates["total"], rebates["total_before"]) == (58, 44)
    assert [
        (row["name"], row["cost"], row["before"], row["change"]) for row in rebates["operators"]
    ] == [
        ("TIM", 50, 40, 0.25),
        ("ILIAD", 8, 0, None),
        ("WIND", 0, 4, -1.0),
    ]


def test_viewers_have_their_peak_and_yesterdays(browser, noon):
    total = total_stream().pk
    yesterday = NOON - timedelta(days=1)
    store_samples([Sample(total, yesterday, 200), Sample(total, NOON - timedelta(hours=1), 300)])
    store_samples([Sample(total, NOON - timedelta(seconds=5), 100)])
    now = browser.get("/dashboard/figures").json()["television"]
    assert (now["now"], now["known"], now["peak"], now["peak_before"]) == (
        100,
        True,
        300,
        200,
    )
    assert now["peak_change"] == 0.5
    assert now["recent"]["peak"][-2:] == [100, None]
    assert now["hours"]["yesterday"][12] == 200
    assert now["streams"] == []


def test_the_switchboard_is_counted(browser, noon):
    ari = {
        "status": {"websocket": "connected"},
        "channels": [],
        "endpoints": [
            {"resource": "201", "state": "online", "channel_ids": ["1.2"]},
            {"resource": "202", "state": "online", "channel_ids": []},
            {"resource": "203", "state": "offline", "channel_ids": []},
        ],
    }
    LiveState.objects.create(key="asterisk_1.ari", document=ari, updated_at=timezone.now())
    pbx_call(minutes=1)
    for n, at in enumerate((NOON, NOON, NOON - timedelta(days=1))):
        decision = Decision(Verdict.BLOCKED if n else Verdict.PASSED, Why.CLEAN, f"+3933311100{n}")
        screened.store([Screened("a", f"c{n}", f"33311100{n}", "06", decision, at.timestamp())])
    now = browser.get("/dashboard/figures").json()["switchboard"]
    assert (now["channels"], now["online"], now["busy"], now["offline"]) == (
        2,
        1,
        1,
        1,
    )
    assert (now["passed"], now["blocked"]) == (1, 1)


def test_workers_are_listed_with_their_app_above_them(browser, noon):
    ran_ok("webcom.calls")
    ran_ok("lotto.sync")
    failed("webcom.lines", RuntimeError("carrier says 503"))
    with time_machine.travel(NOON - timedelta(days=2), tick=False):
        ran_ok("webcom.prune")
    page = browser.get("/dashboard/").content.decode()
    lines = re.findall(r'<li class="worker" data-id="([^"]+)"(.*?)</li>', page, re.DOTALL)
    assert [(name, text_of(f"<{rest}")) for name, rest in lines] == [
        ("app:webcom", "WebCom In difficoltà 12:00:00"),
        ("job:webcom.calls", "webcom.calls In funzione 12:00:00"),
        ("job:webcom.lines", "webcom.lines In difficoltà 12:00:00 carrier says 503"),
        ("job:webcom.prune", "webcom.prune In funzione 08/03/2026"),
        ("app:webtv", "Web TV Disattivato –"),
        ("app:asterisk", "Centralino Disattivato –"),
        ("other:lotto.sync", "lotto.sync In funzione 12:00:00"),
    ]


def test_a_silent_app_is_unavailable_since_its_last_success(browser, noon):
    with time_machine.travel(NOON - timedelta(minutes=10), tick=False):
        ran_ok("webcom.calls")
    since = int((NOON - timedelta(minutes=10)).timestamp())
    unavailable = browser.get("/dashboard/figures").json()["health"]["away"]
    assert unavailable == [{"app": "webcom", "since": since, "error": "no sign of life"}]
    assert "WebCom non risponde: i suoi dati sono fermi alle 11:50:00" in text_of(
        browser.get("/dashboard/").content.decode()
    )


def test_text_of_the_carrier_is_never_markup(browser):
    evil = '<img src=x onerror="alert(1)">'
    store_calls([call(1, state=evil[:30], callerOperator="</script><b>")])
    WorkerStatus.objects.create(name="webcom.calls", health=Health.DOWN, last_error=evil)
    page = browser.get("/dashboard/").content.decode()
    assert "<img src=x" not in page
    assert "</script><b>" not in page


# The log in memory: the one in Redis is written a moment later, by a thread.
@pytest.mark.embedded_only
def test_the_page_resumes_where_the_log_was_before_its_data_were_read(browser, monkeypatch):
    before = get_log().position()

    def calls_while_another_comes(wanted, *, limit):
        get_log().append([("call_event_realtime", b"{}")])
        return []

    monkeypatch.setattr("webcom.selectors.calls", calls_while_another_comes)
    position = browser.get("/dashboard/").context["live"]["position"]
    assert position == {"epoch": before.epoch, "seq": before.seq}
    assert get_log().position().seq == before.seq + 1


def test_the_page_opens_without_a_log(browser, monkeypatch):
    monkeypatch.setattr(get_log(), "position", lambda: None)
    response = browser.get("/dashboard/")
    assert (response.status_code, response.context["live"]["position"]) == (200, None)


def test_state_has_the_calls_as_rows(browser, noon):
    store_lines([parse_line({"lineId": "Line90", "number": "899123456", "lineType": "Vas"})])
    store_calls([call(1), call(2, state="Busy")])
    state = browser.get("/dashboard/state").json()
    assert state.keys() == {"calls", "screening", "figures"}
    assert state["calls"] == {
        "rows": [
            {
                "key": "call-1",
                "source": "webcom",
                "line": "899123456",
                "tag": "Vas",
                "caller": "3330000001",
                "operator": "TIMG",
                "state": "Pending",
                "started": int(NOON.timestamp()) - 60,
                "cost": 0.0,
                "revision": 1,
            }
        ],
        "beyond": 0,
    }


def test_calls_beyond_what_a_page_can_show_are_counted(browser, monkeypatch):
    monkeypatch.setattr("gateway_arq.dashboard.calls.MAX_ROWS", 2)
    store_calls([call(n) for n in range(5)])
    response = browser.get("/dashboard/")
    assert (len(response.context["state"]["calls"]["rows"]), response.context["count"]) == (2, 5)
    assert browser.get("/dashboard/state").json()["calls"]["beyond"] == 3


def test_the_page_takes_a_fixed_number_of_queries(browser, django_assert_max_num_queries):
    store_calls([call(n) for n in range(50)])
    with django_assert_max_num_queries(32):
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


def test_readers_of_neither_language_get_italian(browser):
    page = browser.get("/dashboard/", headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="it"' in page


def test_the_reader_can_switch_the_language(browser):
    response = browser.post(
        reverse("set_language"), {"language": "en", "next": "/dashboard/"}, follow=True
    )
    assert '<html lang="en"' in response.content.decode()


def test_one_reader_s_language_does_not_stay_for_the_next(browser, api):
    browser.get("/dashboard/", headers={"Accept-Language": "en"})
    assert translation.get_language() == "it"
    assert api.get("/api/webcom/nothing", headers={"Accept-Language": "it"}).json() == {
        "detail": "Not found."
    }


def test_every_text_has_an_italian_one_and_is_compiled():
    catalogue = (ROOT / "locale/it/LC_MESSAGES/django.po").read_text()
    catalogue = catalogue.replace('"\n"', "")  # long texts are on several lines
    plain = catalogue.replace('\\"', "\0")  # quotes within a text
    pairs = [
        (text.replace("\0", '"'), italian.replace("\0", '"'))
        for text, italian in re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', plain, re.MULTILINE)
    ]
    sources = [
        *ROOT.glob("templates/gateway_arq/**/*.html"),
        *ROOT.glob("templates/admin/*.html"),
        *ROOT.glob("gateway_arq/dashboard/*.py"),
    ]
    used = {
        text
        for path in sources
        for text in re.findall(r"""(?:translate |\b_\(|gettext\()["'](.+?)["']""", path.read_text())
    }
    assert used <= {text for text, _ in pairs}
    with translation.override("it"):
        assert [
            text for text, italian in pairs if not italian or translation.gettext(text) != italian
        ] == []


def test_the_admin_leads_to_the_dashboard(browser):
    page = browser.get("/admin/").content.decode()
    assert re.search(r'<a href="/dashboard/"[^>]*>.{0,900}Cruscotto', page, re.DOTALL)


def test_a_browser_at_the_root_gets_the_page(browser):
    response = browser.get("/", follow=True)
    assert response.redirect_chain == [("/dashboard/", 302)]
    assert response.status_code == 200
