"""The whole archive of draws imported, 76,428 lines of the operator's ZIP: first, then once more.

Peers: COPY (PostgreSQL) or executemany (SQLite) of the same rows, made ready beforehand, into the
same table; and reading and parsing the same file without a database.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from bench.kit import bench_database, heading, interleaved, line, setup_django, timed

ROOT = Path(__file__).parent.parent
FILE = ROOT / "sandbox" / "data" / "storico.zip"
ROUNDS = 7


def main() -> None:
    with bench_database():
        heading("The archive since 1939 into PostgreSQL (median of seven)")
        text = "".join("\t".join(map(str, row)) + "\n" for row in ready())
        _ready.append(text.encode())
        measure(raw_copy, "straight COPY of ready rows")
    subprocess.run([sys.executable, "-m", "bench.lotto_import"], cwd=ROOT, check=True)


def measure(raw: Callable[[], None], name: str) -> None:
    sides = {name: partial(emptied, raw), "import": partial(emptied, import_draws)}
    first = interleaved(sides, rounds=ROUNDS)
    line(name, f"{first[name] * 1000:.0f} ms")
    line("import", f"{first['import'] * 1000:.0f} ms", f"{first['import'] / first[name]:.2f}x")
    sides = {
        "reading and parsing": partial(timed, parse),
        "import again": partial(timed, import_draws),
    }
    again = interleaved(sides, rounds=ROUNDS)
    seconds = again["import again"]
    line("reading and parsing the file", f"{again['reading and parsing'] * 1000:.0f} ms")
    ratio = f"{seconds / again['reading and parsing']:.2f}x"
    line("import again, nothing new", f"{seconds * 1000:.0f} ms", ratio)


def emptied(work: Callable[[], None]) -> float:
    """Seconds of `work` into an empty table, the disk quiet."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE lotto_extraction")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("DELETE FROM lotto_extraction")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return timed(work)


def import_draws() -> None:
    from lotto import files, imports

    with FILE.open("rb") as file:
        imports.import_draws(files.lines_of(file), name=FILE.name)


def parse() -> None:
    """Every line as a day, a wheel and five numbers, in plain Python."""
    from lotto import files

    with FILE.open("rb") as file:
        found = []
        for text in files.lines_of(file):
            day, wheel, *numbers = text.decode().split("\t")
            found.append((date(*map(int, day.split("/"))), wheel, *map(int, numbers)))
    assert len(found) > 76_000


def ready() -> list[tuple[Any, ...]]:
    from lotto import files

    with FILE.open("rb") as file:
        rows = []
        for text in files.lines_of(file):
            day, wheel, *numbers = text.decode().rstrip("\n").split("\t")
            at = "2026-01-01 00:00:00"
            rows.append((day.replace("/", "-"), wheel, *numbers, "import", False, at, at))
        return rows


COLUMNS = "day, wheel, n1, n2, n3, n4, n5, source, verified, created_at, updated_at"
_ready: list[Any] = []


def raw_copy() -> None:
    from django.db import connection, transaction

    statement = f"COPY lotto_extraction ({COLUMNS}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_ready[0])


def raw_executemany() -> None:
    from django.db import connection, transaction

    places = ", ".join(["?"] * 11)
    with transaction.atomic():
        # Past Django's wrapper: as raw as it goes.
        statement = f"INSERT INTO lotto_extraction ({COLUMNS}) VALUES ({places})"
        connection.connection.executemany(statement, _ready)


if __name__ == "__main__":
    setup_django("")
    _ready.extend(ready())
    heading("The archive since 1939 into SQLite (median of seven)")
    measure(raw_executemany, "raw executemany of ready rows")
