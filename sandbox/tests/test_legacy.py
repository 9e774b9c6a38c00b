"""The sandbox's old database: the operator's draws, and predictions for them."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox import draws, legacy
from sandbox.testing import ManualClock

LAST = date(2025, 12, 6)  # a Saturday, with a draw
PAGE = Path(__file__).parents[2] / "docs" / "upstreams" / "legacy-db.md"


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(statement).fetchall()


def test_draws_are_those_of_the_operator(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "legacy.sqlite3"
    legacy.fill(path, LAST)
    found = rows(path, "SELECT * FROM extractions ORDER BY data_estrazione DESC, ruota")
    assert len(found) == legacy.DAYS * 11
    _, day, wheel, *numbers = found[0]
    assert (day, wheel) == ("20251206", "BA")
    line = "\t".join(("2025/12/06", "BA", *map(str, numbers))) + "\n"
    assert line.encode() in draws.history()


def test_invented_draws_follow_the_real_ones(tmp_path: Path) -> None:
    last = date(2026, 12, 5)
    legacy.fill(tmp_path / "file", last)
    found = rows(tmp_path / "file", "SELECT n1, n2, n3, n4, n5 FROM extractions "
                 "WHERE data_estrazione = '20261205' AND ruota = 'RN'")  # fmt: skip
    assert found == [draws.invented(last)["RN"]]


def test_every_draw_has_predictions_and_filling_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    legacy.fill(path, LAST)
    before = rows(path, "SELECT * FROM predictions")
    legacy.fill(path, LAST)
    assert rows(path, "SELECT * FROM predictions") == before
    by_day = rows(path, "SELECT count(*) FROM predictions GROUP BY data_estrazione")
    assert len(by_day) == legacy.DAYS
    assert 4 <= min(by_day)[0] <= max(by_day)[0] <= 8


def test_the_file_has_the_documented_columns() -> None:
    documented = "\n".join(re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL))
    for table in ("extractions", "predictions"):
        ours, theirs = (
            set(re.findall(r"(?<![\w`])([a-z][a-z_0-9]+) +(?:INT|CHAR|VARCHAR|TINYINT)", text))
            for text in (
                legacy.SCHEMA.partition(f"EXISTS {table} (")[2].partition("\n)")[0],
                documented.partition(f"TABLE {table} (")[2].partition("\n)")[0],
            )
        )
        assert ours == theirs
        assert len(ours) >= 5


def test_a_new_evening_brings_its_draw_and_an_unusable_file_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(legacy, "CHECK_EVERY_S", 0.01)
    path = tmp_path / "file"
    path.mkdir()
    clock = ManualClock(datetime(2025, 12, 6, 21, 59, tzinfo=UTC).timestamp())

    async def evening() -> list[str]:
        days = []
        updating = asyncio.create_task(legacy.keep_current(path, clock=clock))
        async with asyncio.timeout(30):
            while "legacy.not_filled" not in caplog.text:
                await asyncio.sleep(0.01)
            path.rmdir()
            days.append(await newest(path))
            clock.now += 120  # past 23:00 in Rome
            days.append(await newest(path, other_than=days[0]))
        updating.cancel()
        with suppress(asyncio.CancelledError):
            await updating
        return days

    assert asyncio.run(evening()) == ["20251205", "20251206"]


async def newest(path: Path, *, other_than: str = "") -> str:
    """The newest day in the file, once it is another."""
    while True:
        with suppress(sqlite3.OperationalError):
            ((day,),) = rows(path, "SELECT max(data_estrazione) FROM extractions")
            if day not in (None, other_than):
                return str(day)
        await asyncio.sleep(0.01)
