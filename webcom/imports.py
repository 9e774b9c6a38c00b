"""Calls from a file: JSON Lines or CSV, plain or gzip; resumable, in flat memory."""

from __future__ import annotations

import csv
import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

import orjson
from django.db import transaction

from core.lib.batches import batched
from webcom import ingest, rollups
from webcom.ingest import Stored
from webcom.models import Cursor
from webcom.types import CallRecord, RecordError, parse_call

CHUNK_SIZE: Final = 5_000
_MAX_LINE_BYTES: Final = 65_536
_FINGERPRINT_BYTES: Final = 65_536  # of the file's start; with its size they identify a file
_INTEGERS: Final = frozenset({"timestamp", "endedAt", "duration", "revision"})


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A line that is not a call: its number in the file (from 1) and the reason."""

    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """Result of an import; `resumed_after` is the last line that an interrupted run had stored."""

    stored: Stored = field(default_factory=Stored)
    rejected: int = 0
    resumed_after: int = 0


class UnreadableFile(Exception):
    """The file cannot be imported; the message says why."""


def import_calls(
    path: Path,
    *,
    restart: bool = False,
    on_rejected: Callable[[RejectedRecord], None] = lambda rejected: None,
    on_progress: Callable[[int], None] = lambda position: None,
) -> ImportReport:
    """Store the calls of a file, batch by batch; bad lines are reported and skipped.

    Each batch is stored in one transaction with its place in the file: an interrupted run resumes
    there, unless `restart`. Importing a file again changes nothing. `on_progress` gets the position
    in the (compressed) file in bytes. Raises UnreadableFile.
    """
    bookmark = f"import:{_fingerprint(path)}"
    if restart:
        Cursor.objects.filter(feed=bookmark).delete()
    done = int(Cursor.objects.filter(feed=bookmark).values_list("value", flat=True).first() or 0)
    report = ImportReport(resumed_after=done)
    with _opened(path) as (lines, position):
        for batch in batched(
            ((n, payload) for n, payload in _payloads(path, lines) if n > done), CHUNK_SIZE
        ):
            records = list(_accepted(batch, report, on_rejected))
            with transaction.atomic():
                report.stored += ingest.store_calls(records, announce=False)
                Cursor.objects.update_or_create(
                    feed=bookmark, defaults={"value": str(batch[-1][0])}
                )
            on_progress(position())
    while rollups.recount():
        continue
    Cursor.objects.filter(feed=bookmark).delete()
    return report


def _accepted(
    batch: Iterable[tuple[int, Any]],
    report: ImportReport,
    on_rejected: Callable[[RejectedRecord], None],
) -> Iterator[CallRecord]:
    for number, payload in batch:
        try:
            if isinstance(payload, RecordError):
                raise payload
            yield parse_call(payload)
        except RecordError as exc:
            report.rejected += 1
            on_rejected(RejectedRecord(number, str(exc)))


def _fingerprint(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(_FINGERPRINT_BYTES)
        return sha256(start + str(path.stat().st_size).encode()).hexdigest()[:24]
    except OSError as exc:
        raise UnreadableFile(f"{path}: {exc.strerror}") from exc


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """The file's lines, and the position in the (compressed) file."""
    with path.open("rb") as raw:
        if raw.peek(2)[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as unzipped:
                yield unzipped, raw.tell  # type: ignore[misc]  # typeshed does not know that it is an IO[bytes]
        else:
            yield raw, raw.tell


def _payloads(path: Path, lines: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Line number and payload, or RecordError for a bad line; empty lines are skipped."""
    try:
        if ".csv" in (suffix.lower() for suffix in path.suffixes):
            yield from _csv_payloads(lines)
        else:
            yield from _json_payloads(lines)
    except (EOFError, zlib.error, OSError) as exc:
        raise UnreadableFile(
            f"{path}: {exc}; what came before it is stored, run again with a whole file"
        ) from exc


def _json_payloads(lines: IO[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(_bounded(lines), 1):
        if line.isspace():
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            yield number, RecordError(f"not JSON: {exc}")


def _csv_payloads(lines: IO[bytes]) -> Iterator[tuple[int, Any]]:
    numbered = enumerate(_bounded(lines), 1)
    header = _cells(next(numbered, (0, b""))[1])
    if isinstance(header, RecordError) or not {"id", "state", "timestamp"} <= set(header):
        raise UnreadableFile(
            "the first line must name the columns, among them id, state and timestamp"
        )
    for number, line in numbered:
        cells = _cells(line)
        if isinstance(cells, list) and len(cells) == len(header):
            yield number, _typed(dict(zip(header, cells, strict=True)))
        elif isinstance(cells, RecordError):
            yield number, cells
        elif cells:
            yield number, RecordError(f"{len(cells)} columns where the header has {len(header)}")


def _bounded(lines: IO[bytes]) -> Iterator[bytes]:
    """The lines; of one too long only the start, which is then rejected."""
    while line := lines.readline(_MAX_LINE_BYTES):
        yield line.removeprefix(BOM_UTF8)
        while len(line) == _MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = lines.readline(_MAX_LINE_BYTES)


def _cells(line: bytes) -> list[str] | RecordError:
    """The cells of one line: an open quote affects its own line only."""
    try:
        return next(csv.reader([line.decode("utf-8", "replace")], strict=True), [])
    except csv.Error as exc:
        return RecordError(f"not CSV: {exc}")


def _typed(cells: dict[str, str]) -> dict[str, Any]:
    """The CSV row as a payload: without empty cells, the contract's integers as integers."""
    return {
        name: int(text) if name in _INTEGERS and text.isascii() and text.isdigit() else text
        for name, text in cells.items()
        if text
    }
