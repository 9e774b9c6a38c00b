"""Files of calls as programs and spreadsheets write them, read line by line in flat memory.

Pure: no database, no clock. JSON Lines, a JSON array or `{"calls": [...]}`, CSV with any usual
separator; UTF-8, UTF-16 or Windows-1252.
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO, Any, Final

import msgspec
import orjson

from core.lib.days import zone
from core.lib.numbers import is_changed
from webcom.types import STAGES, CallRecord, RecordError

MAX_LINE_BYTES: Final = 65_536
MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024  # of an array, which is read as a whole
_SEPARATORS: Final = (",", ";", "\t", "|")
_REQUIRED: Final = frozenset({"id", "state", "timestamp"})
_DERIVED: Final = frozenset({"lineType", "extra"})  # written by our own exports, not read
_INTEGERS: Final = frozenset({"duration", "revision"})
_TIMES: Final = frozenset({"timestamp", "endedAt"})
_ARCHIVE: Final = b"PK\x03\x04"
_DOCUMENT: Final = re.compile(rb'\s*(\[|\{[^{}\[\]]*"calls"\s*:\s*\[)')
_SEP_LINE: Final = re.compile(r'"?sep=([^\w\s"]|\t)"?\s*\Z', re.I | re.A)
_NUMBERS: Final = ("lineNumber", "caller", "called")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+\Z", re.A)
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?(E[+-]?\d+)?\Z", re.I | re.A)
_ITALIAN_TIME: Final = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})[ T,]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\Z", re.A
)
_ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d", re.A)


class UnreadableFile(Exception):
    """The file cannot be imported; the message says why."""


class BrokenFile(UnreadableFile):
    """The file ends too early or is damaged; what came before is stored."""


class RejectedText(RecordError):
    """A line that is no record at all; `text` is the line."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason)
        self.text = text


def payloads(file: IO[bytes], *, is_csv: bool) -> Iterator[tuple[int, Any]]:
    """Line number (of an array: the place in it), and the payload or RecordError for a bad one.

    Lines without content are skipped. Raises UnreadableFile when there is nothing to read.
    """
    start: bytes = file.peek(MAX_LINE_BYTES)  # type: ignore[attr-defined]
    if start.startswith(_ARCHIVE):
        raise UnreadableFile("this is an archive or a workbook: unpack it, or save it as CSV")
    lines = _lines_of(file, start)
    if is_csv:
        yield from _Table(lines).rows()
    elif _DOCUMENT.match(_without_bom(start)):
        yield from _document(file)
    else:
        yield from _json_lines(lines)


def _without_bom(start: bytes) -> bytes:
    return start.removeprefix(BOM_UTF8)


def _lines_of(file: IO[bytes], start: bytes) -> Iterator[bytes]:
    """The file's lines as UTF-8, if they are not Windows-1252."""
    encoding = _wide_encoding(start)
    if encoding is None and b"\r" in start[:-1] and b"\n" not in start:
        encoding = "latin-1"  # an old Mac's lines; the bytes stay as they are
    if encoding is None:
        yield from _bounded(file.readline)
        return
    text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline=None)
    target = encoding if encoding == "latin-1" else "utf-8"
    try:
        yield from _bounded(lambda size: text.readline(size).encode(target, "surrogatepass"))
    finally:
        text.detach()  # else it would close the file


def _wide_encoding(start: bytes) -> str | None:
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16"
    if start[:1].isascii() and start[1:2] == b"\0" != start[:1]:
        return "utf-16-le"
    return "utf-16-be" if start[:1] == b"\0" and start[1:2].strip(b"\0") else None


def _bounded(readline: Callable[[int], bytes]) -> Iterator[bytes]:
    """The lines; of one too long only the start, which is then rejected."""
    while line := readline(MAX_LINE_BYTES):
        yield line.removeprefix(BOM_UTF8)
        while len(line) >= MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = readline(MAX_LINE_BYTES)


def _document(file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    content = _without_bom(file.read(MAX_DOCUMENT_BYTES + 1))
    if len(content) > MAX_DOCUMENT_BYTES:
        mib = MAX_DOCUMENT_BYTES >> 20
        raise UnreadableFile(f"an array is read up to {mib} MiB: write one call a line")
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:  # lines, of which the first only looks like an array
        yield from _json_lines(_bounded(io.BytesIO(content).readline))
        return
    calls = document.get("calls") if isinstance(document, dict) else document
    if not isinstance(calls, list):
        calls = [document]
    yield from enumerate(calls, 1)


def _json_lines(lines: Iterator[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            yield number, RejectedText(f"not JSON: {exc}", line.decode("utf-8", "replace"))


class _Table:
    """The lines of a CSV file; each is decoded and split alone, so that one harms no other."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = enumerate(lines, 1)
        self._is_utf8 = False  # for sure: a line has an accent in it

    def rows(self) -> Iterator[tuple[int, Any]]:
        separator, header = self._header()
        names = _names(header)
        for number, line in self._lines:
            try:
                text = self._decoded(line)
                cells = _cells(text, separator)
                if any(cells) and cells != header:  # files put together repeat the header
                    yield number, _payload(names, cells, text)
            except RecordError as exc:
                yield number, exc

    def _header(self) -> tuple[str, list[str]]:
        separators: tuple[str, ...] = _SEPARATORS
        try:
            text = self._decoded(next(self._lines, (0, b""))[1])
            if hint := _SEP_LINE.match(text):
                separators = (hint[1], *separators)
                text = self._decoded(next(self._lines, (0, b""))[1])
            for separator in separators:
                header = _cells(text, separator)
                if set(_names(header)) >= _REQUIRED:
                    return separator, header
        except RecordError:
            pass
        raise UnreadableFile(
            "the first line must name the columns, among them id, state and timestamp"
        )

    def _decoded(self, line: bytes) -> str:
        """As UTF-8, else as Windows-1252 unless the file has shown that it is UTF-8."""
        try:
            text = line.decode()
        except UnicodeDecodeError as exc:
            if self._is_utf8:
                raise RejectedText(f"not UTF-8, as the file is: {exc.reason}", repr(line)) from None
        else:
            self._is_utf8 |= not line.isascii()
            return text
        try:
            return line.decode("cp1252")
        except UnicodeDecodeError:
            raise RejectedText("neither UTF-8 nor Windows-1252", repr(line)) from None


def _cells(text: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader([text], delimiter=separator, strict=True), [])
    except csv.Error as exc:
        raise RejectedText(f"not CSV: {exc}", text) from None
    return [cell.strip() for cell in cells]


def _key(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()


# The contract's name of a column, by its own and by ours, in any spelling.
_KNOWN: Final = {
    _key(name): field.encode_name
    for field in msgspec.structs.fields(CallRecord)
    for name in (field.name, field.encode_name)
}
_STATES: Final = {state.casefold(): state for state in STAGES}


def _names(header: list[str]) -> list[str]:
    names = [_KNOWN.get(_key(name), name) for name in header]
    for name in names:
        if name in _KNOWN.values() and names.count(name) > 1:
            raise UnreadableFile(f"the first line names the column {name} twice")
    return names


def _payload(names: list[str], cells: list[str], text: str) -> dict[str, Any]:
    """The CSV row as a payload, without empty cells. Raises RecordError."""
    if len(cells) != len(names):
        raise RejectedText(f"{len(cells)} columns where the header has {len(names)}", text)
    row = zip(names, cells, strict=True)
    try:
        payload = {name: _value(name, cell) for name, cell in row if cell and name not in _DERIVED}
        check_numbers(payload)
        return payload
    except RecordError as exc:
        raise RejectedText(str(exc), text) from None


def check_numbers(payload: Any) -> None:
    """RecordError for a number that is another one since it went through a spreadsheet."""
    for name in _NUMBERS if isinstance(payload, dict) else ():
        number = payload.get(name)
        if isinstance(number, str) and is_changed(number):
            raise RecordError(f"A spreadsheet has changed this number: {number} - at `$.{name}`")


def _value(name: str, cell: str) -> Any:
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
        raise RecordError(f"Expected an amount, got {cell} - at `$.cost`")
    return cell


def _time(name: str, cell: str) -> int:
    """Epoch seconds from a number, an ISO or an Italian date; without a zone it is Rome's time."""
    if cell.isascii() and cell.isdigit():
        return int(cell)
    try:
        if found := _ITALIAN_TIME.match(cell):
            day, _, month, year, hour, minute, second = found.groups(default="0")
            at = datetime(*map(int, (year, month, day, hour, minute, second)))  # type: ignore[arg-type]  # noqa: DTZ001
        elif _ISO_TIME.match(cell):
            at = datetime.fromisoformat(cell)
        else:
            raise ValueError
    except ValueError:
        raise RecordError(
            f"Expected epoch seconds or a date with its time, got {cell} - at `$.{name}`"
        ) from None
    return int((at if at.tzinfo else at.replace(tzinfo=zone())).timestamp())
