"""Ingest through the whole path (read, merge, store, mark, publish) in batches of 100 calls.

Peers, given rows that are ready: raw COPY into the same table with the same indexes, one
transaction a batch; Django's `update_or_create`, call by call; on SQLite raw `executemany`, one
transaction a batch. The table holds 100,000 calls before, the new ones are of the last minutes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from bench.kit import bench_database, call_payload, heading, interleaved, line, setup_django, timed

BATCH, BATCHES = 100, 100
BEFORE = 100_000
SLOW_BATCHES = 5  # of the peer that is two orders slower


class Side(NamedTuple):
    prepare: Callable[[list[bytes]], Any]  # not timed
    store: Callable[[Any], object]
    batches: int = BATCHES


def main() -> None:
    heading(f"Ingest in batches of {BATCH}, calls/s")
    with bench_database():
        figures = compare(
            {
                "raw COPY": Side(rows, copy),
                "whole path": Side(list, ingest),
                "update_or_create": Side(records, update_or_create, SLOW_BATCHES),
            }
        )
    line(
        "whole path / update_or_create",
        f"{figures['whole path'] / figures['update_or_create']:.0f}x",
    )
    # Django has one database per process
    subprocess.run([sys.executable, "-m", "bench.ingest"], check=True)


def main_sqlite() -> None:
    setup_django("")
    compare(
        {
            "raw executemany (SQLite)": Side(rows, execute_many),
            "whole path (SQLite)": Side(list, ingest),
        }
    )


def compare(sides: dict[str, Side]) -> dict[str, float]:
    """Print and return every side's calls/s; the first is what the others are compared with."""
    fresh = fresh_batches()
    fill(BEFORE)

    def rate(side: Side) -> Callable[[], float]:
        def measure() -> float:
            ready = [side.prepare(next(fresh)) for _ in range(side.batches)]
            return side.batches * BATCH / timed(lambda: [side.store(batch) for batch in ready])

        return measure

    figures = interleaved({name: rate(side) for name, side in sides.items()})
    base = next(iter(figures))
    for name, figure in figures.items():
        line(name, f"{figure:,.0f}/s", f"{figure / figures[base]:.2f} of {base}")
    return figures


def fresh_batches() -> Iterator[list[bytes]]:
    """Calls as they come over the wire, never the same twice."""
    number = 0
    while True:
        now = int(time.time())
        yield [orjson.dumps(call_payload(number + n, now=now, days=0.003)) for n in range(BATCH)]
        number += BATCH


def fill(count: int) -> None:
    from django.db import connection

    from webcom.ingest import store_calls
    from webcom.types import parse_call

    for first in range(0, count, 5_000):
        now = int(time.time()) - 3_600
        store_calls(
            [
                parse_call(call_payload(-1 - first - n, now=now, id=f"before{first + n}"))
                for n in range(5_000)
            ],
            announce=False,
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def records(wire: list[bytes]) -> list[Any]:
    from webcom.types import parse_call

    return [parse_call(orjson.loads(payload)) for payload in wire]


def rows(wire: list[bytes]) -> list[tuple[Any, ...]]:
    from core.lib.upsert import sql_time
    from webcom.call_rows import row_of

    stored_at = sql_time(int(time.time()))
    return [row_of(record, stored_at) for record in records(wire)]


def ingest(wire: list[bytes]) -> None:
    from webcom.ingest import store_calls

    store_calls(records(wire))


def copy(ready: list[tuple[Any, ...]]) -> None:
    from django.db import connection, transaction

    from webcom.call_rows import COLUMNS

    sql = f"COPY webcom_call ({', '.join(COLUMNS)}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(sql) as stream:
        for row in ready:
            stream.write_row(row)


def execute_many(ready: list[tuple[Any, ...]]) -> None:
    from django.db import connection, transaction

    from webcom.call_rows import COLUMNS

    places = ", ".join(["%s"] * len(COLUMNS))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO webcom_call ({', '.join(COLUMNS)}) VALUES ({places})", ready
        )


def update_or_create(calls: list[Any]) -> None:
    from datetime import UTC, datetime

    from django.utils import timezone

    from webcom.models import Call

    for call in calls:
        fields = {
            "line_id": call.line_id,
            "line_number": call.line_number,
            "state": call.state,
            "stage": int(call.stage),
            "revision": call.revision,
            "direction": call.direction,
            "caller": call.caller,
            "called": call.called,
            "caller_operator": call.caller_operator,
            "cost": call.cost,
            "duration_s": call.duration_s,
            "started_at": datetime.fromtimestamp(call.started_at, UTC),
            "ended_at": datetime.fromtimestamp(call.ended_at, UTC),
            "stored_at": timezone.now(),
        }
        Call.objects.update_or_create(id=call.id, defaults=fields)


if __name__ == "__main__":
    main_sqlite()
