"""Writes to the archive: once, all or nothing, never a silent change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from lotto import imports, ingest
from lotto.models import Correction, Extraction
from lotto.types import Draw, Source

pytestmark = pytest.mark.both_profiles

DAY = date(2025, 12, 6)
BARI = Draw(DAY, "BA", (12, 45, 67, 23, 89))
LINE = b"2025/12/06\tBA\t12\t45\t67\t23\t89"


def stored() -> bytes:
    return b"".join(line + b"\n" for line in ingest.archive_lines())


@pytest.mark.django_db
def test_the_archive_is_exported_unchanged_and_imported_once(archive: bytes) -> None:
    lines = archive.splitlines(keepends=True)
    report = ingest.store_lines(lines, source=Source.IMPORT)
    assert (report.inserted, report.skipped, report.errors) == (len(lines), 0, [])
    assert stored() == archive
    again = ingest.store_lines(lines, source=Source.IMPORT)
    assert (again.inserted, again.skipped, again.rejected) == (0, len(lines), 0)
    for wheel in ("BA", "RN"):
        tag = f"\t{wheel}\t".encode()
        assert Extraction.objects.filter(wheel=wheel).count() == sum(tag in line for line in lines)


@pytest.mark.django_db
def test_only_what_is_missing_is_inserted(archive: bytes) -> None:
    lines = archive.splitlines()
    ingest.store_lines(lines[:-50], source=Source.IMPORT)
    report = ingest.store_lines(lines, source=Source.SYNC)
    assert (report.inserted, report.skipped) == (50, len(lines) - 50)
    assert Extraction.objects.filter(source=Source.SYNC).count() == 50


@pytest.mark.django_db
def test_wrong_lines_are_reported_by_number_and_skipped() -> None:
    ingest.save([BARI], source=Source.MANUAL)
    lines = [
        LINE + b"\r\n",
        b"\n",
        b"rubbish",
        b"2025/12/06\tBA\t1\t2\t3\t4\t5",
        b"2025/12/06\tCA\t1\t2\t3\t4\t5",
        b"2025-12-06\tcagliari\t1\t2\t3\t4\t5",
        b"2025/12/06\tCA\t1\t2\t3\t5\t4",
        *[b"2025/12/06\tFI\t0\t0\t0\t0\t0"] * 10_000,
    ]
    report = ingest.store_lines(lines, source=Source.IMPORT)
    assert (report.inserted, report.skipped, report.rejected) == (1, 2, 10_003)
    assert len(report.errors) == ingest.MAX_ERRORS
    assert [error.line for error in report.errors[:4]] == [3, 4, 7, 8]
    assert "is stored with other numbers" in report.errors[1].reason
    assert "earlier line" in report.errors[2].reason


@pytest.mark.django_db
def test_a_file_that_breaks_half_way_stores_nothing(archive: bytes) -> None:
    def broken() -> Iterator[bytes]:
        yield from archive.splitlines()[:40]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        ingest.store_lines(broken(), source=Source.IMPORT)
    assert not Extraction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_a_file_is_read() -> None:
    seen = []

    def lines() -> Iterator[bytes]:
        seen.append(connection.in_atomic_block)
        yield LINE
        seen.append(connection.in_atomic_block)

    assert imports.import_draws(lines(), name="slow.txt").inserted == 1
    assert ingest.store_lines(lines(), source=Source.SYNC).skipped == 1
    assert seen == [False] * 4


@pytest.mark.django_db(transaction=True)
def test_a_draw_that_is_stored_while_a_file_is_read_is_known() -> None:
    def lines() -> Iterator[bytes]:
        ingest.save([BARI], source=Source.MANUAL)
        yield LINE

    report = ingest.store_lines(lines(), source=Source.IMPORT)
    assert (report.inserted, report.skipped) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_store_each_draw_once(archive: bytes) -> None:
    lines = archive.splitlines()[-300:]
    reports: list[ingest.Report] = []

    def run() -> None:
        try:
            reports.append(ingest.store_lines(lines, source=Source.IMPORT))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(report.inserted for report in reports) == [0, 300]
    assert Extraction.objects.count() == 300


@pytest.mark.django_db
def test_other_numbers_are_a_conflict_unless_overwritten() -> None:
    assert ingest.save([BARI], source=Source.OCR).created == ["BA"]
    assert ingest.save([BARI], source=Source.MANUAL).unchanged == ["BA"]
    other = BARI._replace(numbers=(12, 45, 67, 89, 23))  # the order counts
    cagliari = Draw(DAY, "CA", (1, 2, 3, 4, 5))
    with pytest.raises(ingest.Conflict) as caught:
        ingest.save([cagliari, other], source=Source.MANUAL)
    assert caught.value.stored == {"BA": [12, 45, 67, 23, 89]}
    assert Extraction.objects.count() == 1
    saved = ingest.save([cagliari, other], source=Source.MANUAL, overwrite=True)
    assert (saved.created, saved.changed) == (["CA"], ["BA"])
    correction = Correction.objects.get()
    assert (correction.before, correction.after) == ("12 45 67 23 89", "12 45 67 89 23")
    assert (correction.source_before, correction.source) == ("ocr", "manual")


@pytest.mark.parametrize(
    "wrong",
    [{"n1": 0}, {"n5": 91}, {"n1": 45}, {"wheel": "XX"}, {"source": "guess"}],
)
@pytest.mark.django_db
def test_database_constraints_repeat_the_rules(wrong: dict[str, Any]) -> None:
    now = timezone.now()
    numbers = {"n1": 12, "n2": 45, "n3": 67, "n4": 23, "n5": 89}
    given = {"day": DAY, "wheel": "BA", "source": "manual", "created_at": now, "updated_at": now}
    with pytest.raises(IntegrityError), transaction.atomic():
        Extraction.objects.create(**{**given, **numbers, **wrong})
    Extraction.objects.create(**given, **numbers)
    with pytest.raises(IntegrityError), transaction.atomic():
        Extraction.objects.create(**given, **numbers)
