from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.utils import translation

from core.lib.table_files import MAX_LINE_BYTES, BadLine, UnreadableFile
from webcom.call_files import payloads

HEADER = "id,state,timestamp,caller,callerOperator,cost\n"
ROW = "a,Ok,1763204400,3478893084,TIM,0.15\n"
CALL = {
    "id": "a",
    "state": "Ok",
    "timestamp": 1763204400,
    "caller": "3478893084",
    "callerOperator": "TIM",
    "cost": "0.15",
}


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override(None):
        yield


def read(content: bytes | str, *, is_csv: bool = True) -> list[Any]:
    """The payloads; of a rejected one its line and the reason."""
    raw = content.encode() if isinstance(content, str) else content
    file = io.BufferedReader(io.BytesIO(raw))
    return [
        f"{number}: {payload}" if isinstance(payload, BadLine) else payload
        for number, payload in payloads(file, is_csv=is_csv)
    ]


def row(**cells: str) -> Any:
    """The one row with some cells changed, separated by semicolons, as it is read."""
    changed = {name: str(value) for name, value in CALL.items()} | cells
    [payload] = read(f"{';'.join(changed)}\n{';'.join(changed.values())}\n")
    return payload


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
def test_every_usual_table_is_read(separator: str, encoding: str, newline: str) -> None:
    text = (HEADER + ROW.replace("TIM", "perché") + ROW).replace(",", separator)
    content = text.replace("\n", newline).encode(encoding)
    assert read(content) == [{**CALL, "callerOperator": "perché"}, CALL]


@pytest.mark.parametrize(
    "header",
    [
        HEADER.upper(),
        HEADER.replace(",", " , "),
        "".join(f'"{name}",' for name in HEADER.strip().split(","))[:-1] + "\n",
        "id,state,started_at,caller,caller_operator,cost\n",
        "ID,State,Timestamp,Caller,Caller Operator,Cost\n",
        "sep=,\n" + HEADER,
        "sep=,\r\n" + HEADER,
    ],
)
def test_a_header_is_read_in_any_spelling(header: str) -> None:
    assert read(header + ROW) == [CALL]


def test_the_separator_that_a_file_names_is_used() -> None:
    assert read("sep=^\n" + (HEADER + ROW).replace(",", "^")) == [CALL]


def test_lines_without_content_and_repeated_headers_are_skipped() -> None:
    assert read(HEADER + "\n,,,,,\n" + ROW + HEADER + ROW) == [CALL, CALL]


@pytest.mark.parametrize("name", ["caller", "Caller", "CALLER "])
def test_a_column_named_twice_is_refused(name: str) -> None:
    with pytest.raises(UnreadableFile, match="caller twice"):
        read(f"{HEADER.strip()},{name}\n")


@pytest.mark.parametrize("is_csv", [True, False])
def test_an_archive_is_refused(is_csv: bool) -> None:
    with pytest.raises(UnreadableFile, match="save it as CSV"):
        read(b"PK\x03\x04....", is_csv=is_csv)


def test_a_cell_of_two_lines_is_read_as_one() -> None:
    assert row(callerOperator='"TIM\r\nMobile"')["callerOperator"] == "TIM Mobile"


def test_a_line_of_another_encoding_than_the_file_is_rejected() -> None:
    rows = [ROW.replace("TIM", "perché").encode(text) for text in ("utf-8", "cp1252")]
    accepted, rejected = read(HEADER.encode() + b"".join(rows))
    assert accepted["callerOperator"] == "perché"
    assert rejected.startswith("3: not UTF-8")


def test_a_line_in_no_encoding_is_rejected() -> None:
    line = ROW.encode().replace(b"TIM", b"\x81")
    assert read(HEADER.encode() + line + ROW.encode()) == [
        "2: neither UTF-8 nor Windows-1252",
        CALL,
    ]


@pytest.mark.parametrize(
    "number",
    ["3478893084.0", "3.47889E+09", "3,47889E+09", "3E+09", "'3478893084", '="3478893084"'],
)
@pytest.mark.parametrize("column", ["caller", "called", "lineNumber"])
def test_a_number_that_a_spreadsheet_has_changed_is_rejected(column: str, number: str) -> None:
    quoted = '"' + number.replace('"', '""') + '"'
    assert row(**{column: quoted}).startswith("2: A spreadsheet has changed this number")


@pytest.mark.parametrize("number", ["3478893084", "+393478893084", "anonymous", "0649911"])
def test_other_numbers_stay_as_they_are(number: str) -> None:
    assert row(caller=number)["caller"] == number


@pytest.mark.parametrize(
    ("cell", "cost"),
    [
        ("0,4767", "0.4767"),
        ("1.234,56", "1234.56"),
        ("-0,07", "-0.07"),
        ("0.4767", "0.4767"),
        (" 7 ", "7"),
        ("1e2", "1e2"),
    ],
)
def test_an_amount_is_read_with_a_point_or_a_comma(cell: str, cost: str) -> None:
    assert row(cost=cell)["cost"] == cost


@pytest.mark.parametrize("cell", ["€ 0.10", "nan", "0x10", "1_000", "1.23.4,5", "1,2,3", "\u0661"])
def test_what_is_no_amount_is_rejected(cell: str) -> None:
    assert row(cost=cell).startswith("2: Expected an amount")


@pytest.mark.parametrize(
    "cell",
    [
        "1763204400",
        "15/11/2025 12:00:00",
        "15/11/2025 12:00",
        "15-11-2025 12.00.00",
        "15.11.2025 12:00:00",
        "2025-11-15 12:00:00",
        "2025-11-15T12:00:00+01:00",
        "2025-11-15T11:00:00Z",
        "2025-11-15T11:00:00.000Z",
    ],
)
def test_a_time_is_read_as_a_number_an_iso_or_an_italian_date(cell: str) -> None:
    assert row(timestamp=cell)["timestamp"] == 1763204400


@pytest.mark.parametrize(
    "cell", ["15/11/2025", "2025-11-15", "11/15/2025 12:00", "12:00", "1763204400.0", "1,7E+09"]
)
def test_what_is_no_time_is_rejected(cell: str) -> None:
    assert row(timestamp=cell).startswith("2: Expected epoch seconds or a date with its time")


@pytest.mark.parametrize("state", ["ok", "OK ", " Ok"])
def test_a_known_state_is_read_in_any_case(state: str) -> None:
    assert row(state=state)["state"] == "Ok"


@pytest.mark.parametrize(
    "document",
    [
        orjson.dumps([CALL, CALL]),
        orjson.dumps([CALL, CALL], option=orjson.OPT_INDENT_2),
        orjson.dumps({"calls": [CALL, CALL]}),
        orjson.dumps({"next": None, "calls": [CALL, CALL]}, option=orjson.OPT_INDENT_2),
        b"\xef\xbb\xbf\n" + orjson.dumps([CALL, CALL]),
        orjson.dumps([CALL, CALL]).decode().encode("utf-16"),
    ],
)
def test_an_array_of_calls_is_read(document: bytes) -> None:
    assert read(document, is_csv=False) == [CALL, CALL]


def test_lines_of_which_the_first_only_looks_like_an_array_are_lines() -> None:
    content = b"[\n" + orjson.dumps(CALL) + b"\n"
    bad, call = read(content, is_csv=False)
    assert bad.startswith("1: not JSON")
    assert call == CALL


def test_a_very_large_array_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webcom.call_files.MAX_DOCUMENT_BYTES", 100)
    with pytest.raises(UnreadableFile, match="one call a line"):
        read(orjson.dumps([CALL, CALL]), is_csv=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_line_without_end_harms_no_other(encoding: str) -> None:
    long = "x" * (3 * MAX_LINE_BYTES)
    bad, call = read(f"{HEADER}{long}\n{ROW}".encode(encoding))
    assert bad.startswith("2: ")
    assert call == CALL


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("end", ["", "]"], ids=["lines", "array"])
def test_json_in_the_encoding_of_windows_is_recognised(encoding: str, end: str) -> None:
    text = '{"callerOperator": "perché"}'
    content = f"[{text}]" if end else f"{text}\n"
    assert read(content.encode(encoding), is_csv=False) == [{"callerOperator": "perché"}]
