"""The table of calls as it is, and in monthly partitions: what each costs as history grows.

Partitioned by `started_at`, uniqueness by id is not the database's any more: either ingest alone
sees to it (its lock, and a look into every partition), or a table of all ids does. Partitioned by
`id`, which begins with the second in which the carrier made it, it still is. What runs are the real
selectors, ingest and retention.

Every variant is built, measured and dropped by itself: two of 30,000,000 calls do not fit on a
small disk. So the backend's processor time stands beside each figure: ms per read, us per call.
Run it against a PostgreSQL of its own, named in BENCH_POSTGRES: docs/scale.md.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

from bench.kit import bench_database, call_payload, cpu_s, heading, line, timed, turn

SIZES = [int(size) for size in os.environ.get("BENCH_CALLS", "3000000,30000000").split(",")]
MONTHS, LINES, CALLERS = 36, 60, 500_000
MONTH_S = 30 * 86_400
NOW = int(time.time()) // 3600 * 3600
BEGAN = NOW - MONTHS * MONTH_S
READS, BATCHES, BATCH = 300, 60, 100
INDEXES = (
    "CREATE INDEX ON webcom_call (started_at, id)",
    "CREATE INDEX ON webcom_call (line_id, started_at)",
    "CREATE INDEX ON webcom_call (caller varchar_pattern_ops, started_at)",
    "CREATE INDEX ON webcom_call (state, started_at)",
    "CREATE INDEX ON webcom_call (started_at) WHERE stage < 80",
)
# In the order of time, as calls come; ids as the carrier's: eight hexadecimal digits of the second,
# then sixteen.
FILL = """
    INSERT INTO {table} (id, line_id, line_number, line_type, state, stage, revision, direction,
        caller, called, caller_operator, cost, duration_s, started_at, ended_at, extra, stored_at)
    SELECT lpad(to_hex(epoch), 8, '0') || lpad(to_hex(n), 16, '0'),
        'Sickprod' || n % {lines}, '899' || n % {lines},
        CASE WHEN n % 5 < 2 THEN 'Green' ELSE 'Vas' END,
        CASE WHEN n % 5 = 0 THEN 'NoAnswer' ELSE 'Ok' END, 90, 3, 'Entering',
        '33' || lpad((n * 7919 % {callers})::text, 7, '0'), '899' || n % {lines}, 'TIM',
        n % 700 / 100.0, n % 900, at, at + interval '1 minute', '{{}}', at
    FROM (
        SELECT n, epoch, to_timestamp(epoch) AS at
        FROM (
            SELECT n, {began} + n * {span} / {calls} AS epoch
            FROM generate_series({first}::bigint, {last}) AS n
        ) AS numbered
    ) AS made
"""


def rows(sql: str, params: Any = None) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def epoch_of(number: int, calls: int) -> int:
    return BEGAN + number * MONTHS * MONTH_S // calls


def id_of(number: int, calls: int) -> str:
    return f"{epoch_of(number, calls):08x}{number:016x}"


@dataclass
class Variant:
    """One way to lay out the table; `key` is the partition key, None for one table."""

    name: str
    key: str | None
    primary_key: str = "id"
    figures: dict[str, list[float]] = field(default_factory=dict)

    def build(self, calls: int) -> None:
        rows("DROP TABLE IF EXISTS webcom_call, webcom_callid")
        rows("TRUNCATE webcom_callrollup, webcom_dirtybucket")
        by = f"PARTITION BY RANGE ({self.key})" if self.key else ""
        like = "LIKE call_as_migrated INCLUDING DEFAULTS INCLUDING CONSTRAINTS"
        rows(f"CREATE TABLE webcom_call ({like}) {by}")
        for month in range(MONTHS + 1):
            self._fill(month, calls)
        key = f"ALTER TABLE webcom_call ADD PRIMARY KEY ({self.primary_key})"
        for statement in (key, *INDEXES, "VACUUM ANALYZE webcom_call", "CHECKPOINT"):
            with turn(alone=False):
                rows(statement)

    def _fill(self, month: int, calls: int) -> None:
        first, following = (-(-calls * (month + n) // MONTHS) for n in (0, 1))
        table = "webcom_call"
        if self.key:
            table = f"webcom_call_{month}"
            start, end = (self._bound(BEGAN + (month + n) * MONTH_S) for n in (0, 1))
            part = f"PARTITION OF webcom_call FOR VALUES FROM ({start}) TO ({end})"
            rows(f"CREATE TABLE {table} {part}")
        if month < MONTHS:
            with turn(alone=False):
                numbers = {"calls": calls, "first": first, "last": following - 1}
                spread = {"lines": LINES, "callers": CALLERS, "began": BEGAN}
                rows(FILL.format(table=table, span=MONTHS * MONTH_S, **numbers, **spread))

    def _bound(self, epoch: int) -> str:
        at = datetime.fromtimestamp(epoch, UTC)
        return f"'{at:%Y-%m-%d %H:%M:%S}+00'" if self.key == "started_at" else f"'{epoch:08x}'"

    def expire(self, before: int) -> float:
        """Seconds to let go of the calls that started before that epoch."""
        return timed(partial(drop_oldest, before) if self.key else partial(delete_oldest, before))


VARIANTS = (
    Variant("one table", None),
    Variant("by started_at", "started_at", "id, started_at"),
    Variant("by id", "id"),
)


def main() -> None:
    with bench_database():
        rows("CREATE TABLE call_as_migrated (LIKE webcom_call INCLUDING ALL)")
        for calls in SIZES:
            heading(f"{calls:,} calls in {MONTHS} months")
            for variant in VARIANTS:
                variant.figures.clear()
                built = timed(partial(variant.build, calls))
                line(f"{variant.name}: built", f"{built:.0f} s", size())
                with turn(alone=True):
                    line("  load", f"{os.getloadavg()[0]:.1f}")
                    measure(variant, calls)
                report(variant)


def size() -> str:
    table, indexes = rows(
        "SELECT sum(pg_table_size(oid)), sum(pg_indexes_size(oid)) FROM pg_class"
        r" WHERE relname ~ '^webcom_call(_\d+)?$' AND relkind = 'r'"
    )[0]
    table, indexes = float(table), float(indexes)
    return f"{table / 1e9:.2f} GB and {indexes / 1e9:.2f} GB of indexes"


def report(variant: Variant) -> None:
    """Each figure, and its ratio to one table."""
    for name, (wall, cpu) in variant.figures.items():
        one = VARIANTS[0].figures.get(name, [0.0])[0]
        line(
            f"  {name}",
            f"{wall:,.2f}",
            f"processor {cpu:,.2f}",
            f"{wall / one:.2f}x one table" if one else "",
        )


# --- What is measured ---------------------------------------------------------------------------


@contextmanager
def backend_cpu() -> Iterator[Callable[[], float]]:
    """How many seconds of processor time our PostgreSQL backend has used since."""
    pid = rows("SELECT pg_backend_pid()")[0][0]
    before = cpu_s(pid)
    yield lambda: cpu_s(pid) - before


def measure(variant: Variant, calls: int) -> None:
    dice = random.Random(calls)
    for name, read in reads(calls, dice).items():
        for _ in range(20):
            read()
        with backend_cpu() as used:
            times = [timed(read) * 1000 for _ in range(READS)]
            variant.figures[f"{name}, ms"] = [statistics.median(times), used() * 1000 / READS]
    ways = {"": searching}
    if variant.key == "started_at":
        ways[" with a table of ids"] = by_table_of_ids
    for suffix, way in ways.items():
        with way(variant):
            ingest(variant, calls, dice, suffix)
    retention(variant)


def reads(calls: int, dice: random.Random) -> dict[str, Callable[[], object]]:
    from webcom.selectors import CallFilter, call
    from webcom.selectors import calls as page

    def day() -> CallFilter:
        start = datetime.fromtimestamp(BEGAN + dice.randrange(1, MONTHS * 30 - 1) * 86_400, UTC)
        return CallFilter(start=start, end=start + timedelta(days=1))

    def next_page() -> object:
        at = dice.randrange(calls // 2, calls)
        return page(CallFilter(after=(epoch_of(at, calls), id_of(at, calls))), limit=50)

    return {
        "newest 50": lambda: page(CallFilter(), limit=50),
        "50 of a day": lambda: page(day(), limit=50),
        "50 after a call": next_page,
        "50 of a line": lambda: page(CallFilter(line=f"Sickprod{dice.randrange(LINES)}"), limit=50),
        "50 of a caller": lambda: page(
            CallFilter(caller=f"33{dice.randrange(CALLERS):07d}"), limit=50
        ),
        "one by its id": lambda: call(id_of(dice.randrange(calls), calls)),
    }


def ingest(variant: Variant, calls: int, dice: random.Random, suffix: str) -> None:
    """Calls that begin and end, and late corrections of any age, in batches of 100."""
    from webcom.ingest import store_calls
    from webcom.types import parse_call

    first = dice.randrange(10**12)
    numbers = [first + n for n in range(BATCHES * BATCH // 2)]
    begin = {"state": "Pending", "endedAt": None, "cost": None, "revision": 1}
    new = [parse_call(call_payload(n, now=NOW + 3600, days=0.003, **begin)) for n in numbers]
    done = [parse_call(call_payload(n, now=NOW + 3600, days=0.003)) for n in numbers]
    half = BATCH // 2
    live = [
        new[n : n + half] + done[max(0, n - half) : max(0, n - half) + half]
        for n in range(0, len(new), half)
    ]
    olds = [dice.randrange(calls // MONTHS, calls) for _ in range(BATCHES * BATCH)]
    late = [
        parse_call(call_payload(n, now=NOW, revision=9,
                                id=id_of(n, calls), timestamp=epoch_of(n, calls)))
        for n in olds
    ]  # fmt: skip
    kinds = {
        "live, calls/s": live,
        "late, calls/s": [late[n : n + BATCH] for n in range(0, len(late), BATCH)],
    }
    for name, batches in kinds.items():
        with backend_cpu() as used:
            took = timed(lambda batches=batches: [store_calls(batch) for batch in batches])  # type: ignore[misc]
            total = sum(map(len, batches))
            variant.figures[f"ingest {name}{suffix}"] = [total / took, used() * 1e6 / total]


@contextmanager
def searching(variant: Variant) -> Iterator[None]:
    """Ingest as it is; where the primary key has two columns, an overwrite names both."""
    from core.lib.upsert import upsert

    key = tuple(variant.primary_key.split(", "))

    def overwrite(model: Any, columns: Any, values: Any, **_: Any) -> None:
        upsert(model, columns, values, key=key)

    with mock.patch("webcom.call_rows.upsert", overwrite):
        yield


@contextmanager
def by_table_of_ids(variant: Variant) -> Iterator[None]:
    """A table of all ids and starts: unique, and it says in which partitions to look."""
    from django.db import connection

    from core.lib.upsert import sql_time
    from webcom import call_rows
    from webcom.types import CallRecord

    built = timed(lambda: rows(
        "CREATE TABLE webcom_callid AS SELECT id, started_at FROM webcom_call;"
        "ALTER TABLE webcom_callid ADD PRIMARY KEY (id); ANALYZE webcom_callid"
    ))  # fmt: skip
    bytes_used = rows("SELECT pg_total_relation_size('webcom_callid')")[0][0]
    variant.figures["the table of ids, GB"] = [bytes_used / 1e9, built]

    def known(ids: Collection[str]) -> dict[str, CallRecord]:
        condition, values = call_rows.among("id", sorted(ids))
        found = rows(f"SELECT DISTINCT started_at FROM webcom_callid WHERE {condition}", values)
        if not found:
            return {}
        starts = call_rows.among("started_at", [f"{at:%F %T}+00" for (at,) in found], "timestamptz")
        got = call_rows.select_calls([(condition, values), starts], limit=len(ids))
        return {record.id: record for record in got}

    def write(*, new: Iterable[CallRecord], **more: Any) -> None:
        new = list(new)
        if new:
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY webcom_callid FROM STDIN") as copy,
            ):
                for record in new:
                    copy.write_row((record.id, sql_time(record.started_at)))
        call_rows.write_calls(new=new, **more)

    with (
        searching(variant),
        mock.patch("webcom.ingest.known_calls", known),
        mock.patch("webcom.ingest.write_calls", write),
    ):
        yield


def retention(variant: Variant) -> None:
    """The oldest month goes; what is left for VACUUM, and how much the log of writes grows."""
    wal = rows("SELECT pg_current_wal_lsn()")[0][0]
    with backend_cpu() as used:
        variant.figures["a month expires, s"] = [variant.expire(BEGAN + MONTH_S), used()]
    written = rows("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", [wal])[0][0]
    variant.figures["its WAL, MB"] = [float(written) / 1e6, 0.0]
    with backend_cpu() as used:
        variant.figures["VACUUM after it, s"] = [timed(lambda: rows("VACUUM webcom_call")), used()]
    if rows("SELECT to_regclass('webcom_callid')")[0][0]:
        gone = [datetime.fromtimestamp(BEGAN + MONTH_S, UTC)]
        took = timed(lambda: rows("DELETE FROM webcom_callid WHERE started_at < %s", gone))
        variant.figures["its ids go, s"] = [took, 0.0]


def delete_oldest(before: int) -> None:
    """As retention does it: rows in batches, each marking the figures that it changes."""
    from django.db import transaction

    from webcom.models import Call
    from webcom.retention import _delete_all

    assert not transaction.get_connection().in_atomic_block
    expired = Call.objects.filter(started_at__lt=datetime.fromtimestamp(before, UTC))
    _delete_all(expired.order_by("started_at"))


def drop_oldest(before: int) -> None:
    """The partition whole, and the marks of all its five minutes, under the lock of ingest."""
    from django.db import transaction

    from core.lib.locks import lock_for_transaction
    from webcom import rollups

    with transaction.atomic():
        lock_for_transaction("webcom.calls")
        rollups.mark_dirty(range(before - MONTH_S, before, rollups.FIVE_MINUTES))
        rows("DROP TABLE webcom_call_0")


if __name__ == "__main__":
    main()
