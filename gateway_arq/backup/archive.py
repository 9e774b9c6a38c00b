"""The file: a gzipped tar whose last member is the manifest, perhaps encrypted with age.

Everything streams: the largest piece in memory is one chunk of rows. What `age -d` and `tar` make
of it are text files that PostgreSQL's COPY reads.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any, Final, cast

import msgspec
import pyrage

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
AGE: Final = b"age-encryption.org/"  # how an encrypted file begins
PARTIAL: Final = ".partial"
READ_SIZE: Final = 1 << 20
COMPRESSION: Final = 3  # gzip's; more costs twice the time for a tenth of the size


class BackupError(Exception):
    """A backup cannot be made, read or restored; a sentence for people says why."""


class Table(msgspec.Struct, frozen=True):
    """One table: its columns, in the order of the values, and how many rows were written."""

    name: str
    columns: list[str]
    rows: int


class Manifest(msgspec.Struct, frozen=True):
    """What the file holds; `members` has the SHA-256 of each, `migrations` is (app, name)."""

    format: int
    version: str
    profile: str
    taken_at: datetime
    migrations: list[tuple[str, str]]
    tables: list[Table]
    members: dict[str, str]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


class Writer:
    """Adds members to the file; `members` collects their checksums."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, path: Path) -> None:
        """Add a file of the disk. OSError, also when it shrinks meanwhile."""
        with path.open("rb") as file:
            self._add(name, file, os.fstat(file.fileno()).st_size)

    def _add(self, name: str, file: IO[bytes], size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = Hashed(file)
        self._tar.addfile(info, hashed)
        self.members[name] = hashed.hexdigest()


class Hashed:
    """A file that is read once, from its begin to its end, and the SHA-256 of that."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._sum = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._sum.update(content)
        return content

    def hexdigest(self) -> str:
        """Of the whole file: what is left is read."""
        while self.read(READ_SIZE):
            continue
        return self._sum.hexdigest()


@contextmanager
def written(path: Path, recipient: str) -> Iterator[Writer]:
    """Write a file that appears under its name when all of it is on the disk, or not at all.

    With a `recipient` (age1...) it is encrypted. Raises BackupError for one that is none, OSError.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        with new_private_file(partial) as file:
            with (
                _sealed(file, recipient) as sink,
                gzip.GzipFile("", "wb", COMPRESSION, sink, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w|") as tar,
            ):
                yield Writer(tar)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        _sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def opened(path: Path, identity: str) -> Iterator[tuple[str, Hashed]]:
    """Each member's name and content, in the order of the file.

    Raises BackupError when the file cannot be decrypted (`identity`: AGE-SECRET-KEY-1...), or is
    broken.
    """
    with (
        _readable(path),
        path.open("rb") as file,
        _unsealed(file, identity) as source,
        gzip.GzipFile(fileobj=source) as packed,
        tarfile.open(fileobj=packed, mode="r|") as tar,
    ):
        for info in tar:
            if info.isfile() and (content := tar.extractfile(info)):
                yield info.name, _Member(content, path)
        while packed.read(READ_SIZE):  # to its checksum, and the end of what is encrypted
            continue


class _Member(Hashed):
    """A file of the backup at `path`; whoever reads it gets BackupError where it is broken."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file)
        self._path = path

    def read(self, size: int = -1) -> bytes:
        with _readable(self._path):
            return super().read(size)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise BackupError(f"{path.name} is broken or no backup: {exc}.") from exc
    except OSError as exc:
        raise BackupError(f"{path.name} cannot be read: {exc.strerror or exc}.") from exc


def verified(path: Path, identity: str) -> Manifest:
    """The manifest, once every byte of the file was read and every checksum is right.

    Raises BackupError.
    """
    found: dict[str, str] = {}
    manifest = b""
    for name, content in opened(path, identity):
        if name == MANIFEST:
            manifest = content.read()
        else:
            found[name] = content.hexdigest()
    if not manifest:
        raise BackupError(f"{path.name} is no backup, or its end is missing.")
    try:
        read = msgspec.json.decode(manifest, type=Manifest)
    except msgspec.MsgspecError as exc:
        raise BackupError(f"{path.name} is of another version: {exc}.") from exc
    if read.format != FORMAT:
        raise BackupError(f"{path.name} has format {read.format}; this gateway reads {FORMAT}.")
    if wrong := sorted(found.items() ^ read.members.items()):
        raise BackupError(f"{path.name} is broken: {wrong[0][0]} is not as it was written.")
    return read


# --- Encryption -----------------------------------------------------------------------------------


@contextmanager
def _sealed(file: IO[bytes], recipient: str) -> Iterator[IO[bytes]]:
    if not recipient:
        yield file
        return
    try:
        to = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError as exc:
        raise BackupError("BACKUP_RECIPIENT is no age1... address.") from exc
    target = cast(BufferedIOBase, file)
    with _piped(lambda source: pyrage.encrypt_io(source, target, [to])) as sink:
        yield sink


@contextmanager
def _piped(work: Callable[[BufferedIOBase], object]) -> Iterator[IO[bytes]]:
    """A file to write to that `work` reads in a thread; its error replaces a broken pipe's."""
    source_fd, sink_fd = os.pipe()

    def run() -> None:
        with os.fdopen(source_fd, "rb") as source:
            work(cast(BufferedIOBase, source))

    with ThreadPoolExecutor(1) as pool:
        done: Future[None] = pool.submit(run)
        try:
            with os.fdopen(sink_fd, "wb") as sink:
                yield sink
        except BrokenPipeError:
            _raise_encryption(done)
            raise
        _raise_encryption(done)


def _raise_encryption(done: Future[None]) -> None:
    try:
        done.result()
    except pyrage.EncryptError as exc:  # the library's, for an error of the disk too
        raise BackupError(f"It cannot be encrypted or written: {exc}.") from exc


@contextmanager
def _unsealed(file: IO[bytes], identity: str) -> Iterator[IO[bytes]]:
    if not file.peek(len(AGE)).startswith(AGE):  # type: ignore[attr-defined]  # buffered
        yield file
        return
    if not identity:
        raise BackupError("It is encrypted: name the file with its key (--identity).")
    try:
        key = pyrage.x25519.Identity.from_str(identity)
    except pyrage.IdentityError as exc:
        raise BackupError("The identity is no AGE-SECRET-KEY-1... line.") from exc
    source_fd, sink_fd = os.pipe()

    def run() -> None:
        with os.fdopen(sink_fd, "wb") as sink:
            pyrage.decrypt_io(cast(BufferedIOBase, file), cast(BufferedIOBase, sink), [key])

    with ThreadPoolExecutor(1) as pool:
        done: Future[None] = pool.submit(run)
        try:
            with os.fdopen(source_fd, "rb") as source:
                yield source
        except (EOFError, tarfile.TarError, zlib.error):
            _raise_decryption(done)
            raise
        _raise_decryption(done)


def _raise_decryption(done: Future[None]) -> None:
    try:
        done.result()
    except pyrage.DecryptError as exc:
        raise BackupError(f"It cannot be decrypted with this identity: {exc}.") from exc


# --- Disk -----------------------------------------------------------------------------------------


def new_private_file(path: Path) -> IO[bytes]:
    """A file that only its owner may read. OSError, also when it exists."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a power cut, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def json_bytes(value: Any) -> bytes:
    """The manifest's spelling, with line breaks for people."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1)
