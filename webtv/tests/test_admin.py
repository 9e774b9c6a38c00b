from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from sandbox.testing import running_cdn
from webtv import ingest
from webtv.admin import charts_of
from webtv.models import Alert, AlertRule, Stream, ViewerSample
from webtv.types import TOTAL, Sample

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
LIST = "/admin/webtv/stream/"
FORM = {
    "name": "second",
    "title": "Second",
    "preset": "owncast",
    "url": "https://cdn.example",
    "body_format": "json",
    "headers": "{}",
    "alert_rules-TOTAL_FORMS": "0",
    "alert_rules-INITIAL_FORMS": "0",
}


@pytest.fixture
def staff(admin_client: Client, stream: Stream) -> Client:
    now = timezone.now()
    total = ingest.total_stream()
    for n in (0, 5, 2_000):
        at = now - timedelta(seconds=n)
        ingest.store_samples([Sample(stream.pk, at, 41 + n), Sample(total.pk, at, 41 + n)])
    rule = AlertRule.objects.create(stream=stream, kind="silence")
    Alert.objects.create(rule=rule, began_at=now, detail="No samples for 5 min")
    return admin_client


def test_the_list_shows_the_viewers(staff: Client) -> None:
    page = staff.get(LIST).content.decode()
    assert re.search(r'<td class="[^"]*\bfield-viewers\b[^>]*>\s*41\s*<', page)


@pytest.mark.parametrize("model", ["viewersample", "viewerrollup", "alertrule", "alert"])
def test_every_list_is_shown(staff: Client, model: str) -> None:
    assert staff.get(f"/admin/webtv/{model}/").status_code == 200


def test_samples_are_filtered_and_charted_but_not_changed(staff: Client, stream: Stream) -> None:
    page = staff.get("/admin/webtv/viewersample/?stream=main")
    assert page.content.decode().count("<canvas") == 2
    assert staff.get("/admin/webtv/viewersample/add/").status_code == 403
    sample = ViewerSample.objects.filter(stream=stream).first()
    assert staff.post(f"/admin/webtv/viewersample/{sample.pk}/delete/").status_code == 403


def test_a_stream_is_added_through_the_form(staff: Client) -> None:
    assert staff.post(f"{LIST}add/", FORM).status_code == 302
    assert Stream.objects.get(name="second").url == "https://cdn.example"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "cdn.example"},
        {"url": ""},
        {"name": "total"},
        {"preset": "generic"},
        {"preset": "generic", "path": "a["},
        {"headers": "[1]"},
        {"headers": '{"X": 1}'},
        {"headers": "{"},
    ],
)
def test_mistakes_are_reported_in_the_form(staff: Client, wrong: dict[str, str]) -> None:
    response = staff.post(f"{LIST}add/", {**FORM, **wrong})
    assert response.status_code == 200
    assert b"errornote" in response.content
    assert not Stream.objects.filter(name="second").exists()


def test_test_now_polls_the_server_and_shows_the_result(staff: Client, stream: Stream) -> None:
    with running_cdn() as cdn:
        cdn.server.fixed["main"] = 77
        Stream.objects.filter(pk=stream.pk).update(url=f"{cdn.url}/main")
        page = staff.post(f"{LIST}{stream.pk}/test/", follow=True).content.decode()
        assert re.search(r"Main: 77 ", page, re.IGNORECASE)
        cdn.faults.arm(kind="down", times=9)
        picked = {"action": "test_now", "_selected_action": [stream.pk]}
        page = staff.post(LIST, picked, follow=True).content.decode()
        assert "HTTP 503" in page or "connection" in page
    assert staff.get(f"{LIST}{stream.pk}/test/").status_code == 405


def test_the_sum_is_neither_deleted_nor_polled(staff: Client) -> None:
    total = Stream.objects.get(name=TOTAL)
    page = staff.get(f"{LIST}{total.pk}/change/").content.decode()
    assert "<canvas" in page
    assert 'name="url"' not in page
    assert staff.post(f"{LIST}{total.pk}/delete/", {"post": "yes"}).status_code == 403
    picked = {"action": "delete_selected", "_selected_action": [total.pk], "post": "yes"}
    staff.post(LIST, picked)
    assert Stream.objects.filter(name=TOTAL).exists()
    assert staff.post(f"{LIST}{total.pk}/test/").status_code == 404


def test_a_stream_is_deleted_with_all_its_rows(staff: Client, stream: Stream) -> None:
    response: Any = staff.post(f"{LIST}{stream.pk}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert not ViewerSample.objects.filter(stream_id=stream.pk).exists()


@pytest.mark.usefixtures("staff")
def test_a_chart_has_gaps_where_viewers_are_unknown(stream: Stream) -> None:
    recent, hours = charts_of(stream)
    (averages,) = recent["series"]
    assert len(averages["data"]) == len(recent["labels"]) == 36
    assert averages["data"][0] is None
    assert max(filter(None, averages["data"])) == 2_041
    assert [len(series["data"]) for series in hours["series"]] == [24, 24]
