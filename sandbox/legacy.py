"""The old database with the predictions, as a SQLite file: `docs/upstreams/legacy-db.md`.

Its draws are those of the sandbox's operator; the predictions are invented, independently of
the draw that they are for.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Final

from sandbox import ROME, draws
from sandbox.operator import PUBLISHED

logger = logging.getLogger("sandbox")

DAYS: Final = 120  # with a draw; older ones are removed
CHECK_EVERY_S: Final = 60
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS extractions (
    id INTEGER PRIMARY KEY,
    data_estrazione CHAR(8) NOT NULL,
    ruota VARCHAR(20) NOT NULL,
    n1 INTEGER, n2 INTEGER, n3 INTEGER, n4 INTEGER, n5 INTEGER,
    UNIQUE (data_estrazione, ruota)
);
CREATE TABLE IF NOT EXISTS predictions (
    id INTEGER PRIMARY KEY,
    data_estrazione CHAR(8) NOT NULL,
    ruote VARCHAR(120) NOT NULL,
    numeri VARCHAR(40) NOT NULL,
    note VARCHAR(200)
);
CREATE INDEX IF NOT EXISTS predictions_data ON predictions (data_estrazione);
"""
NAMES: Final = {
    "BA": "Bari", "CA": "Cagliari", "FI": "Firenze", "GE": "Genova", "MI": "Milano", "NA": "Napoli",
    "PA": "Palermo", "RM": "Roma", "RN": "Nazionale", "TO": "Torino", "VE": "Venezia",
}  # fmt: skip
PLAYS: Final = {1: "Ambata", 2: "Ambo", 3: "Terzina", 4: "Quartina", 5: "Cinquina"}
METHODS: Final = (
    "ciclometria", "il ritardo più lungo", "vertibili e distanza 45", "la smorfia della settimana",
    "somma 90", "frequenza dell’ultimo mese",
)  # fmt: skip

Row = tuple[str, str, str, str]


async def keep_current(path: Path, *, clock: Callable[[], float] = time.time) -> None:
    """Update the file after every evening's draw, until cancelled."""
    done: date | None = None
    while True:
        last = (datetime.fromtimestamp(clock(), ROME) - PUBLISHED).date()
        if last != done:
            try:
                await asyncio.to_thread(fill, path, last)
                done = last
            except (OSError, sqlite3.Error) as exc:
                logger.error("legacy.not_filled file=%s error=%s", path, exc)
        await asyncio.sleep(CHECK_EVERY_S)


def fill(path: Path, last: date) -> None:
    """Write the file as of the evening of `last`, in one transaction."""
    found = draws.newest(last, DAYS)
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
        with database:
            database.execute("DELETE FROM extractions")
            database.execute("DELETE FROM predictions")
            database.executemany(
                "INSERT INTO extractions (data_estrazione, ruota, n1, n2, n3, n4, n5) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (f"{day:%Y%m%d}", wheel, *numbers)
                    for day, draw in found.items()
                    for wheel, numbers in draw.items()
                ),
            )
            database.executemany(
                "INSERT INTO predictions (data_estrazione, ruote, numeri, note) "
                "VALUES (?, ?, ?, ?)",
                (row for day in found for row in predictions(day)),
            )
    logger.info("legacy.filled draws=%d last=%s", len(found), max(found))


def predictions(day: date) -> Iterator[Row]:
    """What people played for that day's draw; the same in every process."""
    dice = Random(f"predictions {day}")
    for _ in range(dice.randint(4, 8)):
        count = dice.choices(list(PLAYS), weights=[3, 5, 4, 2, 2])[0]
        numbers = sorted(dice.sample(range(1, 91), count))
        written = dice.choice((", ", ".", "-")).join(map(str, numbers))
        note = f"{PLAYS[count]}: {dice.choice(METHODS)}"
        yield f"{day:%Y%m%d}", _wheels(dice), written, note


def _wheels(dice: Random) -> str:
    kind = dice.random()
    if kind < 0.35:
        return "TUTTE"
    chosen = dice.sample(list(NAMES), 1 if kind < 0.75 else 2)
    return ", ".join(chosen if dice.random() < 0.3 else [NAMES[code] for code in chosen])
