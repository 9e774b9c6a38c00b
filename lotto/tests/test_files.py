"""Archive files: only those of the folder, written whole or not at all."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from lotto import files
from lotto.tests.conftest import SLICE

LINES = [b"2025/12/06\tBA\t12\t45\t67\t23\t89\n"]


def packed(name: str, body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
    return out.getvalue()


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "/etc/passwd",
        "a/../../secret.txt",
        "link",
        "linked/secret.txt",
        "/proc/self/mem",
    ],
)
def test_outside_is_forbidden_whether_it_exists_or_not(
    folders: tuple[Path, Path], path: str
) -> None:
    folder = folders[0]
    secret = folder.parent / "secret.txt"
    (folder / "link").symlink_to(secret)
    (folder / "linked").symlink_to(folder.parent)
    for exists in (False, True):
        if exists:
            secret.write_text("secret")
        with pytest.raises(files.Forbidden), files.importable(path):
            pytest.fail("it was opened")


@pytest.mark.parametrize(
    "path",
    ["none.txt", "", ".", "folder", "pipe", "a\0b", "x" * 5_000],
    ids=["missing", "empty", "dot", "folder", "pipe", "NUL", "5,000 letters"],
)
def test_inside_only_files_are_read(folders: tuple[Path, Path], path: str) -> None:
    folder = folders[0]
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    with pytest.raises((files.UnreadableArchive, files.Forbidden)), files.importable(path):
        pytest.fail("it was opened")


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, lambda body: packed("storico.txt", body)],
    ids=["plain", "gzip", "zip"],
)
def test_plain_gzip_and_zip_are_read(folders: tuple[Path, Path], pack: object) -> None:
    (folders[0] / "file").write_bytes(pack(LINES[0]))  # type: ignore[operator]
    for path in ("file", str(folders[0] / "file")):
        with files.importable(path) as file:
            assert list(files.lines_of(file)) == LINES


@pytest.mark.parametrize(
    "body",
    [
        packed("storico.txt", LINES[0] * 50)[:-30],
        packed("storico.txt", LINES[0])[:20],
        packed("other.exe", LINES[0]),
        gzip.compress(LINES[0] * 50)[:-10],
        b"\x1f\x8b\x08rubbish",
        b"PK\x03\x04rubbish",
    ],
    ids=["cut zip", "no directory", "no text", "cut gzip", "no gzip", "no zip"],
)
def test_a_broken_file_is_reported(body: bytes) -> None:
    with pytest.raises(files.UnreadableArchive):
        list(files.lines_of(io.BytesIO(body)))


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_zip_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch, end: bytes) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1_000_000)
    bomb = packed("storico.txt", (b"0" * 10_000 + end) * 1_000)
    assert len(bomb) < 50_000
    with pytest.raises(files.UnreadableArchive, match="over"):
        list(files.lines_of(io.BytesIO(bomb)))


def test_more_lines_than_there_can_be_draws_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_LINES", 3)
    assert len([*files.lines_of(io.BytesIO(b"BA\n" * 3))]) == 3
    with pytest.raises(files.UnreadableArchive, match="over 3 lines"):
        [*files.lines_of(io.BytesIO(gzip.compress(b"BA\n" * 4)))]


def test_a_long_line_is_one_line() -> None:
    found = list(files.lines_of(io.BytesIO(b"0" * 10_000 + b"\n" + LINES[0])))
    assert found[1:] == LINES


@pytest.mark.django_db
def test_commands_import_and_export_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_lotto", str(SLICE), verbosity=0)
    out = tmp_path / "out.txt"
    out.write_text("before")
    call_command("export_lotto", str(out))
    assert out.read_bytes() == SLICE.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    output = capsys.readouterr().out
    assert "0 rejected" in output
    assert "draws in" in output


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["import_lotto", "export_lotto"])
def test_commands_report_what_is_wrong_with_a_path(tmp_path: Path, command: str) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command(command, str(tmp_path / "none" / "storico.txt"), verbosity=0)
