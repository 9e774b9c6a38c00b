"""The Lotto of the sandbox: the real history as far as we have it, invented draws from then on.

The same in every process: what a day's draw is depends on the day alone.
"""

from __future__ import annotations

import zipfile
from bisect import bisect_left
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

HISTORY: Final = Path(__file__).parent / "data" / "storico.zip"
HISTORY_MEMBER: Final = "storico.txt"
WHEELS: Final = ("BA", "CA", "FI", "GE", "MI", "NA", "PA", "RM", "RN", "TO", "VE")
DRAW_DAYS: Final = (1, 3, 4, 5)  # Tuesday, Thursday, Friday, Saturday

Draw = dict[str, tuple[int, ...]]


@cache
def history() -> tuple[bytes, ...]:
    """The lines of the operator's file as it was published, oldest first."""
    with zipfile.ZipFile(HISTORY) as archive:
        return tuple(archive.read(HISTORY_MEMBER).splitlines())


@cache
def history_ends() -> date:
    """The last day of the real history."""
    return date(*map(int, history()[-1][:10].split(b"/")))


def invented(day: date) -> Draw:
    """The draw of a day after the real history; empty when there is none on that day."""
    if day.weekday() not in DRAW_DAYS:
        return {}
    dice = Random(f"lotto {day}")
    return {wheel: tuple(dice.sample(range(1, 91), 5)) for wheel in WHEELS}


def lines(last: date) -> list[bytes]:
    """The operator's file with everything up to that day, line by line."""
    real = history()
    found = list(real[: bisect_left(real, f"{last + timedelta(days=1):%Y/%m/%d}".encode())])
    day = history_ends()
    while (day := day + timedelta(days=1)) <= last:
        for wheel, numbers in invented(day).items():
            found.append("\t".join((f"{day:%Y/%m/%d}", wheel, *map(str, numbers))).encode())
    return found
