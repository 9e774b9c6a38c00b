"""Read and write archive files.

Only regular files inside the import folder are opened, however their path is spelled.
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
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings

from core.lib import table_files
from core.lib.table_files import ARCHIVE
from lotto.ingest import archive_lines
from lotto.tsv import DrawLines

MAX_BYTES: Final = 64 * 1024 * 1024  # unpacked; the whole archive since 1939 is 2 MB
BUFFER_BYTES: Final = 64 * 1024
MAX_LINES: Final = 500_000  # four times those since 1939
MAX_FIRST_LINES: Final = 100  # in which a text in a ZIP must have a draw, beside others
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
    """The lines of an archive file, plain, gzip or ZIP, read piece by piece; in UTF-8.

    Raises UnreadableArchive when it is broken, over MAX_BYTES or MAX_LINES, or a ZIP without
    exactly one text that has draws.
    """
    try:
        yield from _lines(_unpacked(file))
    except table_files.UnreadableFile as exc:
        raise UnreadableArchive(f"The file is broken ({exc}).") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as exc:
        raise UnreadableArchive(f"The file is broken ({type(exc).__name__}).") from None
    except RuntimeError:  # zipfile's error for an encrypted member
        raise UnreadableArchive("The ZIP is encrypted.") from None


def is_name(text: str) -> bool:
    """Whether it is a plain file name, without any path."""
    return _NAME.fullmatch(text) is not None


def write(target: Path) -> int:
    """Write the archive to a file, atomically; returns the number of draws. Raises OSError."""
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
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]  # typeshed does not know that it is an IO[bytes]
    if magic == ARCHIVE:
        archive = zipfile.ZipFile(file)
        return archive.open(_member(archive))
    return file


def _member(archive: zipfile.ZipFile) -> str:
    """The one text of a ZIP; of several the one that has draws. Raises UnreadableArchive."""
    texts = [name for name in archive.namelist() if _is_text(name)]
    if len(texts) > 1:
        texts = [name for name in texts if _has_draws(archive, name)]
    if len(texts) != 1:
        raise UnreadableArchive("The ZIP must hold one .txt, .tsv or .csv file with draws.")
    return texts[0]


def _is_text(name: str) -> bool:
    """Whether it may be an archive, and is not what a Mac adds to each file."""
    *folders, last = name.split("/")
    return (
        last.lower().endswith((".txt", ".tsv", ".csv"))
        and not last.startswith(".")
        and "__MACOSX" not in folders
    )


def _has_draws(archive: zipfile.ZipFile, name: str) -> bool:
    """Whether a draw is among its first lines."""
    reader = DrawLines()
    with archive.open(name) as member:
        found = (
            reader.read(line.rstrip(b"\r\n")) for line in islice(_lines(member), MAX_FIRST_LINES)
        )
        return any(isinstance(draw, bytes) for draws in found for draw in draws)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    # A buffer above the count reads in large pieces.
    lines = table_files.lines_of(io.BufferedReader(_Bounded(file), BUFFER_BYTES))
    for count, line in enumerate(lines, 1):
        if count > MAX_LINES:
            raise UnreadableArchive(f"The file has over {MAX_LINES:,} lines.")
        yield line


class _Bounded(io.RawIOBase):
    """A file that says so when it becomes too large: unpacking may go on without end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._total = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        self._total += len(data)
        if self._total > MAX_BYTES:
            raise UnreadableArchive(f"The file is over {MAX_BYTES:,} bytes unpacked.")
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._total = 0
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
