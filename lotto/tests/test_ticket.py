"""What a ticket won: examples of the operator's table, and every combination counted by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from lotto import ingest
from lotto.tests.test_dieci_e_lotto import DAY, PUBLISHED
from lotto.ticket import MAX_PRIZE, MULTIPLES, check
from lotto.types import CITIES, OUTCOMES, WHEELS, Draw, Source

BARI = {"BA": (1, 2, 3, 4, 5)}
CHECK = "/api/lotto/check"
TICKET = {"data": "2026/05/30", "numeri": [80, 8, 18], "ruote": ["BA"], "sorti": {"ambo": 1}}


@pytest.mark.parametrize(
    ("numbers", "outcome", "cents"),
    [
        # With one euro on one wheel, as the operator's table has it.
        ((1,), "estratto", 1_123),
        ((1, 90), "estratto", 561),
        ((1, 2), "ambo", 25_000),
        ((1, 2, 90), "ambo", 8_333),
        ((1, 2, 3), "ambo", 25_000),
        ((1, 2, 3), "terno", 450_000),
        ((1, 2, 3, 90), "terno", 112_500),
        ((1, 2, 3, 4), "quaterna", 12_000_000),
        ((1, 2, 3, 4, 5), "cinquina", 600_000_000),
        (tuple(range(1, 11)), "cinquina", 2_380_952),
        ((88, 89), "ambo", 0),
    ],
)
def test_a_euro_wins_what_the_table_says(
    numbers: tuple[int, ...], outcome: str, cents: int
) -> None:
    assert check(numbers, {outcome: 100}, BARI).prize == cents


def test_on_all_wheels_a_prize_is_a_tenth_of_that_of_one() -> None:
    drawn = dict.fromkeys(CITIES, (11, 12, 13, 14, 15)) | BARI
    assert check((1, 2), {"ambo": 100}, drawn).prize == 2_500


def test_no_ticket_wins_more_than_six_million() -> None:
    assert check((1, 2, 3, 4, 5), {"cinquina": 20_000}, BARI).prize == MAX_PRIZE


wheel = st.lists(st.integers(1, 90), min_size=5, max_size=5, unique=True)


@given(
    st.lists(st.integers(1, 30), min_size=5, max_size=10, unique=True),
    st.dictionaries(st.sampled_from(OUTCOMES), st.integers(1, 20_000), min_size=1),
    st.dictionaries(
        st.sampled_from(list(WHEELS)),
        st.lists(st.integers(1, 30), min_size=5, max_size=5, unique=True),
        min_size=1,
    ),
)
def test_every_combination_counted_by_hand(
    numbers: list[int], stakes: dict[str, int], drawn: dict[str, list[int]]
) -> None:
    result = check(numbers, stakes, drawn)
    for outcome, stake in stakes.items():
        bets = [
            set(some) <= set(result_)
            for result_ in drawn.values()
            for some in combinations(numbers, OUTCOMES.index(outcome) + 1)
        ]
        each = Fraction(stake, len(bets))
        assert result.prizes[outcome] == int(sum(bets) * each * MULTIPLES[outcome])
        assert sum(win.won[outcome] for win in result.wins) == sum(bets)
    assert [win.hits for win in result.wins] == [
        tuple(n for n in five if n in numbers) for five in drawn.values()
    ]


# --- Over the API ---------------------------------------------------------------------------------


@pytest.fixture
def archived(db: None) -> None:
    ingest.save([Draw(DAY, code, n) for code, n in PUBLISHED.items()], source=Source.SYNC)


def test_a_ticket_is_checked(api: APIClient, archived: None) -> None:
    response = api.post(CHECK, TICKET | {"sorti": {"Ambo": 1, "terno": "0.50"}}, format="json")
    found = response.json()
    assert response.status_code == 200
    assert found.pop("timestamp")
    assert found == {
        "success": True,
        "data": "2026/05/30",
        "numeri": [80, 8, 18],
        "ruote": [{"ruota": "BA", "hits": [80, 8, 18], "outcomes": {"ambo": 3, "terno": 1}}],
        "prizes_cents": {"ambo": 25_000, "terno": 225_000},
        "prize_cents": 250_000,
    }


def test_all_wheels_are_the_ten_cities_and_the_default_is_the_last_draw(
    api: APIClient, archived: None
) -> None:
    body = {"numeri": [60], "ruote": ["tutte"], "sorti": {"ambata": 1}}
    found = api.post(CHECK, body, format="json").json()
    assert [wheel["ruota"] for wheel in found["ruote"]] == list(CITIES)
    assert found["prize_cents"] == 0  # 60 came out on Nazionale alone
    found = api.post(CHECK, body | {"ruote": ["NZ"]}, format="json").json()
    assert (found["ruote"][0]["ruota"], found["prize_cents"]) == ("RN", 1_123)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"numeri": []}, "numeri"),
        ({"numeri": [1, 1]}, "numeri"),
        ({"numeri": [0, 1]}, "numeri"),
        ({"numeri": list(range(1, 12))}, "numeri"),
        ({"numeri": "1,2"}, "numeri"),
        ({"ruote": []}, "ruote"),
        ({"ruote": ["XX"]}, "ruote"),
        ({"ruote": ["BA", "bari"]}, "ruote"),
        ({"ruote": ["BA", "TUTTE"]}, "ruote"),
        ({"sorti": {}}, "sorti"),
        ({"sorti": {"ambetto": 1}}, "sorti"),
        ({"sorti": {"estratto": 1, "ambata": 1}}, "sorti"),
        ({"sorti": {"quaterna": 1}}, "sorti"),
        ({"sorti": {"ambo": 0}}, "sorti"),
        ({"sorti": {"ambo": -1}}, "sorti"),
        ({"sorti": {"ambo": 1.005}}, "sorti"),
        ({"sorti": {"ambo": "1e3"}}, "sorti"),
        ({"sorti": {"ambo": "NaN"}}, "sorti"),
        ({"sorti": {"ambo": 150, "terno": 51}}, "sorti"),
        ({"data": "2026/02/30"}, "data"),
        ({"data": "2226/02/20"}, "data"),
    ],
)
def test_a_ticket_that_nobody_can_play_is_refused(
    api: APIClient, archived: None, wrong: dict[str, Any], name: str
) -> None:
    response = api.post(CHECK, TICKET | wrong, format="json")
    assert response.status_code == 400
    assert any(key.startswith(name) for key in response.json()["errors"])


@pytest.mark.parametrize(("day", "ruote"), [("2026/05/29", ["BA"]), ("1999/05/01", ["RN"])])
def test_without_the_draw_there_is_nothing_to_check(
    api: APIClient, archived: None, day: str, ruote: list[str]
) -> None:
    response = api.post(CHECK, TICKET | {"data": day, "ruote": ruote}, format="json")
    assert response.status_code == 404
    assert day in response.json()["detail"]
