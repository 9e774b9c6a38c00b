"""Calls from a file: JSON or CSV, plain or gzip; resumable, in flat memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

from django.db import transaction
from django.utils import translation

from core.lib.batches import batched
from core.lib.table_files import BadLine, UnreadableFile
from webcom import call_files, ingest, rollups
from webcom.call_files import BrokenFile, check_numbers
from webcom.ingest import Stored
from webcom.models import Cursor
from webcom.types import CallRecord, RecordError, parse_call

CHUNK_SIZE: Final = 5_000
MAX_KEPT: Final = 1_000  # rejected records of one run that are kept for staff
_FINGERPRINT_BYTES: Final = 65_536  # of the file's start; with its size they identify a file


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

    @property
    def accepted(self) -> int:
        return self.stored.created + self.stored.changed + self.stored.unchanged


def import_calls(
    path: Path,
    *,
    restart: bool = False,
    on_rejected: Callable[[RejectedRecord], None] = lambda rejected: None,
    on_progress: Callable[[int], None] = lambda position: None,
) -> ImportReport:
    """Store the calls of a file, batch by batch; bad lines are reported, kept and skipped.

    Each batch is stored in one transaction with its place in the file: an interrupted run resumes
    there, unless `restart`. Importing a file again changes nothing. `on_progress` gets the position
    in the (compressed) file in bytes. Raises UnreadableFile.
    """
    bookmark = f"import:{_fingerprint(path)}"
    if restart:
        Cursor.objects.filter(feed=bookmark).delete()
    done = int(Cursor.objects.filter(feed=bookmark).values_list("value", flat=True).first() or 0)
    report = ImportReport(resumed_after=done)
    # Reasons are stored, for readers of any language: as the other reasons are, in English.
    with translation.override(None), _opened(path) as (lines, position):
        for batch in batched(
            ((n, payload) for n, payload in _payloads(path, lines) if n > done), CHUNK_SIZE
        ):
            bad: list[tuple[Any, ValueError]] = []
            records = list(_accepted(batch, report, on_rejected, bad))
            with transaction.atomic():
                report.stored += ingest.store_calls(records, announce=False)
                for payload, exc in bad:
                    ingest.store_unreadable(payload, source="import", reason=str(exc))
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
    bad: list[tuple[Any, ValueError]],
) -> Iterator[CallRecord]:
    for number, payload in batch:
        try:
            if isinstance(payload, BadLine):
                raise payload
            check_numbers(payload)
            yield parse_call(payload)
        except (BadLine, RecordError) as exc:
            report.rejected += 1
            if report.rejected <= MAX_KEPT:
                bad.append((exc.text if isinstance(exc, BadLine) else payload, exc))
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
    """Line number and payload, or BadLine."""
    is_csv = not {".csv", ".tsv"}.isdisjoint(suffix.lower() for suffix in path.suffixes)
    try:
        yield from call_files.payloads(lines, is_csv=is_csv)
    except UnreadableFile as exc:
        raise UnreadableFile(f"{path}: {exc}") from None
    except (EOFError, zlib.error, OSError) as exc:
        raise BrokenFile(
            f"{path}: {exc}; what came before it is stored, run again with a whole file"
        ) from exc
