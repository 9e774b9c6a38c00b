"""Frequencies, delays and searches over REST, checked against the archive's lines."""

from __future__ import annotations

from typing import Any

import pytest

from lotto import ingest
from lotto.tests.conftest import SLICE
from lotto.tsv import draw_of
from lotto.types import CITIES, WHEELS, Draw, Source

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
DRAWS = [draw_of(line) for line in SLICE.read_bytes().splitlines()]
DAYS = sorted({draw.day for draw in DRAWS if draw.wheel in CITIES})


@pytest.fixture(autouse=True)
def full(db: None) -> None:
    ingest.store_lines(SLICE.read_bytes().splitlines(), source=Source.SYNC)


def test_numbers_of_every_wheel(api: Any) -> None:
    response = api.get("/api/lotto/stats/numbers").json()
    assert list(response["wheels"]) == [*WHEELS, "TUTTE"]
    bari = [draw for draw in DRAWS if draw.wheel == "BA"]
    table = response["wheels"]["BA"]
    assert (table["draws"], table["first_date"], table["last_date"]) == (
        len(bari), "1939/01/07", "2026/05/30",
    )  # fmt: skip
    assert [each["number"] for each in table["numbers"]] == list(range(1, 91))
    for each in table["numbers"]:
        with_it = [n for n, draw in enumerate(bari) if each["number"] in draw.numbers]
        assert each["frequency"] == len(with_it)
        assert each["delay"] == len(bari) - 1 - max(with_it, default=-1)
    assert sum(each["frequency"] for each in response["wheels"]["TUTTE"]["numbers"]) == 5 * len(
        [draw for draw in DRAWS if draw.wheel in CITIES]
    )


def test_one_wheel_and_a_part_of_the_archive(api: Any) -> None:
    address = "/api/lotto/stats/numbers?ruota=roma&from_date=2026-05-30&to_date=2026/05/30"
    response = api.get(address).json()
    assert list(response["wheels"]) == ["RM"]
    assert response["wheels"]["RM"]["draws"] == 1
    drawn = [n["number"] for n in response["wheels"]["RM"]["numbers"] if n["frequency"]]
    assert drawn == sorted([67, 47, 2, 86, 42])


def test_the_table_of_delays(api: Any) -> None:
    response = api.get("/api/lotto/stats/delays?limit=3").json()
    numbers = api.get("/api/lotto/stats/numbers").json()
    for wheel, delayed in response["wheels"].items():
        everything = numbers["wheels"][wheel]["numbers"]
        assert delayed == sorted(everything, key=lambda each: (-each["delay"], each["number"]))[:3]


def test_pairs(api: Any) -> None:
    response = api.get("/api/lotto/stats/pairs?sort=frequency&numero=87&limit=4005").json()
    assert (response["ruota"], response["total"], response["count"]) == ("TUTTE", 89, 89)
    for each in response["pairs"]:
        wanted = set(each["numbers"])
        found = [d for d in DRAWS if d.wheel in CITIES and wanted <= set(d.numbers)]
        assert (87 in wanted, each["frequency"]) == (True, len(found))
        last = max((draw.day for draw in found), default=None)
        assert each["last_date"] == (last and f"{last:%Y/%m/%d}")
    frequencies = [each["frequency"] for each in response["pairs"]]
    assert frequencies == sorted(frequencies, reverse=True)
    page = api.get("/api/lotto/stats/pairs?sort=frequency&numero=87&limit=2&offset=3").json()
    assert page["pairs"] == response["pairs"][3:5]


def test_search_of_a_combination(api: Any) -> None:
    response = api.get("/api/lotto/search?numeri=87,61").json()
    found = [d for d in DRAWS if d.wheel in CITIES and {87, 61} <= set(d.numbers)]
    assert (response["ruota"], response["sorte"], response["total"]) == (
        "TUTTE",
        "ambo",
        len(found),
    )
    assert response["results"][0] == {
        "data": "2026/05/30", "ruota": "BA", "numeri": [87, 61, 14, 25, 38], "hits": 2,
        "outcome": "ambo",
    }  # fmt: skip
    assert (response["delay"], response["draws"]) == (0, len(DAYS))
    assert response["outcomes"] == {"ambo": len(found)}


def test_all_wheels_are_those_of_the_cities(api: Any) -> None:
    national = "numeri=77.72.73"
    assert api.get(f"/api/lotto/search?{national}").json()["total"] == 0
    found = api.get(f"/api/lotto/search?{national}&ruota=nazionale").json()
    assert (found["total"], found["sorte"]) == (1, "terno")
    looser = api.get(f"/api/lotto/search?{national}&ruota=RN&sorte=AMBO").json()
    assert looser["outcomes"]["terno"] == 1
    assert looser["total"] == sum(looser["outcomes"].values())
    assert looser["results"][0]["hits"] == 3


def test_statistics_follow_every_change(api: Any) -> None:
    address = "/api/lotto/search?numeri=1,2,3,4,5&ruota=BA"
    assert api.get(address).json()["total"] == 0
    ingest.save([Draw(DAYS[-1], "BA", (5, 4, 3, 2, 1))], source=Source.MANUAL, overwrite=True)
    assert api.get(address).json()["results"][0]["outcome"] == "cinquina"
    ingest.delete(DAYS[-1], "BA")
    assert api.get(address).json()["total"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "search",
        "search?numeri=",
        "search?numeri=91",
        "search?numeri=0",
        "search?numeri=1,1",
        "search?numeri=1,due",
        "search?numeri=1,2,3,4,5,6,7,8,9,10,11",
        "search?numeri=1,2&sorte=terno",
        "search?numeri=1,2&sorte=jackpot",
        "search?numeri=1&ruota=XX",
        "search?numeri=1&limit=0",
        "search?numeri=1&from_date=2026-02-30",
        "search?numeri=1&from_date=2026-02-03&to_date=2026-02-02",
        "stats/numbers?ruota=XX",
        "stats/numbers?from_date=",
        "stats/pairs?sort=luck",
        "stats/pairs?numero=91",
        "stats/pairs?limit=4006",
        "stats/delays?limit=91",
    ],
)
def test_an_invalid_query_is_a_400_with_a_reason(api: Any, query: str) -> None:
    response = api.get(f"/api/lotto/{query}")
    assert response.status_code == 400
    assert response.json()["detail"]
