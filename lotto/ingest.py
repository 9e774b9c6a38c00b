"""The one way into the archive: draws from people and screens, lines from files.

One writer at a time, all of a batch or nothing. A day and wheel is stored once; other numbers for
it are a conflict, never a silent change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from gateway_arq.lib.locks import lock_for_transaction
from gateway_arq.lib.upsert import insert, sql_time
from gateway_arq.realtime.publish import publish_on_commit
from lotto.events import DrawSaved
from lotto.lines import KEY_BYTES, canonical, draw_of
from lotto.models import NUMBERS, Correction, Extraction
from lotto.rules import told_day
from lotto.types import Draw, Refused, Rejected, Source

LOCK: Final = "lotto.archive"
REPORTED: Final = 1_000  # rejected lines that are kept; more are counted
NEWS: Final = timedelta(days=7)  # older draws are history: nobody watches them come
_COLUMNS: Final = (
    "day", "wheel", *NUMBERS, "source", "verified", "created_at", "updated_at",
)  # fmt: skip


class Conflict(Exception):
    """Draws that are stored with other numbers: `stored` has those, by wheel."""

    def __init__(self, day: date, stored: dict[str, list[int]]) -> None:
        told = ", ".join(f"{wheel} {numbers}" for wheel, numbers in stored.items())
        super().__init__(f"{told_day(day)} is stored with other numbers: {told}.")
        self.stored = stored


@dataclass
class Saved:
    """What became of draws of one day: wheels that are new, changed or as they were."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What became of a file's lines."""

    inserted: int = 0
    skipped: int = 0  # known already
    rejected: int = 0
    errors: list[Rejected] = field(default_factory=list)  # the first REPORTED of them

    def reject(self, line: int, reason: str) -> None:
        self.rejected += 1
        if len(self.errors) < REPORTED:
            self.errors.append(Rejected(line, reason))


@transaction.atomic
def save(draws: Sequence[Draw], *, source: str, overwrite: bool = False) -> Saved:
    """Store draws of one day, each wheel once.

    Raises Conflict, with nothing stored, when one is there with other numbers and not `overwrite`.
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
        for name, number in zip(NUMBERS, draw.numbers, strict=True):
            setattr(row, name, number)
        row.source, row.updated_at, row.verified = source, now, source == Source.SYNC
        row.save()
    news = {draw.wheel: draw.numbers for draw in draws if draw.wheel not in saved.unchanged}
    if news:
        publish_on_commit(DrawSaved(day, news, source))
    return saved


@transaction.atomic
def delete(day: date, wheel: str | None = None) -> int:
    """Delete a day's draws, or one wheel's; returns how many there were."""
    lock_for_transaction(LOCK)
    draws = Extraction.objects.filter(day=day)
    return (draws.filter(wheel=wheel) if wheel else draws).delete()[0]


@transaction.atomic
def store_lines(lines: Iterable[bytes], *, source: str) -> Report:
    """Store the draws of a file that are not there yet; everything else is reported.

    What is stored already is recognised by its line as a whole, without being read: importing the
    same file again costs little more than reading it.
    """
    lock_for_transaction(LOCK)
    report = Report()
    fresh: dict[bytes, None] = {}  # in the file's order
    known = set(archive_lines())
    numbers_by_key: dict[bytes, bytes] = {}
    for count, line in enumerate(lines, 1):
        text = line.rstrip(b"\r\n")
        if text in known:
            report.skipped += 1
            continue
        if not text.strip(b" \t\xef\xbb\xbf\x1a"):
            continue
        if not numbers_by_key:
            numbers_by_key = {each[:KEY_BYTES]: each for each in known}
        try:
            text = canonical(text)
        except Refused as exc:
            report.reject(count, str(exc))
            continue
        other = numbers_by_key.setdefault(text[:KEY_BYTES], text)
        if text in known or text in fresh:
            report.skipped += 1
        elif other is not text:
            key = text[:KEY_BYTES].decode().replace("\t", " ")
            where = "has in a line before" if other in fresh else "is stored with"
            report.reject(count, f"{key} {where} other numbers.")
        else:
            fresh[text] = None
    report.inserted = len(fresh)
    _insert([*fresh], source)
    _announce(fresh, source)
    return report


def archive_lines() -> Iterator[bytes]:
    """Every stored draw as a line of the operator's file, in its order; memory stays flat."""
    numbers = ", ".join(NUMBERS)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # COPY's text format is the file's own: tabs between fields, LF at the end.
            with cursor.copy(
                f"COPY (SELECT to_char(day, 'YYYY/MM/DD'), wheel, {numbers}"
                ' FROM lotto_extraction ORDER BY day, wheel COLLATE "C") TO STDOUT'
            ) as copy:
                for row in copy:
                    yield bytes(row)[:-1]
        else:
            fields = " || char(9) || ".join(("replace(day, '-', '/')", "wheel", *NUMBERS))
            cursor.execute(f"SELECT {fields} FROM lotto_extraction ORDER BY day, wheel")
            while rows := cursor.fetchmany(5_000):
                yield from (line.encode() for (line,) in rows)


def _insert(lines: Sequence[bytes], source: str) -> None:
    now = sql_time(int(timezone.now().timestamp()))
    if connection.vendor == "postgresql":
        end = f"\t{source}\tf\t{now}\t{now}\n".encode()
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY lotto_extraction ({', '.join(_COLUMNS)}) FROM STDIN") as copy,
        ):
            for start in range(0, len(lines), 5_000):
                copy.write(end.join(lines[start : start + 5_000]) + end)
        return
    rows = []
    for line in lines:
        day, wheel, *numbers = line.decode().split("\t")
        rows.append((day.replace("/", "-"), wheel, *numbers, source, False, now, now))
    insert(Extraction, _COLUMNS, rows)


def _announce(lines: Iterable[bytes], source: str) -> None:
    """Tell of the days that are news."""
    since = told_day(timezone.now().date() - NEWS).encode()
    days: defaultdict[date, dict[str, tuple[int, ...]]] = defaultdict(dict)
    for line in lines:
        if line >= since:
            draw = draw_of(line)
            days[draw.day][draw.wheel] = draw.numbers
    publish_on_commit(*(DrawSaved(day, wheels, source) for day, wheels in sorted(days.items())))


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
