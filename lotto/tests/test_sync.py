"""The sync with the operator: missing draws are added, wrong ones corrected, nothing else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.lib.upstream import UpstreamError
from core.tests.published import Commit, PublishedEvents
from core.workers.models import Health, WorkerStatus
from lotto import imports, ingest, tasks
from lotto.models import Correction, Extraction, Intake
from lotto.tests.conftest import SLICE
from lotto.types import Draw, Source
from sandbox.operator import packed
from sandbox.testing import RunningOperator, running_operator

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]
DAY = date(2026, 5, 30)
BARI = (87, 61, 14, 25, 38)
JUNE_2026 = 1_780_302_600.0  # 2026-06-01 in Rome: the real history, and nothing invented


@pytest.fixture
def operator(settings: Any) -> Iterator[RunningOperator]:
    """The operator of the settings, with a slice of the archive."""
    with running_operator(now=JUNE_2026) as running:
        running.server.fixed = packed("storico.txt", SLICE.read_bytes())
        settings.LOTTO_ARCHIVE_URLS = [running.url]
        settings.LOTTO_TIMEOUT_S = 2
        yield running


def lines() -> list[bytes]:
    return SLICE.read_bytes().splitlines()


def counts(done: Intake) -> tuple[int, int, int, int, int]:
    return done.inserted, done.skipped, done.verified, done.corrected, done.rejected


def test_the_last_fifty_days_are_added_and_nothing_else(
    operator: RunningOperator, archive: bytes
) -> None:
    operator.server.fixed = None
    all_lines = archive.splitlines()
    days = sorted({line[:10] for line in all_lines})
    missing = [line for line in all_lines if line[:10] > days[-51]]
    ingest.store_lines(all_lines[: -len(missing)], source=Source.IMPORT)
    done = imports.sync()
    assert (done.inserted, done.skipped) == (len(missing), len(all_lines) - len(missing))
    assert (done.corrected, done.rejected) == (0, 0)
    stored = Extraction.objects.filter(source=Source.SYNC)
    assert stored.count() == len(missing)
    assert {f"{day:%Y/%m/%d}".encode() for day in stored.values_list("day", flat=True)} == set(
        days[-50:]
    )
    assert not Extraction.objects.filter(verified=False).exists()


def test_draws_of_people_and_the_ocr_are_verified_or_corrected(
    operator: RunningOperator, published_events: PublishedEvents, commit: Commit
) -> None:
    ocr = [Draw(DAY, "BA", BARI), Draw(DAY, "CA", (1, 2, 3, 4, 5))]
    ingest.save(ocr, source=Source.OCR)
    ingest.save([Draw(DAY, "FI", (5, 4, 3, 2, 1))], source=Source.MANUAL)
    ingest.save([Draw(DAY, "GE", (9, 8, 7, 6, 5))], source=Source.IMPORT)
    with commit():
        done = imports.sync()
    assert counts(done) == (len(lines()) - 4, 1, 1, 2, 1)
    rows = {row.wheel: row for row in Extraction.objects.filter(day=DAY)}
    assert (rows["BA"].source, rows["BA"].verified) == ("ocr", True)
    for wheel, numbers in {"CA": [72, 1, 87, 13, 26], "FI": [34, 60, 5, 42, 54]}.items():
        row = rows[wheel]
        assert (row.numbers, row.source, row.verified) == (numbers, "sync", True)
    # An import's numbers are history: they are reported, not replaced.
    assert (rows["GE"].numbers, rows["GE"].verified) == ([9, 8, 7, 6, 5], False)
    assert "GE is stored with other numbers" in done.errors[0]["reason"]
    log = {c.wheel: (c.before, c.source_before, c.source) for c in Correction.objects.all()}
    assert log == {"CA": ("1 2 3 4 5", "ocr", "sync"), "FI": ("5 4 3 2 1", "manual", "sync")}
    (correction,) = [event for event in published_events if event["type"] == "lotto_corrected"]
    assert (correction["date"], correction["source"], set(correction["wheels"])) == (
        "2026/05/30",
        "sync",
        {"CA", "FI"},
    )
    assert correction["wheels"]["CA"] == {"before": [1, 2, 3, 4, 5], "after": [72, 1, 87, 13, 26]}


def test_an_unchanged_file_is_not_sent_again_until_our_archive_changes(
    operator: RunningOperator,
) -> None:
    first = imports.sync()
    assert counts(first)[0] == len(lines())
    again = imports.sync()
    assert counts(again) == (0, len(lines()), 0, 0, 0)
    assert again.duration_s == 0  # it was not read at all
    ingest.delete(DAY, "BA")
    healed = imports.sync()
    assert counts(healed) == (1, len(lines()) - 1, 0, 0, 0)


def test_two_lines_of_the_operators_for_one_draw_do_not_both_count(
    operator: RunningOperator,
) -> None:
    ingest.save([Draw(DAY, "BA", (1, 2, 3, 4, 5))], source=Source.OCR)
    text = b"2026/05/30\tBA\t5\t6\t7\t8\t9\n2026/05/30\tBA\t6\t7\t8\t9\t10\n"
    operator.server.fixed = packed("storico.txt", text)
    assert counts(imports.sync()) == (0, 0, 0, 1, 1)
    assert Extraction.objects.get().numbers == [5, 6, 7, 8, 9]


FAULTS: dict[str, dict[str, Any]] = {
    "down": {},
    "html": {},
    "rubbish": {},
    "half": {},
    "truncated": {},
    "hang": {},
    "drip": {"delay_s": 0.3},
    "huge": {},
    "bomb": {},
    "redirect": {"body": "http://127.0.0.1:1/storico.zip"},
    "answer": {"status": 503},
}


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_every_failure_of_the_operator_stores_nothing(operator: RunningOperator, kind: str) -> None:
    ingest.save([Draw(DAY, "BA", (1, 2, 3, 4, 5))], source=Source.OCR)
    operator.faults.arm(kind, times=0, **FAULTS[kind])
    with pytest.raises(UpstreamError, match=r"\w"):
        imports.sync()
    assert Extraction.objects.get().numbers == [1, 2, 3, 4, 5]
    assert not Intake.objects.exists()
    assert WorkerStatus.objects.get(name=imports.NAME).health == Health.DEGRADED
    operator.faults.clear()
    assert counts(imports.sync()) == (len(lines()) - 1, 0, 0, 1, 0)
    assert WorkerStatus.objects.get(name=imports.NAME).health == Health.HEALTHY


@pytest.mark.parametrize(
    "body",
    [
        packed("storico.txt", b"x" * 70_000_000),
        packed("storico.txt", SLICE.read_bytes())[:-60],
        packed("storico.exe", b"x"),
        packed("storico.txt", b"no draws\n" * 10_000),
        gzip.compress(SLICE.read_bytes()),
        b"PK",
        b"",
    ],
    ids=["bomb", "cut", "no text", "no draws", "gzip", "nearly nothing", "nothing"],
)
def test_an_invalid_file_is_refused_whole(operator: RunningOperator, body: bytes) -> None:
    operator.server.fixed = body
    with pytest.raises(UpstreamError):
        imports.sync()
    assert not Extraction.objects.exists()


def test_the_next_address_is_tried_when_one_fails(operator: RunningOperator, settings: Any) -> None:
    settings.LOTTO_ARCHIVE_URLS = ["http://127.0.0.1:1/x.zip", "nonsense", operator.url]
    assert imports.sync().name == operator.url


def test_the_endpoint_responds_as_documented(api: Any, operator: RunningOperator) -> None:
    response = api.post("/api/lotto/sync")
    assert response.status_code == 200
    body = response.json()
    imported = len(lines())
    assert (body["success"], body["imported"], body["skipped"]) == (True, imported, 0)
    assert body["message"] == f"Sync completed: {imported} new records imported"
    assert body["timestamp"].endswith("Z")
    operator.faults.arm("down", times=0)
    ingest.delete(DAY)
    refused = api.post("/api/lotto/sync")
    assert refused.status_code == 502
    assert "127.0.0.1" in refused.json()["detail"]


def test_the_endpoint_reports_failures(
    api: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.post("/api/lotto/sync").status_code == 503
    settings.LOTTO_ARCHIVE_URLS = ["http://127.0.0.1:1/x.zip"]
    monkeypatch.setattr(imports, "only_one", lambda name: nullcontext(False))
    assert api.post("/api/lotto/sync").status_code == 409


def test_the_nightly_task_records_its_failures_and_raises_none(settings: Any) -> None:
    tasks.sync()
    assert WorkerStatus.objects.get(name=imports.NAME).health == Health.DISABLED
    settings.LOTTO_ARCHIVE_URLS = ["http://127.0.0.1:1/x.zip"]
    tasks.sync()
    status = WorkerStatus.objects.get(name=imports.NAME)
    assert (status.health, status.last_error[:9]) == (Health.DEGRADED, "127.0.0.1")


def test_the_command_reports(
    operator: RunningOperator, capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    call_command("sync_lotto")
    printed = capsys.readouterr()
    assert f"{len(lines())} new, 0 already known, 0 rejected" in printed.out
    settings.LOTTO_ARCHIVE_URLS = []
    with pytest.raises(CommandError, match="switched off"):
        call_command("sync_lotto")
