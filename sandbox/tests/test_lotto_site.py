"""The sandbox's Lotto site: what it accepts and refuses, its page of wins, and its controls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.testing import SITE_PASSWORD, SITE_USER, RunningLottoSite, running_lotto_site

AUTH = (SITE_USER, SITE_PASSWORD)
NUMBERS = [1, 2, 3, 4, 5]


@pytest.fixture
def site() -> Iterator[RunningLottoSite]:
    with running_lotto_site() as running:
        yield running


def upload(site: RunningLottoSite, wheels: Any, day: str = "2025-10-09") -> requests.Response:
    body = {"date": day, "wheels": wheels}
    return requests.post(f"{site.url}/api/draws", json=body, auth=AUTH, timeout=10)


def statuses(response: requests.Response) -> list[str]:
    return [each["status"] for each in response.json()["results"]]


def test_a_wheel_of_a_day_is_stored_once(site: RunningLottoSite) -> None:
    responses = [upload(site, {"BA": numbers}) for numbers in (NUMBERS, NUMBERS, NUMBERS[::-1])]
    assert [statuses(each) for each in responses] == [["created"], ["unchanged"], ["replaced"]]
    listed = requests.get(site.url.replace("lotto-site", "_sandbox/lotto-site"), timeout=10).json()
    assert listed == {"draws": {"2025-10-09": {"BA": NUMBERS[::-1]}}}


def test_wheels_are_validated_one_by_one(site: RunningLottoSite) -> None:
    control = site.url.replace("lotto-site", "_sandbox/lotto-site")
    requests.post(control, json={"refuse": {"CA": "Closed."}}, timeout=10)
    response = upload(
        site, {"BA": NUMBERS, "CA": NUMBERS, "XX": NUMBERS, "VE": [1] * 5, "TO": ["1"]}
    )
    assert statuses(response) == ["created", *["refused"] * 4]
    assert response.json()["results"][1]["detail"] == "Closed."
    assert requests.post(control, json={"refuse": 5}, timeout=10).status_code == 400


@pytest.mark.parametrize(("wheels", "day"), [({}, "2025-10-09"), ([], "2025-10-09"),
    ({"BA": NUMBERS}, "2999-01-01"), ({"BA": NUMBERS}, "yesterday")])  # fmt: skip
def test_a_wrong_body_is_refused_whole(site: RunningLottoSite, wheels: Any, day: str) -> None:
    response = upload(site, wheels, day)
    assert (response.status_code, "detail" in response.json()) == (400, True)
    assert site.server.draws == {}


def test_wrong_credentials_are_a_401(site: RunningLottoSite) -> None:
    for auth in (None, (SITE_USER, "guess")):
        response = requests.get(f"{site.url}/riscontri", auth=auth, timeout=10)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic")


def test_the_page_of_wins_has_an_end(site: RunningLottoSite) -> None:
    def page(da: str) -> requests.Response:
        return requests.get(f"{site.url}/riscontri?da={da}", auth=AUTH, timeout=10)

    assert page("0").text.count("<tr>") == 21
    assert "?da=20" in page("0").text
    assert "?da=" not in page("180").text
    assert page("200").text.count("<tr>") == 1
    assert page("x").status_code == 400
