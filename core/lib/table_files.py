"""Text files of rows as programs and spreadsheets write them, read line by line in flat memory.

Pure: no database, no clock. CSV with any usual separator, or the one that `sep=` names; UTF-8,
UTF-16 or Windows-1252; lines of Unix, Windows or an old Mac.
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import IO, Final, NamedTuple

from django.utils.translation import gettext as _

from core.lib.spreadsheets import original

MAX_LINE_BYTES: Final = 65_536
MAX_LINES: Final = 50  # of one row: a cell may hold line breaks
ARCHIVE: Final = b"PK\x03\x04"  # how a ZIP begins, and so a workbook
_SEPARATORS: Final = (",", ";", "\t", "|")
_SEP_LINE: Final = re.compile(r'"?sep=([^\w\s"]|\t)"?\s*\Z', re.I | re.A)


class UnreadableFile(Exception):
    """There is nothing in the file that could be read; the message says why."""


class BadLine(ValueError):
    """A line that is no row; the message is the reason, `text` the line."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason)
        self.text = text


class Row(NamedTuple):
    """The cells that are not empty, by column, and the line that they stand in."""

    cells: dict[str, str]
    text: str


def start_of(file: IO[bytes]) -> bytes:
    """The first bytes of a file that is at its start, and is so again afterwards."""
    start: bytes = file.read1(MAX_LINE_BYTES)  # type: ignore[attr-defined]  # what is there, of a broken file too
    file.seek(0)
    return start


def lines_of(file: IO[bytes]) -> Generator[bytes]:
    """The file's lines as UTF-8 without byte order mark, unless they are in Windows-1252.

    Of a line over MAX_LINE_BYTES only the start. Raises UnreadableFile for a workbook or archive.
    """
    start = start_of(file)
    if start.startswith(ARCHIVE):
        raise UnreadableFile(_("this is an archive or a workbook: unpack it, or save it as CSV"))
    encoding = _wide_encoding(start)
    if encoding is None and b"\r" in start[:-1] and b"\n" not in start:
        encoding = "latin-1"  # an old Mac's lines; the bytes stay as they are
    if encoding is None:
        yield from bounded(file.readline)
        return
    text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline=None)
    target = encoding if encoding == "latin-1" else "utf-8"
    try:
        yield from bounded(lambda size: text.readline(size).encode(target, "surrogatepass"))
    finally:
        if not text.closed:
            text.detach()  # else it would close the file


def in_utf8(content: bytes) -> bytes:
    """The content without byte order mark, in UTF-8 if it was in UTF-16; `content` may be cut."""
    encoding = _wide_encoding(content)
    text = content.decode(encoding, "ignore").encode("utf-8", "ignore") if encoding else content
    return text.removeprefix(BOM_UTF8)


def _wide_encoding(start: bytes) -> str | None:
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16"
    if start[:1].isascii() and start[1:2] == b"\0" != start[:1]:
        return "utf-16-le"
    return "utf-16-be" if start[:1] == b"\0" and start[1:2].strip(b"\0") else None


def bounded(readline: Callable[[int], bytes]) -> Iterator[bytes]:
    """The lines; of one too long only the start, which is no row then."""
    while line := readline(MAX_LINE_BYTES):
        yield line.removeprefix(BOM_UTF8)
        while len(line) >= MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = readline(MAX_LINE_BYTES)


def spelling(name: str) -> str:
    """A column's name without what people and programs write differently in it."""
    return re.sub(r"[\s_-]", "", name).casefold()


class Decoder:
    """Lines as text: each alone, so that one in another encoding harms no other."""

    def __init__(self) -> None:
        self._is_utf8 = False  # for sure: a line has an accent in it

    def text(self, line: bytes) -> str:
        """As UTF-8, else as Windows-1252 unless the file has shown that it is UTF-8.

        Raises BadLine.
        """
        try:
            text = line.decode()
        except UnicodeDecodeError as exc:
            if self._is_utf8:
                reason = _("not UTF-8, as the file is: %s") % exc.reason
                raise BadLine(reason, repr(line)) from None
        else:
            self._is_utf8 |= not line.isascii()
            return text
        try:
            return line.decode("cp1252")
        except UnicodeDecodeError:
            raise BadLine(_("neither UTF-8 nor Windows-1252"), repr(line)) from None


def separator_named(text: str) -> str:
    """The separator that a first line `sep=;` names; "" when the line is no such one."""
    found = _SEP_LINE.match(text)
    return found[1] if found else ""


class Table:
    """The rows of a CSV file; each is split alone, so that one harms no other."""

    def __init__(
        self, lines: Iterable[bytes], *, columns: Mapping[str, str], required: Collection[str]
    ) -> None:
        """`columns` has the names of known columns by their `spelling`, `required` some of them."""
        self._lines = iter(enumerate(lines, 1))
        self._ahead: list[tuple[int, bytes]] = []  # read, and not part of a row yet
        self._decoder = Decoder()
        self._columns = columns
        self._required = required

    def rows(self) -> Iterator[tuple[int, Row | BadLine]]:
        """Line number (from 1) and row; lines without content and repeated headers are skipped.

        Raises UnreadableFile when the first line does not name the required columns.
        """
        separator, header = self._header()
        names = self._names(header)
        while (following := self._next()) is not None:
            number, line = following
            try:
                text = self._decoder.text(line)
                cells, text = self._cells(text, separator, len(names))
                if any(cells) and cells != header:  # files put together repeat the header
                    yield number, _row(names, cells, text)
            except BadLine as exc:
                yield number, exc

    def _next(self) -> tuple[int, bytes] | None:
        return self._ahead.pop(0) if self._ahead else next(self._lines, None)

    def _header(self) -> tuple[str, list[str]]:
        separators: tuple[str, ...] = _SEPARATORS
        try:
            text = self._first()
            if named := separator_named(text):
                separators = (named, *separators)
                text = self._first()
            for separator in separators:
                header = _split([text], separator)
                if set(self._names(header)) >= set(self._required):
                    return separator, header
        except BadLine:
            pass
        raise UnreadableFile(
            _("the first line must name the columns, among them %s")
            % ", ".join(sorted(self._required))
        )

    def _first(self) -> str:
        following = self._next()
        return self._decoder.text(following[1]) if following else ""

    def _names(self, header: list[str]) -> list[str]:
        names = [self._columns.get(spelling(name), name) for name in header]
        for name in names:
            if name in self._columns.values() and names.count(name) > 1:
                raise UnreadableFile(_("the first line names the column %s twice") % name)
        return names

    def _cells(self, text: str, separator: str, width: int) -> tuple[list[str], str]:
        """The row that begins with this line, and its text. Raises BadLine."""
        try:
            return _split([text], separator), text
        except BadLine:
            lines = self._continued(text)
            with suppress(BadLine):
                if lines and len(cells := _split([text, *lines], separator)) == width:
                    del self._ahead[: len(lines)]
                    return cells, "".join([text, *lines])
            raise

    def _continued(self, text: str) -> list[str]:
        """The next lines, up to the one that ends a quotation begun in this one; else none."""
        lines: list[str] = []
        quotes, size = text.count('"'), len(text)
        with suppress(BadLine):
            while quotes % 2 and len(lines) < MAX_LINES and size < MAX_LINE_BYTES:
                if len(self._ahead) == len(lines):
                    if (following := next(self._lines, None)) is None:
                        return []
                    self._ahead.append(following)
                lines.append(self._decoder.text(self._ahead[len(lines)][1]))
                quotes, size = quotes + lines[-1].count('"'), size + len(lines[-1])
        return [] if quotes % 2 else lines


def _split(texts: list[str], separator: str) -> list[str]:
    try:
        cells = next(csv.reader(texts, delimiter=separator, strict=True), [])
    except csv.Error as exc:
        raise BadLine(_("not CSV: %s") % exc, "".join(texts)) from None
    return [original(cell).strip() if cell[:1] == "'" else cell.strip() for cell in cells]


def _row(names: list[str], cells: list[str], text: str) -> Row:
    if any(cells[len(names) :]) or len(cells) < len(names):
        reason = _("%(found)d columns where the header has %(expected)d")
        raise BadLine(reason % {"found": len(cells), "expected": len(names)}, text)
    return Row({name: cell for name, cell in zip(names, cells, strict=False) if cell}, text)
