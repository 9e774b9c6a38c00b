from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from django.core.management import CommandError, call_command

from core.lib.table_files import UnreadableFile
from core.tests.published import Commit, PublishedEvents
from sandbox.testing import running_sandbox
from webcom import imports, ingest
from webcom.admin import CallResource
from webcom.imports import ImportReport, RejectedRecord, import_calls
from webcom.ingest import Stored
from webcom.models import Call, CallRollup, Cursor, DirtyBucket, Unreadable
from webcom.tests.factories import NOON, ended_payload

pytestmark = [pytest.mark.django_db, pytest.mark.both_profiles]


def calls(count: int) -> list[dict[str, Any]]:
    return [ended_payload(id=f"c{n:04}", timestamp=NOON + n) for n in range(count)]


def jsonl(payloads: Iterable[Any]) -> bytes:
    return b"".join(orjson.dumps(payload) + b"\n" for payload in payloads)


def as_csv(path: Path, payloads: Sequence[dict[str, Any]], **options: Any) -> Path:
    with path.open("w", newline="", encoding=options.pop("encoding", "utf-8")) as file:
        writer = csv.DictWriter(file, list(payloads[0]), **options)
        writer.writeheader()
        writer.writerows(payloads)
    return path


def rejected_by(path: Path) -> tuple[ImportReport, list[RejectedRecord]]:
    rejected: list[RejectedRecord] = []
    return import_calls(path, on_rejected=rejected.append), rejected


def test_json_lines_are_stored_and_counted_unpublished(
    tmp_path: Path, published_events: PublishedEvents, commit: Commit
):
    (tmp_path / "calls.jsonl").write_bytes(jsonl(calls(25)))
    with commit():
        report = import_calls(tmp_path / "calls.jsonl")
    assert report == ImportReport(stored=Stored(created=25))
    assert Call.objects.count() == 25
    assert published_events == []
    assert not DirtyBucket.objects.exists()
    assert CallRollup.objects.get(span_s=300).calls == 25
    assert not Cursor.objects.exists()


def test_importing_again_changes_nothing(tmp_path: Path):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(jsonl(calls(25)))
    import_calls(path)
    assert import_calls(path) == ImportReport(stored=Stored(unchanged=25))


@pytest.mark.parametrize("name", ["calls.csv", "CALLS.CSV"])
def test_csv_imports_the_same_as_json_lines(tmp_path: Path, name: str):
    payloads = [*calls(3), ended_payload(id="odd", caller="", cost="0.1", quality='a,"b"')]
    for payload in payloads:
        payload.setdefault("quality", "")
    as_csv(tmp_path / name, payloads)
    assert import_calls(tmp_path / name) == ImportReport(stored=Stored(created=4))
    odd = Call.objects.get(id="odd")
    assert (odd.caller, odd.extra, odd.duration_s) == ("", {"quality": 'a,"b"'}, 45)
    del payloads[3]["quality"]
    (tmp_path / "calls.jsonl").write_bytes(
        jsonl({k: v for k, v in p.items() if v != ""} for p in payloads)
    )
    assert import_calls(tmp_path / "calls.jsonl") == ImportReport(stored=Stored(unchanged=4))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize(
    "name", ["calls.csv", "calls.csv.gz", "calls.jsonl", "calls.jsonl.gz", "calls"]
)
def test_plain_and_gzip_with_and_without_byte_order_mark(tmp_path: Path, name: str, encoding: str):
    path = tmp_path / name
    if "csv" in name:
        content = as_csv(tmp_path / "made.csv", calls(5)).read_text()
    else:
        content = jsonl(calls(5)).decode()
    raw = content.encode(encoding)
    path.write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    assert import_calls(path) == ImportReport(stored=Stored(created=5))


def test_rejected_lines_are_reported_by_number_and_skipped(tmp_path: Path):
    path = tmp_path / "calls.jsonl"
    lines = [orjson.dumps(payload) for payload in calls(4)]
    bad = [b"{", b"null", orjson.dumps({**calls(1)[0], "state": None}), b"\xff\xfe", b"[" * 5_000]
    path.write_bytes(
        b"\n".join([*bad[:2], lines[0], b"", lines[1], bad[2], b"  ", *bad[3:], *lines[2:]])
    )
    report, rejected = rejected_by(path)
    assert (report.stored, report.rejected) == (Stored(created=4), 5)
    assert [line.line for line in rejected] == [1, 2, 6, 8, 9]
    assert rejected[2].reason == "Expected `str`, got `null` - at `$.state`"


def test_rejected_csv_lines_are_reported_by_number_and_skipped(tmp_path: Path):
    path = as_csv(tmp_path / "calls.csv", calls(3))
    header, *good = path.read_bytes().splitlines()
    open_quote, too_few, no_number = (
        b'"' + good[0],
        b"a,b",
        good[0].replace(str(NOON).encode(), b"12:00"),
    )
    path.write_bytes(
        b"\r\n".join(
            [header, good[0], open_quote, too_few, b"", good[1], no_number, b'"\0"', good[2]]
        )
    )
    report, rejected = rejected_by(path)
    assert report.stored == Stored(created=3)
    assert [line.line for line in rejected] == [3, 4, 7, 8]
    assert rejected[1].reason == "2 columns where the header has 13"
    assert "timestamp" in rejected[2].reason


def test_a_very_long_line_is_rejected_and_not_the_next_one(tmp_path: Path):
    for name, long in (
        ("a.jsonl", b'{"id":"' + b"x" * 300_000 + b'"}'),
        ("b.csv", b'"' + b"x" * 300_000),
    ):
        path = as_csv(tmp_path / name, calls(2)) if "csv" in name else tmp_path / name
        lines = path.read_bytes().splitlines() if path.exists() else jsonl(calls(2)).splitlines()
        path.write_bytes(b"\n".join([*lines[:-1], long, lines[-1]]))
        report, rejected = rejected_by(path)
        assert (report.stored.created + report.stored.unchanged, len(rejected)) == (2, 1)
        assert rejected[0].line == len(lines)


def test_an_interrupted_import_resumes_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(imports, "CHUNK_SIZE", 10)
    path = tmp_path / "calls.jsonl"
    path.write_bytes(jsonl(calls(35)))
    positions: list[int] = []

    def crash(position: int) -> None:
        positions.append(position)
        if len(positions) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_calls(path, on_progress=crash)
    assert Call.objects.count() == 20
    assert import_calls(path) == ImportReport(stored=Stored(created=15), resumed_after=20)
    assert import_calls(path, restart=True) == ImportReport(stored=Stored(unchanged=35))


def test_a_batch_and_its_place_in_the_file_are_stored_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "calls.jsonl").write_bytes(jsonl(calls(3)))

    def broken(**fields: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Cursor.objects, "update_or_create", broken)
    with pytest.raises(ZeroDivisionError):
        import_calls(tmp_path / "calls.jsonl")
    assert not Call.objects.exists()


def test_a_changed_file_does_not_resume_an_interrupted_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(imports, "CHUNK_SIZE", 10)
    path = tmp_path / "calls.jsonl"
    path.write_bytes(jsonl(calls(15)))

    def crash(position: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_calls(path, on_progress=crash)
    path.write_bytes(jsonl(calls(16)))
    assert import_calls(path) == ImportReport(stored=Stored(created=6, unchanged=10))


def test_progress_reaches_the_size_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imports, "CHUNK_SIZE", 2)
    for path in (as_csv(tmp_path / "a.csv", calls(5)), tmp_path / "b.jsonl.gz"):
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(jsonl(calls(5))))
        positions: list[int] = []
        import_calls(path, on_progress=positions.append)
        assert len(positions) == 3
        assert positions == sorted(positions)
        assert positions[-1] == path.stat().st_size


def test_calls_before_the_broken_end_of_a_gzip_file_are_stored(tmp_path: Path):
    path = tmp_path / "calls.jsonl.gz"
    random.seed(7)
    payloads = [ended_payload(id=f"{random.getrandbits(96):024x}") for _ in range(4_000)]
    whole = gzip.compress(jsonl(payloads))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFile, match="run again with a whole file"):
        import_calls(path)
    half = Call.objects.count()
    assert 1_000 < half < 3_000
    path.write_bytes(whole)
    assert import_calls(path) == ImportReport(stored=Stored(created=4_000 - half, unchanged=half))


def test_a_damaged_gzip_file_is_reported(tmp_path: Path):
    path = tmp_path / "calls.jsonl.gz"
    whole = bytearray(gzip.compress(jsonl(calls(500))))
    whole[200:260] = bytes(60)
    path.write_bytes(whole)
    with pytest.raises(UnreadableFile, match=r"calls.jsonl.gz: "):
        import_calls(path)


def test_binary_rubbish_is_rejected_line_by_line(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(random.Random(7).randbytes(200_000))
    report = import_calls(path)
    assert report.stored == Stored()
    assert report.rejected > 100


def test_an_empty_file_has_no_calls(tmp_path: Path):
    (tmp_path / "calls.jsonl").touch()
    assert import_calls(tmp_path / "calls.jsonl") == ImportReport()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"id:state:timestamp\n", b"id,state\n1,Ok\n", b'"id\n', b"\xff\xd8\xff\xe0"],
)
def test_csv_without_the_required_columns_is_rejected(tmp_path: Path, content: bytes):
    (tmp_path / "calls.csv").write_bytes(content)
    with pytest.raises(UnreadableFile, match="must name the columns"):
        import_calls(tmp_path / "calls.csv")


def test_a_missing_file_and_a_folder_are_reported(tmp_path: Path):
    with pytest.raises(UnreadableFile, match="No such file"):
        import_calls(tmp_path / "nothing.jsonl")
    with pytest.raises(UnreadableFile, match="Is a directory"):
        import_calls(tmp_path)


def test_the_command_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(jsonl([*calls(2), *[None] * 30]))
    options = ["--report", str(tmp_path / "rejected.txt"), "--partial-ok"]
    call_command("import_calls", path, *options, verbosity=0)
    out, err = capsys.readouterr()
    assert "2 new, 0 changed, 0 already known, 30 rejected" in out
    assert err.splitlines()[0] == "line 3: Expected an object, got NoneType"
    assert err.splitlines()[-1].startswith("... and 10 more")
    assert (tmp_path / "rejected.txt").read_text().splitlines()[-1].startswith("32\t")


@pytest.mark.parametrize("name", ["", "nothing.jsonl", "half.jsonl.gz"])
def test_the_command_reports_what_is_wrong_with_a_file(tmp_path: Path, name: str):
    (tmp_path / "half.jsonl.gz").write_bytes(gzip.compress(jsonl(calls(9)))[:-9])
    with pytest.raises(CommandError, match=str(tmp_path / name)):
        call_command("import_calls", tmp_path / name, verbosity=0)


def test_rejected_records_are_kept_for_staff_up_to_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(imports, "MAX_KEPT", 2)
    path = tmp_path / "calls.jsonl"
    bad = [ended_payload(id=f"b{n}", state=None) for n in range(5)]
    path.write_bytes(jsonl([*calls(1), *bad]) + b"{\n")
    report, rejected = rejected_by(path)
    assert (report.accepted, report.rejected, len(rejected)) == (1, 6, 6)
    assert set(Unreadable.objects.values_list("source", "reason")) == {
        ("import", "Expected `str`, got `null` - at `$.state`")
    }
    assert Unreadable.objects.count() == 2


def test_a_rejected_line_of_a_table_is_kept_as_it_is(tmp_path: Path):
    path = tmp_path / "calls.csv"
    path.write_text("id;state;timestamp;caller\nx;Ok;1763204400;3,47889E+09\n")
    assert import_calls(path).rejected == 1
    kept = Unreadable.objects.get()
    assert orjson.loads(kept.payload) == "x;Ok;1763204400;3,47889E+09\n"
    assert "A spreadsheet has changed this number" in kept.reason


@pytest.mark.parametrize("field", ["caller", "called", "lineNumber"])
def test_a_number_that_a_spreadsheet_has_changed_is_rejected_in_json_too(
    tmp_path: Path, field: str
):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(jsonl([*calls(1), ended_payload(id="odd", **{field: "3478893084.0"})]))
    report, rejected = rejected_by(path)
    assert (report.accepted, report.rejected) == (1, 1)
    assert field in rejected[0].reason
    assert not ingest.retry_unreadable(Unreadable.objects.get())


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (jsonl(calls(2)), [], 0),
        (b"", [], 0),
        (jsonl([*calls(2), None]), [], 1),
        (jsonl([*calls(2), None]), ["--partial-ok"], 0),
        (jsonl([None]), [], 2),
        (jsonl([None]), ["--partial-ok"], 2),
        (b"PK\x03\x04", ["--partial-ok"], 2),
        (gzip.compress(jsonl(calls(9)))[:-9], ["--partial-ok"], 1),
    ],
    ids=[
        "all good", "empty", "one bad", "one bad, partial", "all bad", "all bad, partial", "a ZIP",
        "cut gzip",
    ],
)  # fmt: skip
def test_the_exit_code_says_whether_lines_were_rejected(
    tmp_path: Path, content: bytes, options: list[str], code: int
):
    path = tmp_path / "calls.jsonl"
    path.write_bytes(content)
    exit_code = 0
    try:
        call_command("import_calls", path, *options, verbosity=0)
    except CommandError as exc:
        exit_code = exc.returncode
    assert exit_code == code


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_progress_and_resuming_work_in_utf16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
):
    monkeypatch.setattr(imports, "CHUNK_SIZE", 10)
    path = as_csv(tmp_path / "calls.csv", calls(25), encoding=encoding)
    positions: list[int] = []
    report = import_calls(path, on_progress=positions.append)
    assert (report.accepted, report.rejected) == (25, 0)
    assert positions[-1] == path.stat().st_size


def test_our_own_csv_of_calls_is_read_back_unchanged(tmp_path: Path, api: Any):
    import_calls(as_csv(tmp_path / "calls.csv", calls(3)))
    path = tmp_path / "export.csv"
    path.write_bytes(api.get("/api/webcom/calls?format=csv&state=Ok").getvalue())
    report, rejected = rejected_by(path)
    assert (rejected, report.stored) == ([], Stored(unchanged=3))


def test_the_admin_s_export_of_calls_is_read_back_unchanged(tmp_path: Path):
    import_calls(as_csv(tmp_path / "calls.csv", calls(3)))
    path = tmp_path / "export.csv"
    path.write_text(CallResource().export(Call.objects.all()).csv)
    report, rejected = rejected_by(path)
    assert (rejected, report.stored) == ([], Stored(unchanged=3))


@pytest.mark.parametrize("path", ["/calls", "/calls/active"])
def test_what_the_sandbox_serves_is_read_as_a_file(tmp_path: Path, path: str):
    with running_sandbox(per_day=2_000) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        answer = requests.get(sandbox.base_url + path, headers=headers, timeout=5)
    (tmp_path / "calls.json").write_bytes(answer.content)
    report, rejected = rejected_by(tmp_path / "calls.json")
    assert (report.accepted, rejected) == (len(answer.json()["calls"]), [])
