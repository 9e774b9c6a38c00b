"""`/api/ocr/riscontri2/*` over a file as the sandbox fills it, to the letter of the reference."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis
import pytest
import time_machine
from django.db import DatabaseError, NotSupportedError, OperationalError, connections
from hypothesis import given
from hypothesis import strategies as st

from core.lib.upstream import UpstreamError
from ocr.legacy import selectors
from ocr.legacy.models import LegacyExtraction, LegacyPrediction
from ocr.legacy.place import NOWHERE, in_file
from ocr.tests.legacy_server import ADD_DRAW, ADD_PREDICTION, BARI, CAGLIARI, DRAWS, legacy_at
from sandbox.legacy import SCHEMA, fill

pytestmark = pytest.mark.django_db

DATES = "/api/ocr/riscontri2/dates"
EXTRACTION = "/api/ocr/riscontri2/extraction"
RISCONTRI = "/api/ocr/riscontri2/riscontri"
EVENING = "2025-12-07T22:00:00Z"
NO_WINS = {"estratti": 0, "ambi": 0, "terni": 0, "quaterne": 0, "cinquine": 0}


class OldDatabase:
    """A file with the documented tables."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, statement: str, *rows: tuple[Any, ...]) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.executemany(statement.replace("%s", "?"), rows)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[OldDatabase]:
    """The old database, empty."""
    path = tmp_path / "old # 100%?.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA.replace(" NOT NULL", ""))
    with (
        time_machine.travel(EVENING, tick=False),
        legacy_at(in_file(path, timeout_s=0.2)),
    ):
        yield OldDatabase(path)


@pytest.fixture
def drawn(old: OldDatabase) -> OldDatabase:
    """The old database with twenty draws."""
    old.add(ADD_DRAW, *DRAWS)
    return old


def test_dates_are_the_documented_json(api: Any, drawn: OldDatabase) -> None:
    assert api.get(f"{DATES}?limit=2").json() == {
        "status": "ok",
        "dates": [
            {"raw": "20251207", "formatted": "2025-12-07", "display": "07/12/2025"},
            {"raw": "20251206", "formatted": "2025-12-06", "display": "06/12/2025"},
        ],
        "count": 2,
        "timestamp": "2025-12-07T22:00:00Z",
    }


def test_default_is_ten_dates(api: Any, drawn: OldDatabase) -> None:
    assert api.get(DATES).json()["count"] == 10
    assert api.get(f"{DATES}?limit=1000").json()["count"] == 20


def test_extraction_is_the_documented_json(api: Any, drawn: OldDatabase) -> None:
    assert api.get(EXTRACTION).json() == {
        "status": "ok",
        "date": {"raw": "20251207", "formatted": "2025-12-07", "display": "07/12/2025"},
        "extraction": {
            "BA": {"name": "BARI", "numbers": list(BARI)},
            "CA": {"name": "CAGLIARI", "numbers": list(CAGLIARI)},
            "RN": {"name": "NAZIONALE", "numbers": [12, 45, 1, 2, 3]},
        },
        "wheel_count": 3,
        "timestamp": "2025-12-07T22:00:00Z",
    }


def test_riscontri_are_the_documented_json(api: Any, drawn: OldDatabase) -> None:
    drawn.add(
        ADD_PREDICTION,
        ("20251206", "TUTTE", "45.4.12", "perché sì"),
        ("20251207", "Bari, Roma", "12", None),
    )
    response = api.get(RISCONTRI).json()
    assert list(response) == [
        "status", "date", "extraction", "predictions", "stats", "stats_last3", "unreadable",
        "unreadable_rows", "timestamp",
    ]  # fmt: skip
    assert response["extraction"] == api.get(EXTRACTION).json()["extraction"]
    assert response["predictions"] == [
        {
            "id": 2,
            "date": "2025-12-07",
            "colpo": 1,
            "wheels": ["BA", "RM"],
            "tutte": False,
            "numbers": [12],
            "note": "",
            "hits": 1,
            "hits_by_wheel": {"BA": [12]},
            "missing": ["RM"],
            "outcome": "estratto",
        },
        {
            "id": 1,
            "date": "2025-12-06",
            "colpo": 2,
            "wheels": ["BA", "CA", "FI", "GE", "MI", "NA", "PA", "RM", "TO", "VE"],
            "tutte": True,
            "numbers": [45, 4, 12],
            "note": "perché sì",
            "hits": 2,
            "hits_by_wheel": {"BA": [45, 12], "CA": [4]},
            "missing": ["FI", "GE", "MI", "NA", "PA", "RM", "TO", "VE"],
            "outcome": "ambo",
        },
    ]
    both = {"total": 2, **NO_WINS, "estratti": 1, "ambi": 1}
    assert (response["stats"], response["stats_last3"]) == (both, both)
    assert response["unreadable"] == 0


def test_predictions_of_the_last_fifteen_draws_are_followed(api: Any, drawn: OldDatabase) -> None:
    drawn.add(
        ADD_PREDICTION, *((day, "BA", "12", None) for day in dict.fromkeys(d for d, *_ in DRAWS))
    )
    response = api.get(RISCONTRI).json()
    assert [each["colpo"] for each in response["predictions"]] == list(range(1, 16))
    assert response["stats"]["total"] == response["stats"]["estratti"] == 15
    assert response["stats_last3"] == {"total": 3, **NO_WINS, "estratti": 3}
    response = api.get(f"{RISCONTRI}?by_dates=2").json()
    assert [each["date"] for each in response["predictions"]] == ["2025-12-07", "2025-12-06"]


def test_a_prediction_for_a_draw_to_come_is_not_compared(api: Any, drawn: OldDatabase) -> None:
    drawn.add(ADD_PREDICTION, ("20251209", "BA", "12", None))
    assert api.get(RISCONTRI).json()["stats"]["total"] == 0


def test_rows_that_are_no_prediction_are_counted(api: Any, drawn: OldDatabase) -> None:
    drawn.add(
        ADD_PREDICTION,
        ("20251207", "BA", "12", None),
        ("20251207", None, "12", None),
        ("20251207", "BA", None, None),
        ("20251207", "Forlì", "12", None),
        ("20251207", "BA", "12, 91", None),
        ("202512 1", "BA", "12", None),  # sorts among the days
        (None, "BA", "12", None),
    )
    response = api.get(RISCONTRI).json()
    assert (response["stats"]["total"], response["unreadable"]) == (1, 5)
    reasons = [row["reason"] for row in response["unreadable_rows"]]
    assert len(reasons) == 5
    assert "A prediction has wheels." in reasons
    assert "A number is from 1 to 90." in reasons
    assert "'202512 1' is not a day of a draw as YYYYMMDD." in reasons


def test_cells_of_another_type_are_read_or_counted(api: Any, drawn: OldDatabase) -> None:
    drawn.add(
        ADD_PREDICTION,
        ("20251207", "BA", 45, 5),
        ("20251207", b"BA", b"45", b"perch\xe9"),
        ("20251207", b"\xff", "45", None),
        ("20251207", "BA", 4.5, None),
    )
    response = api.get(RISCONTRI).json()
    assert sorted(each["note"] for each in response["predictions"]) == ["", "5", "perch\\xe9"]
    assert response["unreadable"] == 1


def test_days_and_wheels_that_cannot_be_right_are_passed_over(api: Any, old: OldDatabase) -> None:
    old.add(
        ADD_DRAW,
        *((day, "BA", *BARI) for day in ("99999999", "20251208", "20251131", "2025", "", "oggi",
                                        "00000000", "2025-1-1", None)),
        ("20251206", "BA", 0, 0, 0, 0, 0),
        ("20251206", "CA", None, None, None, None, None),
        ("20251205", "BA", 1, 2, 3, 4, 4),
        ("20251204", "BA", 1, 2, 3, 4, 91),
        ("20251203", "BA", *BARI),
        ("20251203", "CA", 1, 2, 3, 4, None),
        ("20251203", "Forlì", *BARI),
        ("20251203", None, *BARI),
        ("20251203", "Roma", 1, 2, 3, 4, 5),
        ("20251203", "RM", 1, 2, 3, 4, 6),  # which is right?
        ("20251203", "Milano", 1, 2, 3, 4, 5),
        ("20251203", "mi", 1, 2, 3, 4, 5),
        ("20251130", "BA", *BARI),
    )  # fmt: skip
    assert [day["raw"] for day in api.get(DATES).json()["dates"]] == ["20251203", "20251130"]
    assert list(api.get(EXTRACTION).json()["extraction"]) == ["BA", "MI"]


def test_an_empty_database_has_no_dates_and_no_draw(api: Any, old: OldDatabase) -> None:
    response = api.get(DATES)
    assert (response.status_code, response.json()["dates"], response.json()["count"]) == (
        200,
        [],
        0,
    )
    for address in (EXTRACTION, RISCONTRI):
        response = api.get(address)
        assert (response.status_code, response.json()) == (
            404,
            {"detail": "The legacy database has no draw."},
        )


@pytest.mark.parametrize(
    ("address", "name", "maximum"), [(DATES, "limit", 1000), (RISCONTRI, "by_dates", 100)]
)
def test_counts_are_bounded(
    api: Any, drawn: OldDatabase, address: str, name: str, maximum: int
) -> None:
    assert api.get(f"{address}?{name}={maximum}").status_code == 200
    for wrong in (0, -1, maximum + 1, "x", "1.5", "", "٣", 10**30):
        response = api.get(f"{address}?{name}={wrong}")
        assert response.status_code == 400, wrong
        assert list(response.json()["errors"]) == [name]


def test_more_predictions_than_fit_are_refused_not_cut(
    api: Any, drawn: OldDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "MAX_PREDICTIONS", 3)
    drawn.add(ADD_PREDICTION, *[("20251207", "BA", "12", None)] * 3)
    assert api.get(RISCONTRI).json()["stats"]["total"] == 3
    drawn.add(ADD_PREDICTION, ("20251207", "BA", "12", None))
    response = api.get(RISCONTRI)
    assert response.status_code == 400
    assert "ask for fewer dates" in response.json()["errors"]["by_dates"][0]


@pytest.mark.parametrize("address", [DATES, EXTRACTION, RISCONTRI])
def test_missing_legacy_database_is_a_503(api: Any, address: str) -> None:
    with legacy_at(NOWHERE):
        response = api.get(address)
    assert (response.status_code, response.json()) == (
        503,
        {"detail": "The legacy database is not configured."},
    )
    assert "Retry-After" not in response


def test_wrong_query_is_a_400_even_without_a_legacy_database(api: Any) -> None:
    with legacy_at(NOWHERE):
        assert api.get(f"{DATES}?limit=0").status_code == 400
        assert api.get(f"{RISCONTRI}?by_dates=0").status_code == 400


def test_every_query_closes_its_connection(api: Any, drawn: OldDatabase) -> None:
    for address in (DATES, EXTRACTION, RISCONTRI, f"{DATES}?limit=0"):
        api.get(address)
        assert connections["legacy"].connection is None, address


def test_the_file_is_opened_for_reading_only(drawn: OldDatabase) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        LegacyPrediction.objects.using("legacy").bulk_create([LegacyPrediction(day="20251207")])


@pytest.mark.parametrize(
    "write",
    [
        lambda: LegacyPrediction(day="20251207").save(),
        lambda: LegacyPrediction.objects.create(day="20251207"),
        lambda: LegacyExtraction.objects.update(n1=1),
        lambda: LegacyExtraction.objects.all().delete(),
    ],
)
def test_the_router_refuses_writes(drawn: OldDatabase, write: Any) -> None:
    with pytest.raises(NotSupportedError, match="only read"):
        write()


def test_outage_is_logged_once_and_pauses_queries(
    api: Any, tmp_path: Path, drawn: OldDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "core.lib.outage")
    moved = drawn.path.rename(tmp_path / "away")
    response = api.get(EXTRACTION)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json() == {"detail": "The legacy database does not answer. Try again."}
    moved.rename(drawn.path)
    response = api.get(EXTRACTION)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    selectors._unavailable._until -= 5  # which pass
    assert api.get(EXTRACTION).status_code == 200
    assert api.get(DATES).status_code == 200
    ours = "core.lib.outage"
    logged = [record.getMessage().split()[0] for record in caplog.records if record.name == ours]
    assert logged == ["legacy.lost", "legacy.recovered"]


def test_what_is_not_as_documented_is_a_502(api: Any, drawn: OldDatabase) -> None:
    with patch.object(selectors, "_days", side_effect=DatabaseError("no such column")):
        response = api.get(DATES)
    assert (response.status_code, response.json()) == (
        502,
        {"detail": "The legacy database is not as documented."},
    )
    assert api.get(DATES).status_code == 200  # it is queried again at once


def test_only_two_queries_run_at_a_time(drawn: OldDatabase) -> None:
    running, enough = threading.Barrier(selectors.MAX_CONCURRENT + 1), threading.Event()

    def slow(limit: int) -> list[date]:
        running.wait(5)
        enough.wait(5)
        return []

    with patch.object(selectors, "_days", slow):
        threads = [
            threading.Thread(target=selectors.days, args=(1,))
            for _ in range(selectors.MAX_CONCURRENT)
        ]
        for thread in threads:
            thread.start()
        running.wait(5)
        with pytest.raises(UpstreamError, match="Others are asking") as refused:
            selectors.days(1)
        began = time.monotonic()
        for _ in range(20):  # at once, now that the two have run for so long
            with pytest.raises(UpstreamError, match="Others are asking"):
                selectors.days(1)
        assert time.monotonic() - began < 20 * selectors.MAX_WAIT_S / 4
        enough.set()
        for thread in threads:
            thread.join(5)
    assert refused.value.retry_after_s == selectors.RETRY_S
    assert selectors.days(1) == [date(2025, 12, 7)]


def test_the_sandboxs_file_is_read_whole(api: Any, old: OldDatabase) -> None:
    fill(old.path, date(2025, 12, 7))
    response = api.get(RISCONTRI).json()
    assert api.get(EXTRACTION).json()["wheel_count"] == 11
    assert response["stats"]["total"] == len(response["predictions"]) >= 15 * 4
    assert response["stats"]["estratti"] > 0
    assert response["unreadable"] == 0
    assert {each["tutte"] for each in response["predictions"]} == {True, False}


_texts = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_days = st.sampled_from(["20251207", "20251206", "20251131", "99999999", "2025"]) | _texts
_wheels = st.sampled_from(["BA", "bari", "TUTTE", "NZ", "Roma, TO"]) | _texts
_numbers = st.sampled_from(["12", "12, 45", "1.2.3", "91"]) | _texts
_cells = st.none() | st.integers(-1, 92)


@given(
    st.lists(st.tuples(_days, _wheels, *[_cells] * 5), max_size=8, unique_by=lambda row: row[:2]),
    st.lists(st.tuples(_days, _wheels, _numbers, _texts), max_size=8),
)
@hypothesis.settings(max_examples=30)
def test_result_is_sound_whatever_is_in_the_tables(
    old: OldDatabase, extractions: list[tuple[Any, ...]], predictions: list[tuple[Any, ...]]
) -> None:
    old.add("DELETE FROM extractions", ())
    old.add("DELETE FROM predictions", ())
    old.add(ADD_DRAW, ("20251203", "BA", *BARI), *extractions)
    old.add(ADD_PREDICTION, *predictions)
    days = selectors.days(100)
    found = selectors.followed(100)
    assert found.draw.day == max(days)
    assert days == sorted(set(days), reverse=True)
    for numbers in found.draw.wheels.values():
        assert len({*numbers}) == 5
        assert {*numbers} <= set(range(1, 91))
    assert len(found.riscontri) + len(found.unreadable) <= len(predictions)
    for each in found.riscontri:
        assert min(days) <= each.prediction.day <= max(days)
        assert 1 <= each.colpo <= len(days)
