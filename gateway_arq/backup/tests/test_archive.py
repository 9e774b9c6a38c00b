"""The file: written whole or not at all, and nothing broken passes for whole."""

from __future__ import annotations

import gzip
import random
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway_arq.backup import archive
from gateway_arq.backup.archive import BackupError, Manifest, verified, written
from gateway_arq.backup.keys import make_key, read_key

ROWS = b"1\tone\n" * 100_000


def write(path: Path, recipient: str = "", *, rows: bytes = ROWS, format_: int = 1) -> Path:
    """A backup of one table and one file."""
    with written(path, recipient) as writer:
        writer.add("tables/t/000000.copy", rows)
        writer.add("files/lotto-import/a.tsv", b"draws")
        table = archive.Table("t", ["id", "name"], rows.count(b"\n"))
        taken = datetime(2026, 1, 31, tzinfo=UTC)
        manifest = Manifest(format_, "1.0.0", "sqlite", taken, [], [table], dict(writer.members))
        writer.add(archive.MANIFEST, archive.json_bytes(manifest))
    return path


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, str]:
    """The public and the secret half of a key."""
    recipient = make_key(tmp_path / "key")
    return recipient, read_key(tmp_path / "key")


def test_a_backup_is_read_as_it_was_written_by_its_owner_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "b.tar.gz")
    manifest = verified(path, "")
    assert (manifest.rows, manifest.profile) == (100_000, "sqlite")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["b.tar.gz"]


def test_tar_and_gzip_alone_can_read_it(tmp_path: Path) -> None:
    path = write(tmp_path / "b.tar.gz")
    with tarfile.open(path) as tar:
        assert tar.extractfile("tables/t/000000.copy").read() == ROWS


def test_an_encrypted_one_says_nothing_without_its_key(
    tmp_path: Path, key: tuple[str, str]
) -> None:
    path = write(tmp_path / "b.tar.gz.age", key[0])
    content = path.read_bytes()
    assert content.startswith(archive.AGE)
    assert verified(path, key[1]).rows == 100_000
    with pytest.raises(BackupError, match="--identity"):
        verified(path, "")
    make_key(tmp_path / "other")
    with pytest.raises(BackupError, match="cannot be decrypted"):
        verified(path, read_key(tmp_path / "other"))


@pytest.mark.parametrize("encrypted", [False, True])
def test_every_cut_is_found(tmp_path: Path, key: tuple[str, str], encrypted: bool) -> None:
    path = write(tmp_path / "b", key[0] if encrypted else "", rows=b"1\tone\n" * 50)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(BackupError):
            verified(path, key[1])


def test_every_changed_byte_of_an_encrypted_one_is_found(
    tmp_path: Path, key: tuple[str, str]
) -> None:
    path = write(tmp_path / "b", key[0], rows=b"1\tone\n" * 50)
    whole = path.read_bytes()
    for place in range(20, len(whole), 37):
        path.write_bytes(changed(whole, place))
        with pytest.raises(BackupError):
            verified(path, key[1])


def test_no_changed_byte_changes_what_is_read(tmp_path: Path) -> None:
    """Some bits of gzip's own tables mean nothing; all others are found."""
    path = write(tmp_path / "b", rows=b"1\tone\n" * 50)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(changed(whole, place))
        try:
            verified(path, "")
        except BackupError:
            continue
        assert gzip.decompress(changed(whole, place)) == gzip.decompress(whole)


def changed(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_rows_that_were_changed_by_hand_are_found(tmp_path: Path) -> None:
    path = write(tmp_path / "b.tar.gz")
    tar = gzip.decompress(path.read_bytes()).replace(b"1\tone", b"1\ttwo", 1)
    path.write_bytes(gzip.compress(tar))
    with pytest.raises(BackupError, match=r"tables/t/000000\.copy is not as it was written"):
        verified(path, "")


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="format 2"):
        verified(write(tmp_path / "b.tar.gz", format_=2), "")


@pytest.mark.parametrize("recipient", [False, True])
def test_what_fails_midway_leaves_nothing(
    tmp_path: Path, key: tuple[str, str], recipient: bool
) -> None:
    path = tmp_path / "b.tar.gz"
    with pytest.raises(FileNotFoundError), written(path, key[0] if recipient else "") as writer:
        writer.add_file("files/lotto-import/a.tsv", tmp_path / "gone")
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_full_disk_is_an_error_that_says_so(
    tmp_path: Path, key: tuple[str, str], encrypted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, monkeypatch.context() as patched:
        patched.setattr(archive, "new_private_file", lambda path: full)
        with pytest.raises((OSError, BackupError), match="No space left"):
            write(tmp_path / "b", key[0] if encrypted else "", rows=_noise())


def _noise() -> bytes:
    return random.Random(1).randbytes(4 << 20) + b"\n"


def test_a_recipient_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="BACKUP_RECIPIENT"):
        write(tmp_path / "b", "age1nonsense")
    assert not list(tmp_path.iterdir())


def test_a_key_is_never_overwritten_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        make_key(tmp_path / "key")
    (tmp_path / "none").write_text("age1...\n")
    with pytest.raises(BackupError, match="AGE-SECRET-KEY"):
        read_key(tmp_path / "none")
