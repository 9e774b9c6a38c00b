"""Tables in text files: what one program writes, and what another makes of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from core.api.csv_responses import csv_lines
from core.lib.spreadsheets import original, safe_cell
from core.lib.table_files import MAX_LINES, BadLine, Table, lines_of, spelling
from core.lib.texts import plain

COLUMNS = {spelling(name): name for name in ("number", "note")}


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override(None):
        yield


def read(content: str | bytes) -> list[Any]:
    """Line and cells, or line and reason."""
    raw = content.encode() if isinstance(content, str) else content
    table = Table(lines_of(io.BytesIO(raw)), columns=COLUMNS, required={"number"})
    return [
        (line, str(row) if isinstance(row, BadLine) else row.cells) for line, row in table.rows()
    ]


def test_a_cell_may_hold_line_breaks() -> None:
    assert read('number,note\n1,"a\nb\r\nc"\n2,d\n') == [
        (2, {"number": "1", "note": "a\nb\r\nc"}),
        (5, {"number": "2", "note": "d"}),
    ]


@pytest.mark.parametrize("others", [1, MAX_LINES, 3 * MAX_LINES])
def test_a_quote_that_never_ends_costs_its_line_alone(others: int) -> None:
    good = "".join(f"{n},x\n" for n in range(others))
    found = read(f'number,note\n1,"a\n{good}')
    assert found[0] == (2, "not CSV: unexpected end of data")
    assert [cells["number"] for _, cells in found[1:]] == [str(n) for n in range(others)]


def test_two_open_quotes_cost_their_two_lines() -> None:
    found = read('number,note\n1,"a\n2,b\n3,"c\n4,d\n')
    assert [line for line, row in found if isinstance(row, str)] == [2, 4]
    assert [row["number"] for _, row in found if not isinstance(row, str)] == ["2", "4"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_is_left_before_its_end_stays_open(encoding: str) -> None:
    file = io.BytesIO("number\n1\n2\n".encode(encoding))
    lines = lines_of(file)
    assert next(lines) == b"number\n"
    lines.close()
    assert not file.closed
    file.seek(0)
    lines = lines_of(file)
    next(lines)
    file.close()
    lines.close()


def test_empty_cells_beyond_the_header_are_nothing() -> None:
    assert read("number;note\n1;a;;\n2;b;;c\n") == [
        (2, {"number": "1", "note": "a"}),
        (3, "4 columns where the header has 2"),
    ]


@given(st.text())
def test_a_safe_cell_is_read_as_what_it_was(text: str) -> None:
    assert original(safe_cell(text)) == plain(text)


# As a note or a name may be: in one line or several, begun like a formula, full of separators.
TEXTS = st.lists(
    st.sampled_from(
        ["=", "+39", "-", "@", "'", '"', ",", ";", "\t", "\n", "è", "€", "a", " ", "1"]
    ),
    min_size=1,
    max_size=8,
).map("".join)


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_every_csv_that_we_write_is_read_back(notes: list[str]) -> None:
    written = "".join(csv_lines(["number", "note"], [{"number": "1", "note": n} for n in notes]))
    found = [cells.get("note", "") for _, cells in read(written)]
    assert found == [note.strip() for note in notes]
