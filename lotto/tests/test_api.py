"""`/api/lotto/*`, to the letter of the reference."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from lotto import ingest
from lotto.models import Extraction
from lotto.tests.conftest import SLICE
from lotto.types import WHEELS, Source

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
NOW = datetime(2026, 6, 9, 10, 0, 0, 123, tzinfo=UTC)
AT = "2026-06-09T10:00:00Z"
NUMBERS = [12, 45, 67, 23, 89]
LATEST = {
    "BA": [87, 61, 14, 25, 38], "CA": [72, 1, 87, 13, 26], "FI": [34, 60, 5, 42, 54],
    "GE": [62, 5, 18, 69, 73], "MI": [14, 54, 29, 81, 83], "NA": [71, 76, 89, 19, 25],
    "PA": [33, 15, 48, 26, 65], "RM": [67, 47, 2, 86, 42], "RN": [77, 72, 73, 56, 83],
    "TO": [78, 87, 66, 10, 52], "VE": [84, 23, 40, 15, 24],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def full() -> list[bytes]:
    lines = SLICE.read_bytes().splitlines()
    ingest.store_lines(lines, source=Source.SYNC)
    return lines


def test_stats(api: Any, full: list[bytes]) -> None:
    response = api.get("/api/lotto/stats").json()
    assert response["total_records"] == len(full)
    assert response["unique_dates"] == len({line[:10] for line in full})
    assert (response["first_date"], response["last_date"]) == ("1939/01/07", "2026/05/30")
    assert sum(response["by_wheel"].values()) == len(full)


def test_an_empty_archive_has_no_days(api: Any) -> None:
    assert api.get("/api/lotto/stats").json() == {
        "total_records": 0, "unique_dates": 0, "first_date": None, "last_date": None,
        "by_wheel": {},
    }  # fmt: skip
    assert api.get("/api/lotto/latest").json() == {"dates": []}


def test_latest(api: Any, full: list[bytes]) -> None:
    dates = api.get("/api/lotto/latest").json()["dates"]
    assert len(dates) == 10
    assert dates[0].pop("dieci_e_lotto")["provisional"] is False
    assert dates[0] == {"date": "2026/05/30", "wheels": LATEST}
    assert list(dates[0]["wheels"]) == sorted(LATEST)
    assert len(api.get("/api/lotto/latest?limit=3").json()["dates"]) == 3


@pytest.mark.parametrize("day", ["2026/05/30", "2026-05-30"])
def test_a_day_and_a_wheel(api: Any, full: list[bytes], day: str) -> None:
    found = api.get(f"/api/lotto/date/{day}").json()
    evening = found.pop("dieci_e_lotto")
    assert found == {
        "success": True, "date": "2026/05/30", "wheels": LATEST, "timestamp": AT,
    }  # fmt: skip
    assert evening.keys() == {"numbers", "oro", "doppio_oro", "extra", "gong", "provisional"}
    assert (evening["oro"], evening["doppio_oro"]) == (LATEST["BA"][0], LATEST["BA"][:2])
    assert evening["gong"] == LATEST["RN"][0]
    for wheel in ("BA", "ba", "BARI", "Bari"):
        assert api.get(f"/api/lotto/date/{day}/{wheel}").json() == {
            "success": True, "data": "2026/05/30", "ruota": "BA", "numeri": LATEST["BA"],
            "source": "sync", "verified": True, "timestamp": AT,
        }  # fmt: skip


def test_before_2009_there_is_no_10elotto(api: Any, full: list[bytes]) -> None:
    assert api.get("/api/lotto/date/1939/01/07").json()["dieci_e_lotto"] is None


def test_the_latest_draws_as_csv(api: Any, full: list[bytes]) -> None:
    response = api.get("/api/lotto/latest?limit=2&format=csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    head, first, *rest = b"".join(response.streaming_content).decode().splitlines()
    assert head == f"date,{','.join(WHEELS)},dieci_e_lotto,oro,doppio_oro,extra,gong,provisional"
    row = dict(zip(head.split(","), first.split(","), strict=True))
    assert (row["date"], row["BA"], row["provisional"]) == ("2026/05/30", "87 61 14 25 38", "False")
    assert (len(row["dieci_e_lotto"].split()), row["gong"]) == (20, str(LATEST["RN"][0]))
    assert len(rest) == 1


def test_a_range_page_by_page(api: Any, full: list[bytes]) -> None:
    address = "/api/lotto/range?from_date=2026/05/28&to_date=2026-05-30"
    response = api.get(address).json()
    assert (response["success"], response["count"], response["timestamp"]) == (True, 33, AT)
    assert response["results"][-1] == {
        "data": "2026/05/30", "ruota": "VE", "numeri": LATEST["VE"],
    }  # fmt: skip
    page = api.get(f"{address}&limit=5&offset=31").json()
    assert (page["count"], page["total"]) == (2, 33)
    assert page["results"] == response["results"][31:]
    only = api.get(f"{address}&ruota=Roma").json()
    assert {each["ruota"] for each in only["results"]} == {"RM"}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("date/2025/13/40", 400),
        ("date/2025-02-29", 400),
        ("date/yesterday", 400),
        ("date/2025/12", 400),
        ("date/2025/12/07/XX", 400),
        ("date/1900/01/01", 404),
        ("date/1900/01/01/BA", 404),
        ("latest?limit=0", 400),
        ("latest?limit=1001", 400),
        ("latest?limit=ten", 400),
        ("range", 400),
        ("range?from_date=2025/12/07", 400),
        ("range?from_date=2025/12/07&to_date=2025/12/06", 400),
        ("range?from_date=2025/12/07&to_date=soon", 400),
        ("range?from_date=2025/12/07&to_date=2025/12/08&ruota=XX", 400),
        ("range?from_date=2025/12/07&to_date=2025/12/08&limit=1001", 400),
        ("range?from_date=2025/12/07&to_date=2025/12/08&offset=-1", 400),
        ("export?filename=../x", 400),
        ("export?filename=.hidden", 400),
    ],
)
def test_an_invalid_address_is_an_error_with_a_reason(api: Any, address: str, status: int) -> None:
    response = api.get(f"/api/lotto/{address}")
    assert response.status_code == status
    assert response.json()["detail"]


def post(api: Any, what: str, body: Any) -> Any:
    return api.post(f"/api/lotto/{what}", body, format="json")


def test_save_once_conflict_and_overwrite(api: Any) -> None:
    body = {"data": "2025/12/06", "ruota": "BARI", "numeri": NUMBERS}
    first = post(api, "save", body).json()
    assert first == {
        "success": True, "data": "2025/12/06", "ruota": "BA", "numeri": NUMBERS,
        "created": True, "changed": False, "timestamp": AT,
    }  # fmt: skip
    assert post(api, "save", body).json()["created"] is False
    other = {**body, "numeri": [1, 2, 3, 4, 5], "source": "ocr"}
    refused = post(api, "save", other)
    assert refused.status_code == 409
    assert refused.json()["stored"] == {"BA": NUMBERS}
    assert post(api, "save", {**other, "overwrite": True}).json()["changed"] is True
    assert post(api, "save?overwrite=true", body).json()["changed"] is True
    assert Extraction.objects.get().source == "manual"


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": "2999/01/01"}, {"data": None}, {"data": 20251206}, {"data": "06/12/2025"},
        {"ruota": "XX"}, {"ruota": 1}, {"numeri": [1, 2, 3, 4]}, {"numeri": [1, 2, 3, 4, 4]},
        {"numeri": [0, 2, 3, 4, 5]}, {"numeri": [91, 2, 3, 4, 5]}, {"numeri": "1 2 3 4 5"},
        {"numeri": [True, 2, 3, 4, 5]}, {"numeri": [1.5, 2, 3, 4, 5]}, {"numeri": None},
        {"source": "guess"}, {"overwrite": "perhaps"},
    ],
)  # fmt: skip
def test_an_invalid_draw_is_not_saved(api: Any, wrong: dict[str, Any]) -> None:
    body = {"data": "2025/12/06", "ruota": "BA", "numeri": NUMBERS, **wrong}
    response = post(api, "save", body)
    assert response.status_code == 400
    assert response.json()["detail"]
    assert not Extraction.objects.exists()


def test_save_full_is_all_or_nothing(api: Any) -> None:
    wheels = {"BARI": NUMBERS, "ca": [1, 2, 3, 4, 5]}
    body = {"data": "2025-12-06", "wheels": wheels, "source": "ocr"}
    assert post(api, "save-full", body).json() == {
        "success": True, "data": "2025/12/06", "saved": 2, "total": 2, "errors": None,
        "results": {"BA": "created", "CA": "created"}, "timestamp": AT,
    }  # fmt: skip
    wrong = {**wheels, "FI": [1, 2, 3, 4], "XX": NUMBERS, "BA": NUMBERS}
    refused = post(api, "save-full", {**body, "data": "2025/12/05", "wheels": wrong})
    assert refused.status_code == 400
    assert set(refused.json()["errors"]["wheels"]) == {"FI", "XX", "BA"}
    clash = post(api, "save-full", {**body, "wheels": {"BA": [5, 4, 3, 2, 1], "MI": NUMBERS}})
    assert clash.status_code == 409
    assert Extraction.objects.count() == 2
    for nothing in ({}, None, [], {"BA": None}):  # type: ignore[var-annotated]
        assert post(api, "save-full", {**body, "wheels": nothing}).status_code == 400


def test_delete_a_wheel_and_a_day(api: Any, full: list[bytes]) -> None:
    assert api.delete("/api/lotto/date/2026/05/30/BARI").json() == {
        "success": True, "message": "Deleted 2026/05/30 BA", "timestamp": AT,
    }  # fmt: skip
    assert api.delete("/api/lotto/date/2026/05/30/BA").status_code == 404
    assert api.delete("/api/lotto/date/2026/05/30").json() == {
        "success": True, "deleted": 10, "message": "Deleted 10 extractions for 2026/05/30",
        "timestamp": AT,
    }  # fmt: skip
    assert api.delete("/api/lotto/date/2026/05/30").status_code == 404


def test_import_from_the_folder_and_by_upload(api: Any, folders: tuple[Path, Path]) -> None:
    (folders[0] / "storico.txt").write_bytes(SLICE.read_bytes() + b"rubbish\n")
    count = len(SLICE.read_bytes().splitlines())
    response = post(api, "import", {"file_path": "storico.txt"}).json()
    assert (response["success"], response["inserted"], response["skipped"]) == (True, count, 0)
    assert [error["line"] for error in response["errors"]] == [count + 1]
    upload = SimpleUploadedFile("storico.txt", SLICE.read_bytes())
    response = api.post("/api/lotto/import", {"file": upload}, format="multipart").json()
    assert (response["inserted"], response["skipped"], response["errors"]) == (0, count, [])


@pytest.mark.parametrize(
    ("path", "status"), [("/etc/passwd", 403), ("../x", 403), ("none", 400), ("", 400), (7, 400)]
)
def test_import_of_anything_else_is_refused(
    api: Any, folders: tuple[Path, Path], path: Any, status: int
) -> None:
    response = post(api, "import", {"file_path": path})
    assert response.status_code == status
    assert response.json()["detail"]


def test_export_and_download_are_the_operators_file(
    api: Any, full: list[bytes], folders: tuple[Path, Path]
) -> None:
    response = api.get("/api/lotto/export").json()
    assert (response["exported"], response["timestamp"]) == (len(full), AT)
    assert Path(response["file_path"]) == folders[1] / "lotto_export.tsv"
    assert Path(response["file_path"]).read_bytes() == SLICE.read_bytes()
    stream = api.get("/api/lotto/export?download=1&filename=storico.txt")
    assert stream.getvalue() == SLICE.read_bytes()
    assert 'filename="storico.txt"' in stream["Content-Disposition"]
