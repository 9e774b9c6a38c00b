"""All writes to the archive: draws from people and screens, lines from files.

One writer at a time, all of a batch or nothing. A day and wheel is stored once; other numbers for
it are a conflict, never a silent change. Only the operator's numbers replace those of a person or
the OCR, which is logged and published.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from core.lib.batches import batched
from core.lib.locks import lock_for_transaction
from core.lib.upsert import copying, insert, sql_time
from core.realtime.publish import publish_on_commit
from lotto.dieci_e_lotto import dieci_e_lotto
from lotto.events import DrawCorrected, DrawSaved
from lotto.models import NUMBERS, Archive, Correction, Extraction, Simbolotto
from lotto.rules import format_day, numbers_of, wheel_of
from lotto.tsv import KEY_BYTES, DrawLines, draw_of, line_of
from lotto.types import Draw, RejectedLine, RuleError, Source

LOCK: Final = "lotto.archive"
MAX_ERRORS: Final = 1_000  # rejected lines that are listed; more are only counted
CORRECTABLE: Final = (Source.OCR, Source.MANUAL)  # by the operator
CHUNK_SIZE: Final = 500  # rows of one statement
SYMBOLS: Final = 45  # of the Simbolotto
NEWS: Final = timedelta(days=7)  # older draws are history and not published
_COLUMNS: Final = (
    "day", "wheel", *NUMBERS, "source", "verified", "created_at", "updated_at",
)  # fmt: skip


class Conflict(Exception):
    """Draws are stored with other numbers: `stored` has those, by wheel."""

    def __init__(self, day: date, stored: dict[str, list[int]]) -> None:
        numbers = ", ".join(f"{wheel} {found}" for wheel, found in stored.items())
        super().__init__(f"{format_day(day)} is stored with other numbers: {numbers}.")
        self.stored = stored


@dataclass
class Saved:
    """Result of saving one day: wheels that are new, changed or unchanged."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


@dataclass
class Report:
    """Result of a file's lines."""

    inserted: int = 0
    skipped: int = 0  # known already
    verified: int = 0  # of those, now confirmed by the operator
    corrected: int = 0
    rejected: int = 0
    errors: list[RejectedLine] = field(default_factory=list)  # the first MAX_ERRORS

    def reject(self, line: int, reason: str) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(RejectedLine(line, reason))


@transaction.atomic
def save(draws: Sequence[Draw], *, source: str, overwrite: bool = False) -> Saved:
    """Store draws of one day, each wheel once.

    Raises Conflict, and stores nothing, when one is stored with other numbers and not `overwrite`.
    """
    lock_for_transaction(LOCK)
    day, now = draws[0].day, timezone.now()
    rows = {row.wheel: row for row in Extraction.objects.filter(day=day)}
    saved = Saved()
    clashes = {
        draw.wheel: rows[draw.wheel].numbers
        for draw in draws
        if draw.wheel in rows and rows[draw.wheel].numbers != list(draw.numbers)
    }
    if clashes and not overwrite:
        raise Conflict(day, clashes)
    for draw in draws:
        row = rows.get(draw.wheel)
        if row is None:
            row = Extraction(day=day, wheel=draw.wheel, created_at=now)
            saved.created.append(draw.wheel)
        elif draw.wheel in clashes:
            _log_correction(row, draw, source)
            saved.changed.append(draw.wheel)
        else:
            saved.unchanged.append(draw.wheel)
            continue
        _write(row, draw, source)
    news = {draw.wheel: draw.numbers for draw in draws if draw.wheel not in saved.unchanged}
    if news:
        _renew_version()
        publish_on_commit(_saved(day, news, source))
    if clashes:
        publish_on_commit(DrawCorrected(day, clashes, news, source))
    return saved


def store_simbolotto(day: date, wheel: str, symbols: Sequence[int]) -> bool:
    """Store an evening's Simbolotto, apart from the draws; whether that changed anything.

    `symbols` are the numbers of five of the 45, in the order shown. Safe to repeat; other ones of
    the same day replace those stored. Raises RuleError.
    """
    numbers = list(numbers_of(list(symbols)))
    if max(numbers) > SYMBOLS:
        raise RuleError(f"A symbol is a number from 1 to {SYMBOLS}.")
    found = {"wheel": wheel_of(wheel), "symbols": numbers}
    with transaction.atomic():
        lock_for_transaction(LOCK)
        if Simbolotto.objects.filter(day=day, **found).exists():
            return False
        Simbolotto.objects.update_or_create(day=day, defaults=found)
    return True


@transaction.atomic
def delete(day: date, wheel: str | None = None) -> int:
    """Delete a day's draws, or one wheel's; returns how many there were."""
    lock_for_transaction(LOCK)
    draws = Extraction.objects.filter(day=day)
    deleted = (draws.filter(wheel=wheel) if wheel else draws).delete()[0]
    if deleted:
        _renew_version()
    return deleted


class CheckedLines(NamedTuple):
    """The lines of a file that are draws, in the operator's spelling, by their place (from 1)."""

    lines: list[tuple[int, bytes]]
    rejected: int
    errors: Sequence[RejectedLine]  # the first MAX_ERRORS
    known: set[bytes]  # the archive when they were checked
    version: str  # of it


def check_lines(lines: Iterable[bytes]) -> CheckedLines:
    """Read a file to its end, before any transaction: reading and checking may take long.

    Stored draws are recognised by the whole line, without parsing: importing the same file again
    costs little more than reading it.
    """
    at, known = version(), set(archive_lines())
    report, reader = Report(), DrawLines()
    found: list[tuple[int, bytes]] = []
    for count, line in enumerate(lines, 1):
        text = line.rstrip(b"\r\n")
        for draw in (text,) if text in known else reader.read(text):
            if isinstance(draw, RuleError):
                report.reject(count, str(draw))
            else:
                found.append((count, draw))
    return CheckedLines(found, report.rejected, report.errors, known, at)


def store_lines(lines: Iterable[bytes], *, source: str) -> Report:
    """Check the lines of a file, then store them as `store_checked`."""
    return store_checked(check_lines(lines), source=source)


@transaction.atomic
def store_checked(checked: CheckedLines, *, source: str) -> Report:
    """Store the new draws of a file; everything else is reported.

    The operator's own lines (`Source.SYNC`) also verify equal draws, and correct other numbers that
    a person or the OCR stored.
    """
    lock_for_transaction(LOCK)
    known = checked.known if checked.version == version() else set(archive_lines())
    classifier = _LineClassifier(known, is_operator=source == Source.SYNC)
    _insert(classifier.new_lines(checked.lines), source)
    _publish_news(classifier.fresh, source)
    report = classifier.report
    report.inserted = len(classifier.fresh)
    _correct(classifier.disputed, report)
    for some in batched(classifier.confirmed, CHUNK_SIZE):
        report.verified += Extraction.objects.filter(pk__in=some).update(verified=True)
    if report.inserted or report.corrected:
        _renew_version()
    report.rejected += checked.rejected
    report.errors = sorted([*report.errors, *checked.errors])[:MAX_ERRORS]
    return report


class _LineClassifier:
    """Sorts the lines of a file: new, known, confirmed, disputed, wrong."""

    def __init__(self, known: set[bytes], *, is_operator: bool) -> None:
        self.report = Report()
        self.fresh: dict[bytes, None] = {}  # in the file's order
        self.confirmed: list[int] = []  # keys of rows that the operator verifies
        self.disputed: dict[bytes, int] = {}  # line numbers of lines against stored draws
        self._is_operator = is_operator
        self._known = known
        self._line_by_key: dict[bytes, bytes] = {}
        self._unverified = _unverified() if is_operator else {}

    def new_lines(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
        """The lines to store, in the operator's spelling. Sends no query."""
        for count, text in lines:
            if self._is_new(text, count):
                yield text

    def _is_new(self, text: bytes, count: int) -> bool:
        """Whether the draw is to be stored; what else becomes of it is noted."""
        if text in self._known or text in self.fresh:
            self.report.skipped += 1
            if text in self._unverified:
                self.confirmed.append(self._unverified.pop(text))
            return False
        if not self._line_by_key:
            self._line_by_key = {each[:KEY_BYTES]: each for each in self._known}
        other = self._line_by_key.setdefault(text[:KEY_BYTES], text)
        if other is text:
            self.fresh[text] = None
            return True
        if other in self.fresh or other in self.disputed:
            self.report.reject(count, f"{_key_text(text)} has other numbers in an earlier line.")
        elif self._is_operator:
            self.disputed[text] = count
            self._line_by_key[text[:KEY_BYTES]] = text
        else:
            self.report.reject(count, f"{_key_text(text)} is stored with other numbers.")
        return False


def version() -> str:
    """The archive's version: a new one after every change of a draw; empty before the first."""
    with connection.cursor() as cursor:  # read for every response: a quarter of the ORM's time
        cursor.execute("SELECT version FROM lotto_archive")
        row = cursor.fetchone()
    return row[0] if row else ""


def archive_lines() -> Iterator[bytes]:
    """Every stored draw as a line of the operator's file, in its order; memory stays flat."""
    numbers = ", ".join(NUMBERS)
    if connection.vendor == "postgresql":
        # COPY's text format is the file's own: tabs between fields, LF at the end.
        with copying(
            f"COPY (SELECT to_char(day, 'YYYY/MM/DD'), wheel, {numbers}"
            ' FROM lotto_extraction ORDER BY day, wheel COLLATE "C") TO STDOUT'
        ) as copy:
            for row in copy:
                yield bytes(row)[:-1]
        return
    with connection.cursor() as cursor:
        fields = " || char(9) || ".join(("replace(day, '-', '/')", "wheel", *NUMBERS))
        cursor.execute(f"SELECT {fields} FROM lotto_extraction ORDER BY day, wheel")
        while rows := cursor.fetchmany(5_000):
            yield from (line.encode() for (line,) in rows)


def _insert(lines: Iterable[bytes], source: str) -> None:
    now = sql_time(int(timezone.now().timestamp()))
    is_verified = source == Source.SYNC
    if connection.vendor == "postgresql":
        end = f"\t{source}\t{is_verified:d}\t{now}\t{now}\n".encode()
        with copying(f"COPY lotto_extraction ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for some in batched(lines, CHUNK_SIZE):
                copy.write(end.join(some) + end)
        return
    for some in batched(lines, CHUNK_SIZE):
        rows = []
        for line in some:
            day, wheel, *numbers = line.decode().split("\t")
            rows.append((day.replace("/", "-"), wheel, *numbers, source, is_verified, now, now))
        insert(Extraction, _COLUMNS, rows)


def _publish_news(lines: Iterable[bytes], source: str) -> None:
    """Publish the draws of recent days."""
    since = format_day(timezone.now().date() - NEWS).encode()
    days: defaultdict[date, dict[str, tuple[int, ...]]] = defaultdict(dict)
    for line in lines:
        if line >= since:
            draw = draw_of(line)
            days[draw.day][draw.wheel] = draw.numbers
    publish_on_commit(*(_saved(day, wheels, source) for day, wheels in sorted(days.items())))


def _saved(day: date, wheels: Mapping[str, Sequence[int]], source: str) -> DrawSaved:
    """The event that these wheels are stored now, with what all wheels of the day make."""
    stored = {row.wheel: row.numbers for row in Extraction.objects.filter(day=day)}
    return DrawSaved(day, wheels, source, dieci_e_lotto(day, stored))


def _unverified() -> dict[bytes, int]:
    """The draws that the operator has not confirmed yet: primary keys by line."""
    rows = Extraction.objects.filter(verified=False).values_list("pk", "day", "wheel", *NUMBERS)
    return {line_of(Draw(day, wheel, tuple(n))): pk for pk, day, wheel, *n in rows.iterator()}


def _correct(disputed: dict[bytes, int], report: Report) -> None:
    """Replace numbers of people and the OCR with the operator's; other conflicts are reported."""
    if not disputed:
        return
    before: defaultdict[date, dict[str, list[int]]] = defaultdict(dict)
    after: defaultdict[date, dict[str, tuple[int, ...]]] = defaultdict(dict)
    rows = {(row.day, row.wheel): row for row in Extraction.objects.filter(source__in=CORRECTABLE)}
    for text, count in disputed.items():
        draw = draw_of(text)
        row = rows.get((draw.day, draw.wheel))
        if row is None:
            report.reject(count, f"{_key_text(text)} is stored with other numbers.")
            continue
        before[draw.day][draw.wheel] = row.numbers
        after[draw.day][draw.wheel] = draw.numbers
        _log_correction(row, draw, Source.SYNC)
        _write(row, draw, Source.SYNC)
        report.corrected += 1
    for day in sorted(before):
        publish_on_commit(
            _saved(day, after[day], Source.SYNC),
            DrawCorrected(day, before[day], after[day], Source.SYNC),
        )


def _write(row: Extraction, draw: Draw, source: str) -> None:
    for name, number in zip(NUMBERS, draw.numbers, strict=True):
        setattr(row, name, number)
    row.source, row.updated_at, row.verified = source, timezone.now(), source == Source.SYNC
    row.save()


def _renew_version() -> None:
    Archive.objects.update_or_create(pk=1, defaults={"version": secrets.token_hex(8)})


def _key_text(text: bytes) -> str:
    return text[:KEY_BYTES].decode().replace("\t", " ")


def _log_correction(row: Extraction, draw: Draw, source: str) -> None:
    Correction.objects.create(
        day=row.day,
        wheel=row.wheel,
        before=" ".join(map(str, row.numbers)),
        after=" ".join(map(str, draw.numbers)),
        source_before=row.source,
        source=source,
        at=timezone.now(),
    )
