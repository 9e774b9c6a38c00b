"""The calendar over the API, and its exceptions in the admin."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest
import time_machine
from auditlog.models import LogEntry
from django.test import Client
from rest_framework.test import APIClient

from lotto import ingest, selectors
from lotto.models import DrawException
from lotto.tests.conftest import SLICE
from lotto.types import Draw, Source

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
ENGLISH = {"Accept-Language": "en"}
CALENDAR = "/api/lotto/calendar"
EXCEPTIONS = "/admin/lotto/drawexception/"
AFTERNOON, EVENING = "2026-12-08T12:00:00+01:00", "2026-12-09T20:00:00+01:00"
MOVED = {
    "date": "2026/12/09",
    "due": "2026/12/08",
    "reason": "Immacolata Concezione",
    "begins_at": "2026-12-09T19:00:00Z",
    "wheels": 0,
}


@pytest.fixture(autouse=True)
def _evening(settings: Any) -> None:
    settings.LOTTO_DRAW_TIME = time(20)


@time_machine.travel(AFTERNOON, tick=False)
def test_the_calendar_has_moved_draws_and_the_next_one(api: APIClient) -> None:
    ingest.save([Draw(date(2026, 12, 5), "BA", (1, 2, 3, 4, 5))], source=Source.SYNC)
    found = api.get(CALENDAR, {"from": "2026-12-05", "to": "2026/12/09"}).json()
    assert found.keys() == {"success", "next", "count", "draws", "timestamp"}
    assert (found["count"], found["next"]) == (2, MOVED)
    assert found["draws"] == [
        {
            "date": "2026/12/05",
            "due": "2026/12/05",
            "reason": "",
            "begins_at": "2026-12-05T19:00:00Z",
            "wheels": 1,
        },
        MOVED,
    ]


@time_machine.travel(AFTERNOON, tick=False)
def test_without_bounds_it_is_the_next_thirty_days(api: APIClient) -> None:
    days = [draw["date"] for draw in api.get(CALENDAR).json()["draws"]]
    assert (days[0], days[-1]) == ("2026/12/09", "2027/01/07")
    summer = api.get(CALENDAR, {"from": "2026-08-14", "to": "2026-08-18"}).json()["draws"]
    assert [draw["begins_at"] for draw in summer] == [
        "2026-08-14T18:00:00Z", "2026-08-17T18:00:00Z", "2026-08-18T18:00:00Z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"from": "2026-13-01"}, "from"),
        ({"to": "tomorrow"}, "to"),
        ({"from": "2026-12-09", "to": "2026-12-08"}, "to"),
        ({"from": "1939-01-01", "to": "2026-12-08"}, "to"),
    ],
)
def test_odd_bounds_are_refused(api: APIClient, query: dict[str, str], name: str) -> None:
    response = api.get(CALENDAR, query)
    assert response.status_code == 400
    assert name in response.json()["errors"]


@pytest.mark.parametrize("day", ["0001-01-01", "1938-12-31", "2200-01-01", "9999-12-31"])
def test_beyond_the_calendar_there_is_nothing_and_no_error(api: APIClient, day: str) -> None:
    assert api.get(CALENDAR, {"from": day}).status_code == 200
    assert api.get(CALENDAR, {"from": day, "to": day}).json()["count"] == 0


def test_the_next_draw_is_another_one_once_it_has_begun() -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        following = selectors.next_draw()
        assert following
        assert following[0].day == date(2026, 12, 10)
        clock.shift(-1)
        following = selectors.next_draw()
        assert following
        assert following[1].isoformat() == EVENING


def test_missing_draws_are_those_of_the_calendar(admin_client: Client) -> None:
    with time_machine.travel("2026-06-04T12:00:00+02:00", tick=False):
        assert selectors.missing_draws() == []
        ingest.store_lines(SLICE.read_bytes().splitlines(), source=Source.SYNC)
        missing = selectors.missing_draws()
        # 2 June is a holiday; that evening's draw was held on the 3rd.
        assert missing[-1:] == [date(2026, 6, 3)]
        assert date(2026, 6, 2) not in missing
        page = admin_client.get("/admin/lotto/drawday/").content.decode()
    assert "03/06/2026" in page


# --- Exceptions -----------------------------------------------------------------------------------


def entered(client: Client, **fields: str) -> Any:
    form = {"due_on": "", "drawn_on": "", "begins_at": "", "note": "As announced", **fields}
    return client.post(f"{EXCEPTIONS}add/", form, headers=ENGLISH)


def listed(client: Client) -> str:
    return str(client.get(EXCEPTIONS, headers=ENGLISH).content.decode())


def test_staff_enter_an_exception_and_the_calendar_has_it(
    admin_client: Client, api: APIClient
) -> None:
    query = {"from": "2026-12-22", "to": "2026-12-31"}
    before = [draw["date"] for draw in api.get(CALENDAR, query).json()["draws"]]
    fields = {"due_on": "2026-12-25", "drawn_on": "2026-12-23", "begins_at": "18:30"}
    assert entered(admin_client, **fields).status_code == 302
    draws = api.get(CALENDAR, query).json()["draws"]
    after = [draw["date"] for draw in draws]
    assert before == [f"2026/12/{day}" for day in (22, 24, 28, 29, 30, 31)]
    assert after == [f"2026/12/{day}" for day in (22, 23, 24, 28, 29, 31)]
    assert (draws[1]["reason"], draws[1]["begins_at"]) == ("As announced", "2026-12-23T17:30:00Z")
    entry = LogEntry.objects.get_for_objects(DrawException.objects.all()).get()
    assert entry.actor == admin_client.get(EXCEPTIONS).wsgi_request.user
    assert "moved" in listed(admin_client)


def test_the_christmas_of_2025_may_be_entered_though_it_is_known(admin_client: Client) -> None:
    assert entered(admin_client, due_on="2025-12-25", drawn_on="2025-12-24").status_code == 302
    assert selectors.calendar().on(date(2025, 12, 24))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "due, or held"),
        ({"due_on": "2026-12-07"}, "no draw is due"),
        ({"due_on": "2026-12-09"}, "08/12/2026"),
        ({"due_on": "2026-12-08", "drawn_on": "2026-12-10"}, "held on that day already"),
        ({"drawn_on": "2026-12-10"}, "held on that day already"),
        ({"due_on": "2026-12-08", "note": ""}, "required"),
        ({"due_on": "1938-12-08"}, "no draw is due"),
        ({"due_on": "soon"}, "errorlist"),
    ],
)
def test_an_exception_that_makes_no_sense_is_refused(
    admin_client: Client, fields: dict[str, str], said: str
) -> None:
    response = entered(admin_client, **fields)
    assert response.status_code == 200
    assert said in response.content.decode()
    assert not DrawException.objects.exists()


def test_an_exception_may_change_the_time_alone_or_cancel(admin_client: Client) -> None:
    eve = {"due_on": "2026-12-24", "drawn_on": "2026-12-24", "begins_at": "18:30"}
    assert entered(admin_client, **eve).status_code == 302
    assert entered(admin_client, due_on="2026-12-31").status_code == 302
    calendar = selectors.calendar()
    draw = calendar.on(date(2026, 12, 24))
    assert selectors.begins_at(date(2026, 12, 24), draw).isoformat() == "2026-12-24T18:30:00+01:00"
    assert calendar.on(date(2026, 12, 31)) is None
    page = listed(admin_client)
    assert "another time" in page
    assert "cancelled" in page


def test_who_may_not_change_draws_may_not_change_the_calendar(viewer: Client) -> None:
    assert viewer.get(EXCEPTIONS).status_code == 200
    assert entered(viewer, due_on="2026-12-31").status_code == 403
