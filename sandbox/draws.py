"""The Lotto of the sandbox: the real history up to its last day, invented draws from then on.

The same in every process: what a day's draw is depends on the day alone.
"""

from __future__ import annotations

import zipfile
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from lotto.draw_calendar import DrawCalendar

HISTORY: Final = Path(__file__).parent / "data" / "storico.zip"
HISTORY_MEMBER: Final = "storico.txt"
WHEELS: Final = ("BA", "CA", "FI", "GE", "MI", "NA", "PA", "RM", "RN", "TO", "VE")
_CALENDAR: Final = DrawCalendar()

Draw = dict[str, tuple[int, ...]]


@cache
def history() -> bytes:
    """The operator's file as it was published, a draw a line, oldest first."""
    with zipfile.ZipFile(HISTORY) as archive:
        return archive.read(HISTORY_MEMBER)


def history_ends() -> date:
    """The last day of the real history."""
    last = history().rindex(b"\n", 0, -1) + 1
    return date(*map(int, history()[last : last + 10].split(b"/")))


def invented(day: date) -> Draw:
    """The draw of a day after the real history; empty when there is none on that day."""
    if _CALENDAR.on(day) is None:
        return {}
    dice = Random(f"lotto {day}")
    return {wheel: tuple(dice.sample(range(1, 91), 5)) for wheel in WHEELS}


def on(day: date) -> Draw:
    """The draw of any day, of the real history or invented; empty when there was none."""
    if day > history_ends():
        return invented(day)
    rows = _until(history(), day).rsplit(b"\n", len(WHEELS) + 1)[1:-1]
    fields = [
        row.decode().split("\t") for row in rows if row.startswith(f"{day:%Y/%m/%d}".encode())
    ]
    return {wheel: tuple(map(int, numbers)) for _, wheel, *numbers in fields}


def before(day: date) -> date:
    """The day of the last draw before that day."""
    day -= timedelta(1)
    while not on(day):
        day -= timedelta(1)
    return day


def archive(last: date) -> bytes:
    """The operator's file with everything up to that day."""
    ends = history_ends()
    if last < ends:
        return _until(history(), last)
    days = (ends + timedelta(days) for days in range(1, (last - ends).days + 1))
    new = (
        "\t".join((f"{day:%Y/%m/%d}", wheel, *map(str, numbers))) + "\n"
        for day in days
        for wheel, numbers in invented(day).items()
    )
    return history() + "".join(new).encode()


def newest(last: date, days: int) -> dict[date, Draw]:
    """The newest `days` days with a draw up to `last`, oldest first."""
    found: dict[date, Draw] = {}
    for line in archive(last).splitlines()[-days * len(WHEELS) :]:
        day, wheel, *numbers = line.decode().split("\t")
        draw = found.setdefault(date.fromisoformat(day.replace("/", "-")), {})
        draw[wheel] = tuple(map(int, numbers))
    return dict(list(found.items())[-days:])


def _until(text: bytes, last: date) -> bytes:
    """The lines up to that day: the file is sorted, and searched from its end."""
    day, end = f"{last:%Y/%m/%d}".encode(), len(text)
    while end:
        begin = text.rfind(b"\n", 0, end - 1) + 1
        if text[begin : begin + 10] <= day:
            break
        end = begin
    return text[:end]
