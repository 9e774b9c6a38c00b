"""The 10eLotto of the evening: a published draw, the days of its games, what is provisional."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tests.published import PublishedEvents
from lotto import ingest
from lotto.dieci_e_lotto import (
    FIRST,
    FIRST_DOPPIO_ORO,
    FIRST_EXTRA,
    FIRST_GONG,
    FIRST_ORO,
    dieci_e_lotto,
)
from lotto.models import Extraction, Simbolotto
from lotto.types import CITIES, WHEELS, Draw, RuleError, Source
from sandbox import draws

DAY = date(2026, 5, 30)
# https://rep.agimeg.it/?p=7228
PUBLISHED = {
    "BA": (80, 8, 18, 35, 26),
    "CA": (27, 79, 31, 81, 65),
    "FI": (1, 59, 56, 78, 11),
    "GE": (19, 30, 73, 48, 7),
    "MI": (82, 4, 32, 78, 77),
    "NA": (64, 84, 26, 54, 14),
    "PA": (76, 23, 25, 39, 65),
    "RM": (73, 14, 1, 49, 5),
    "RN": (60, 33, 3, 54, 52),
    "TO": (11, 55, 78, 67, 22),
    "VE": (6, 72, 49, 70, 43),
}
TWENTY = (1, 4, 6, 8, 11, 14, 19, 23, 27, 30, 55, 59, 64, 72, 73, 76, 79, 80, 82, 84)
EXTRA = (18, 25, 26, 31, 32, 35, 39, 48, 49, 54, 56, 67, 70, 78, 81)
drawn = st.fixed_dictionaries(
    {
        code: st.lists(st.integers(1, 90), min_size=5, max_size=5, unique=True).map(tuple)
        for code in WHEELS
    }
)


def test_a_published_evening() -> None:
    found = dieci_e_lotto(DAY, PUBLISHED)
    assert found
    assert (found.numbers, found.extra) == (TWENTY, EXTRA)
    assert (found.oro, found.doppio_oro, found.gong) == (80, (80, 8), 60)
    assert not found.is_provisional


@pytest.mark.parametrize(
    ("first", "game"),
    [
        (FIRST_ORO, "oro"),
        (FIRST_DOPPIO_ORO, "doppio_oro"),
        (FIRST_EXTRA, "extra"),
        (FIRST_GONG, "gong"),
    ],
)
def test_each_game_is_there_from_its_first_day(first: date, game: str) -> None:
    before = dieci_e_lotto(first - timedelta(days=1), PUBLISHED)
    after = dieci_e_lotto(first, PUBLISHED)
    assert getattr(before, game) is None
    assert getattr(after, game) is not None


def test_before_june_2009_there_is_none() -> None:
    assert dieci_e_lotto(FIRST - timedelta(days=1), PUBLISHED) is None
    assert dieci_e_lotto(FIRST, PUBLISHED)
    assert dieci_e_lotto(DAY, {}) is None


@given(drawn, st.sets(st.sampled_from(CITIES), min_size=1))
def test_what_is_provisional_stays_true(
    wheels: dict[str, tuple[int, ...]], missing: set[str]
) -> None:
    whole = dieci_e_lotto(DAY, wheels)
    known = {code: numbers for code, numbers in wheels.items() if code not in missing}
    part = dieci_e_lotto(DAY, known)
    assert whole
    assert part
    assert part.is_provisional
    assert set(part.numbers) <= set(whole.numbers)
    assert part.extra is None
    assert part.oro == (None if "BA" in missing else whole.oro)
    assert part.gong == whole.gong


@given(drawn)
def test_twenty_numbers_and_the_extra_differ(wheels: dict[str, tuple[int, ...]]) -> None:
    found = dieci_e_lotto(DAY, wheels)
    assert found
    assert found.extra is not None
    everything = {number for code in CITIES for number in wheels[code]}
    assert len(found.numbers) == min(20, len(everything))
    assert len(found.numbers + found.extra) == min(35, len(everything))
    assert set(found.numbers + found.extra) <= everything
    first_two = {number for code in CITIES for number in wheels[code][:2]}
    assert first_two <= set(found.numbers)


@pytest.mark.django_db(transaction=True)
def test_the_event_has_the_evening_of_all_stored_wheels(published_events: PublishedEvents) -> None:
    for codes in (CITIES[:9], CITIES[9:]):
        ingest.save([Draw(DAY, code, PUBLISHED[code]) for code in codes], source=Source.OCR)
    first, second = (event["dieci_e_lotto"] for event in published_events)
    assert first["provisional"]
    assert not second["provisional"]
    assert tuple(second["numbers"]) == TWENTY
    assert second["gong"] is None  # Nazionale is not known yet


@pytest.mark.django_db
def test_the_simbolotto_is_stored_apart() -> None:
    assert ingest.store_simbolotto(DAY, "Bari", [5, 45, 1, 17, 30])
    assert not ingest.store_simbolotto(DAY, "BA", (5, 45, 1, 17, 30))
    assert ingest.store_simbolotto(DAY, "BA", [5, 45, 1, 17, 31])
    stored = Simbolotto.objects.get()
    assert (stored.wheel, stored.symbols) == ("BA", [5, 45, 1, 17, 31])
    assert not Extraction.objects.exists()
    for symbols in ([5, 46, 1, 17, 30], [5, 5, 1, 17, 30], [5, 1, 17, 30]):
        with pytest.raises(RuleError):
            ingest.store_simbolotto(DAY, "BA", symbols)


def test_every_evening_of_the_real_archive_has_its_twenty() -> None:
    days = (date(2022, 10, 27) + timedelta(days=n) for n in range(60))
    found = [dieci_e_lotto(day, wheels) for day in days if (wheels := draws.on(day))]
    assert len(found) > 20
    assert all(one and len(one.numbers) == 20 and one.gong for one in found)
