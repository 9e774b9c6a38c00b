"""Random wrong input in every field: a clear 4xx or a success, never a row against the rules."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st

from lotto.models import Extraction
from lotto.tests.conftest import SLICE
from lotto.types import WHEELS

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
GOOD = {"data": "2025/12/06", "ruota": "BA", "numeri": [1, 2, 3, 4, 5], "source": "manual"}
FULL = {"data": "2025/12/06", "wheels": {"BA": [1, 2, 3, 4, 5]}, "source": "ocr"}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)
# Nearly valid input finds most mistakes.
NEARLY = {
    "data": st.from_regex(r"[0-9]{4}[/-][0-9]{1,2}[/-][0-9]{1,2}", fullmatch=True),
    "ruota": st.sampled_from(["ba", "Bari", " NZ ", "XX", "BARI2", "TUTTE", ""]),
    "numeri": st.lists(
        st.integers(-1, 92) | st.just("7") | st.floats(1, 90), min_size=4, max_size=6
    ),
    "wheels": st.dictionaries(
        st.sampled_from([*WHEELS, *WHEELS.values(), "XX"]),
        st.lists(st.integers(0, 91), min_size=4, max_size=6),
    ),
    "source": st.sampled_from(["manual", "OCR", "guess", ""]),
    "overwrite": st.sampled_from(["true", 1, True, None]),
}  # fmt: skip
quickly = settings(max_examples=60)


def check(response: Any) -> None:
    assert response.status_code in (200, 400, 404, 409), response.content
    if response.status_code != 200:
        assert response.json()["detail"]
    for row in Extraction.objects.all():
        assert len({*row.numbers}) == 5
        assert all(1 <= number <= 90 for number in row.numbers)
        assert row.wheel in WHEELS


@quickly
@given(data=st.data())
@pytest.mark.parametrize(("path", "good"), [("save", GOOD), ("save-full", FULL)])
def test_a_field_of_a_body(api: Any, path: str, good: dict[str, Any], data: st.DataObject) -> None:
    field = data.draw(st.sampled_from([*good, "overwrite"]))
    value = data.draw(JSON | NEARLY[field])
    check(api.post(f"/api/lotto/{path}", {**good, field: value}, format="json"))


@quickly
@given(body=JSON)
@pytest.mark.parametrize("path", ["save", "save-full", "import"])
def test_a_whole_body(api: Any, path: str, body: Any) -> None:
    check(api.post(f"/api/lotto/{path}", body, format="json"))


@quickly
@given(path=st.text(max_size=40))
def test_an_imports_path(api: Any, path: str) -> None:
    response = api.post("/api/lotto/import", {"file_path": path}, format="json")
    assert response.status_code in (400, 403), response.content
    assert response.json()["detail"]


QUERIES: dict[str, tuple[str, ...]] = {
    "latest": ("limit",),
    "range": ("from_date", "to_date", "ruota", "limit", "offset"),
    "export": ("filename", "download"),
    "stats/numbers": ("ruota", "from_date", "to_date"),
    "stats/pairs": ("ruota", "sort", "numero", "limit", "offset", "from_date"),
    "stats/delays": ("ruota", "limit", "to_date"),
    "search": ("numeri", "ruota", "sorte", "limit", "offset", "from_date", "to_date"),
}
SAID = st.one_of(
    st.text(max_size=12),
    st.integers().map(str),
    st.sampled_from(["1", "10", "5,12", "BA", "tutte", "delay", "ambo", "true", "0", "-1"]),
    st.dates().map(str),
    st.dates().map(lambda day: f"{day:%Y/%m/%d}"),
)


@quickly
@given(data=st.data())
@pytest.mark.parametrize("path", sorted(QUERIES))
def test_a_query(api: Any, path: str, data: st.DataObject, folders: Any) -> None:
    names = data.draw(st.lists(st.sampled_from(QUERIES[path]), unique=True))
    response = api.get(f"/api/lotto/{path}", {name: data.draw(SAID) for name in names})
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert response.json()["detail"]


@quickly
@given(day=SAID, wheel=SAID | st.sampled_from(["BA", "nazionale"]))
def test_an_address(api: Any, day: str, wheel: str) -> None:
    for method in (api.get, api.delete):
        check(method(f"/api/lotto/date/{day}/{wheel}".replace("?", "").replace("#", "")))


def wide(encoding: str) -> Callable[[], bytes]:
    return lambda: SLICE.read_bytes().decode().encode(encoding)


@pytest.mark.parametrize(
    "body",
    [wide("utf-32"), wide("cp037"), lambda: b"\x89PNG\r\n\x1a\n" + bytes(1_000)],
    ids=["utf-32", "ebcdic", "png"],
)
def test_a_file_in_a_wrong_encoding_is_rejected_line_by_line(
    api: Any, body: Callable[[], bytes]
) -> None:
    upload = SimpleUploadedFile("storico.txt", body())
    response = api.post("/api/lotto/import", {"file": upload}, format="multipart").json()
    assert (response["inserted"], response["skipped"]) == (0, 0)
    assert response["rejected"] == len(response["errors"]) > 0
    assert not Extraction.objects.exists()


def test_a_byte_order_mark_and_crlf_do_not_matter(api: Any) -> None:
    text = b"\xef\xbb\xbf" + SLICE.read_bytes().replace(b"\n", b"\r\n") + b"\x1a"
    upload = SimpleUploadedFile("storico.txt", io.BytesIO(text).read())
    response = api.post("/api/lotto/import", {"file": upload}, format="multipart").json()
    assert (response["inserted"], response["rejected"]) == (len(SLICE.read_bytes().splitlines()), 0)


def test_ten_thousand_bad_lines_do_not_stop_the_good_ones(api: Any) -> None:
    upload = SimpleUploadedFile("storico.txt", b"rubbish\n" * 10_000 + SLICE.read_bytes())
    response = api.post("/api/lotto/import", {"file": upload}, format="multipart").json()
    assert (response["rejected"], len(response["errors"])) == (10_000, 1_000)
    assert response["inserted"] == len(SLICE.read_bytes().splitlines())
