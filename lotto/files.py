"""Read and write archive files.

Only regular files inside the import folder are opened, however their path is spelled; `export`
writes to the export folder only.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from django.conf import settings

from lotto.ingest import archive_lines

MAX_BYTES: Final = 64 * 1024 * 1024  # unpacked; the whole archive since 1939 is 2 MB
BUFFER_BYTES: Final = 64 * 1024
MAX_LINES: Final = 500_000  # four times those since 1939
MAX_LINE_BYTES: Final = 4_096
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)


class Forbidden(Exception):
    """A path outside its folder; whether a file exists there is not disclosed."""


class UnreadableArchive(Exception):
    """A file that does not exist, or is not an archive; the message is for people."""


@contextmanager
def importable(path: str) -> Iterator[IO[bytes]]:
    """A file of the import folder, by its relative or absolute path.

    Raises Forbidden for everything outside, including links out of it, and UnreadableArchive.
    """
    folder = settings.LOTTO_IMPORT_DIR
    if "\0" in path:
        raise UnreadableArchive("The path contains a NUL.")
    try:
        real = Path(os.path.realpath(folder / path))
    except OSError:
        raise Forbidden from None
    if not real.is_relative_to(os.path.realpath(folder)):
        raise Forbidden
    try:
        number = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise UnreadableArchive("There is no such file in the import folder.") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise UnreadableArchive("That is not a file.")
    with os.fdopen(number, "rb") as file:
        yield file


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of an archive file, plain, gzip or ZIP, read piece by piece.

    Raises UnreadableArchive when it is broken, over MAX_BYTES or MAX_LINES, or a ZIP that does not
    hold exactly one text.
    """
    try:
        yield from _bounded(_unpacked(file))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as exc:
        raise UnreadableArchive(f"The file is broken ({type(exc).__name__}).") from None
    except RuntimeError:  # zipfile's error for an encrypted member
        raise UnreadableArchive("The ZIP is encrypted.") from None


def is_name(text: str) -> bool:
    """Whether it is a plain file name, without any path."""
    return _NAME.fullmatch(text) is not None


def export(name: str) -> tuple[int, Path]:
    """Write the archive to the export folder; returns the number of draws and the path.

    Raises Forbidden for a name that is not a plain file name, OSError when writing fails.
    """
    if not is_name(name):
        raise Forbidden
    folder: Path = settings.LOTTO_EXPORT_DIR
    folder.mkdir(parents=True, exist_ok=True)
    return write(folder / name), folder / name


def write(target: Path) -> int:
    """Write the archive to a file, atomically; returns the number of draws."""
    count = 0
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        try:
            for line in archive_lines():
                file.write(line + b"\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return count


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=file), BUFFER_BYTES)
    if magic == b"PK\x03\x04":
        archive = zipfile.ZipFile(file)
        texts = [name for name in archive.namelist() if name.lower().endswith((".txt", ".tsv"))]
        if len(texts) != 1:
            raise UnreadableArchive("The ZIP must hold one .txt or .tsv file.")
        return io.BufferedReader(cast(io.RawIOBase, archive.open(texts[0])), BUFFER_BYTES)
    return file


def _bounded(file: IO[bytes]) -> Iterator[bytes]:
    total = count = 0
    while line := file.readline(MAX_LINE_BYTES):
        total += len(line)
        rest = line
        while len(rest) == MAX_LINE_BYTES and not rest.endswith(b"\n"):  # one line, not two
            rest = file.readline(MAX_LINE_BYTES)
            total += len(rest)
            if total > MAX_BYTES:
                break
        if total > MAX_BYTES:
            raise UnreadableArchive(f"The file is over {MAX_BYTES:,} bytes unpacked.")
        count += 1
        if count > MAX_LINES:
            raise UnreadableArchive(f"The file has over {MAX_LINES:,} lines.")
        yield line
