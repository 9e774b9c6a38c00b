"""Archive files: which may be read, how they are packed, and how one is written.

Only regular files inside the import folder are opened, however their path is written; only the
export folder is written to.
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
BUFFERED: Final = 64 * 1024
LONGEST_LINE: Final = 4_096
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)


class Forbidden(Exception):
    """A path that is not inside its folder; nobody is told whether anything is there."""


class Unreadable(Exception):
    """A file that is not there, or no archive; the message is for people."""


@contextmanager
def importable(path: str) -> Iterator[IO[bytes]]:
    """A file of the import folder, by its path in it or its whole path.

    Raises Forbidden for everything outside, links out of it included, and Unreadable.
    """
    folder = settings.LOTTO_IMPORT_DIR
    if "\0" in path:
        raise Unreadable("The path contains a NUL.")
    try:
        real = Path(os.path.realpath(folder / path))
    except OSError:
        raise Forbidden from None
    if not real.is_relative_to(os.path.realpath(folder)):
        raise Forbidden
    try:
        number = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise Unreadable("There is no such file in the import folder.") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise Unreadable("That is not a file.")
    with os.fdopen(number, "rb") as file:
        yield file


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of an archive file, plain, gzip or ZIP, read bit by bit.

    Raises Unreadable when it is broken, over MAX_BYTES, or a ZIP without exactly one text.
    """
    try:
        yield from _bounded(_unpacked(file))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as exc:
        raise Unreadable(f"The file is broken ({type(exc).__name__}).") from None
    except RuntimeError:  # zipfile's word for an encrypted member
        raise Unreadable("The ZIP is encrypted.") from None


def is_name(text: str) -> bool:
    """Whether it is a plain file's name, with nothing that could lead out of a folder."""
    return _NAME.fullmatch(text) is not None


def export(name: str) -> tuple[int, Path]:
    """Write the archive to the export folder: how many draws it has, and where it is.

    Raises Forbidden for a name that is more than a file's name, OSError when the disk refuses.
    """
    if not is_name(name):
        raise Forbidden
    folder: Path = settings.LOTTO_EXPORT_DIR
    folder.mkdir(parents=True, exist_ok=True)
    return write(folder / name), folder / name


def write(target: Path) -> int:
    """Write the archive to a file, which is there whole or as it was; returns its draws."""
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
        return io.BufferedReader(gzip.GzipFile(fileobj=file), BUFFERED)
    if magic == b"PK\x03\x04":
        archive = zipfile.ZipFile(file)
        texts = [name for name in archive.namelist() if name.lower().endswith((".txt", ".tsv"))]
        if len(texts) != 1:
            raise Unreadable("The ZIP must hold one .txt or .tsv file.")
        return io.BufferedReader(cast(io.RawIOBase, archive.open(texts[0])), BUFFERED)
    return file


def _bounded(file: IO[bytes]) -> Iterator[bytes]:
    total = 0
    while line := file.readline(LONGEST_LINE):
        total += len(line)
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):  # one line, not two
            rest = file.readline(LONGEST_LINE)
            total += len(rest)
            if total > MAX_BYTES:
                break
        if total > MAX_BYTES:
            raise Unreadable(f"The file is over {MAX_BYTES:,} bytes unpacked.")
        yield line
