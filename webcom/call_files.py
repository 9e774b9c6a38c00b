"""Files of calls as programs and spreadsheets write them, read line by line in flat memory.

Pure: no database, no clock. JSON Lines, a JSON array or `{"calls": [...]}`; CSV as
`core.lib.table_files` reads it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

import msgspec
import orjson

from core.lib.numbers import is_changed
from core.lib.spreadsheets import time_of
from core.lib.table_files import (
    BadLine,
    Decoder,
    Row,
    Table,
    UnreadableFile,
    bounded,
    in_utf8,
    lines_of,
    spelling,
    start_of,
)
from core.lib.texts import one_line
from webcom.types import STAGES, CallRecord, RecordError

MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024  # of an array, which is read as a whole
_REQUIRED: Final = frozenset({"id", "state", "timestamp"})
_DERIVED: Final = frozenset({"lineType", "extra"})  # written by our own exports, not read
_INTEGERS: Final = frozenset({"duration", "revision"})
_TIMES: Final = frozenset({"timestamp", "endedAt"})
_NUMBERS: Final = frozenset({"lineNumber", "caller", "called"})
_DOCUMENT: Final = re.compile(rb'\s*(\[|\{[^{}\[\]]*"calls"\s*:\s*\[)')
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+\Z", re.A)
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?(E[+-]?\d+)?\Z", re.I | re.A)
# The contract's name of a column, by its own and by ours.
_COLUMNS: Final = {
    spelling(name): field.encode_name
    for field in msgspec.structs.fields(CallRecord)
    for name in (field.name, field.encode_name)
}
_STATES: Final = {state.casefold(): state for state in STAGES}


class BrokenFile(UnreadableFile):
    """The file ends too early or is damaged; what came before is stored."""


def payloads(file: IO[bytes], *, is_csv: bool) -> Iterator[tuple[int, Any]]:
    """Line number (of an array: the place in it), and the payload or BadLine for a bad one.

    Lines without content are skipped. Raises UnreadableFile when there is nothing to read.
    """
    start = start_of(file)
    lines = lines_of(file)
    if is_csv:
        for number, row in Table(lines, columns=_COLUMNS, required=_REQUIRED).rows():
            yield number, row if isinstance(row, BadLine) else _payload(row)
    elif _DOCUMENT.match(in_utf8(start)):
        yield from _document(file)
    else:
        yield from _json_lines(lines)


def _document(file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    content = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(content) > MAX_DOCUMENT_BYTES:
        mib = MAX_DOCUMENT_BYTES >> 20
        raise UnreadableFile(f"an array is read up to {mib} MiB: write one call a line")
    content = in_utf8(content)
    try:
        document = orjson.loads(Decoder().text(content))
    except (orjson.JSONDecodeError, BadLine):  # lines: the first only looks like an array
        yield from _json_lines(bounded(io.BytesIO(content).readline))
        return
    calls = document.get("calls") if isinstance(document, dict) else document
    if not isinstance(calls, list):
        calls = [document]
    yield from enumerate(calls, 1)


def _json_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    decoder = Decoder()
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            text = decoder.text(line)
            yield number, orjson.loads(text)
        except orjson.JSONDecodeError as exc:
            yield number, BadLine(f"not JSON: {exc}", text)
        except BadLine as exc:
            yield number, exc


def _payload(row: Row) -> dict[str, Any] | BadLine:
    """The CSV row as a payload."""
    cells = row.cells
    if row.text.count("\n") > 1:
        cells = {name: one_line(cell) for name, cell in cells.items()}
    try:
        payload = {n: _value(n, cell) for n, cell in cells.items() if n not in _DERIVED}
        check_numbers(payload)
    except ValueError as exc:
        return BadLine(str(exc), row.text)
    return payload


def check_numbers(payload: Any) -> None:
    """RecordError for a number that is another one since it went through a spreadsheet."""
    for name in _NUMBERS if isinstance(payload, dict) else ():
        number = payload.get(name)
        if isinstance(number, str) and is_changed(number):
            raise RecordError(f"A spreadsheet has changed this number: {number} - at `$.{name}`")


def _value(name: str, cell: str) -> Any:
    """The cell as the payload has it. Raises ValueError with the reason."""
    if name in _TIMES:
        return _time(name, cell)
    if name in _INTEGERS:
        return int(cell) if cell.isascii() and cell.isdigit() else cell
    if name == "cost":
        return _amount(cell)
    return _STATES.get(cell.casefold(), cell) if name == "state" else cell


def _amount(cell: str) -> str:
    """The amount with a decimal point; of two marks the last is the decimal one."""
    if _DECIMAL_COMMA.match(cell):
        cell = cell.replace(".", "").replace(",", ".")
    if not _NUMBER.match(cell):
        raise ValueError(f"Expected an amount, got {cell} - at `$.cost`")
    return cell


def _time(name: str, cell: str) -> int:
    """Epoch seconds from a number, an ISO or an Italian date; without a zone it is Rome's time."""
    if cell.isascii() and cell.isdigit():
        return int(cell)
    try:
        return int(time_of(cell).timestamp())
    except ValueError:
        raise ValueError(
            f"Expected epoch seconds or a date with its time, got {cell} - at `$.{name}`"
        ) from None
