"""Call records to and from rows of the `Call` table, in the shape that the batch upsert needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from django.db import connection

from core.lib.batches import batched
from core.lib.upsert import insert, sql_time, upsert
from webcom.models import Call
from webcom.types import CENTS, CallRecord

Condition = tuple[str, list[Any]]  # SQL with %s places, and their values

COLUMNS: Final = (
    "id",
    "line_id",
    "line_number",
    "state",
    "direction",
    "caller",
    "called",
    "caller_operator",
    "cost",
    "duration_s",
    "started_at",
    "ended_at",
    "revision",
    "line_type",
    "extra",
    "stage",
    "stored_at",
)
EPOCH_SQL: Final = {  # a time column as epoch seconds
    "postgresql": "extract(epoch from {})::bigint",
    "sqlite": "CAST(strftime('%%s', {}) AS integer)",
}
_CHUNK_SIZE: Final = 5_000  # SQLite's limit of parameters is 32,766
_MANY_KEYS: Final = 1_000


def _read_columns(epoch: str, extra: str) -> str:
    special = {
        "started_at": epoch.format("started_at"),
        "ended_at": epoch.format("ended_at"),
        "extra": extra,
    }
    return ", ".join(special.get(column, column) for column in COLUMNS[:-2])


_READ: Final = {
    "postgresql": _read_columns(EPOCH_SQL["postgresql"], "extra::text"),
    "sqlite": _read_columns(EPOCH_SQL["sqlite"], "extra"),
}


def known_calls(ids: Collection[str]) -> dict[str, CallRecord]:
    """The stored calls among `ids`, by id."""
    found: dict[str, CallRecord] = {}
    for some in batched(ids, _CHUNK_SIZE):
        condition, values = among("id", some)
        with _by_index(len(some)):
            rows = _select(f"WHERE {condition}", values)
        found |= {row[0]: _record(row) for row in rows}
    return found


def _array(values: Sequence[str]) -> str:
    """An array as PostgreSQL reads it."""
    quoted = ['"' + v.replace("\\", r"\\").replace('"', r"\"") + '"' for v in values]
    return "{" + ",".join(quoted) + "}"


@contextmanager
def _by_index(keys: int) -> Iterator[None]:
    """Make PostgreSQL use the index: for many keys its planner prefers to read the whole table.

    Run it inside a transaction.
    """
    if keys < _MANY_KEYS or connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        yield
        cursor.execute("SET LOCAL enable_seqscan = on")


def among(column: str, values: Sequence[str], kind: str = "text") -> Condition:
    """`column`, of PostgreSQL's type `kind`, is one of `values`.

    One parameter on PostgreSQL: psycopg needs milliseconds to fill in a thousand.
    """
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s::{kind}[])", [_array(values)]
    return f"{column} IN ({', '.join(['%s'] * len(values))})", list(values)


def select_calls(conditions: Sequence[Condition], *, limit: int) -> list[CallRecord]:
    """The calls that meet every condition, newest first, at most `limit`."""
    where = " AND ".join(sql for sql, _ in conditions) or "TRUE"
    params = [value for _, values in conditions for value in values]
    rows = _select(f"WHERE {where} ORDER BY started_at DESC, id DESC LIMIT %s", [*params, limit])
    return [_record(row) for row in rows]


def write_calls(*, new: Iterable[CallRecord], changed: Iterable[CallRecord], at: datetime) -> None:
    """Insert the new calls, overwrite the changed ones.

    The caller must hold the lock of the calls.
    """
    stored_at = sql_time(int(at.timestamp()))
    insert(Call, COLUMNS, [row_of(call, stored_at) for call in new])
    upsert(Call, COLUMNS, [row_of(call, stored_at) for call in changed], key="id")


def _canonical(extra: str) -> str:
    """PostgreSQL's jsonb does not preserve spaces and order."""
    if extra == "{}":
        return extra
    return orjson.dumps(orjson.loads(extra), option=orjson.OPT_SORT_KEYS).decode()


def _select(rest: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_READ[connection.vendor]} FROM webcom_call {rest}", params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _record(row: tuple[Any, ...]) -> CallRecord:
    (call_id, line_id, line_number, state, direction, caller, called, operator, cost) = row[:9]
    return CallRecord(
        id=call_id,
        line_id=line_id,
        line_number=line_number,
        state=state,
        direction=direction,
        caller=caller,
        called=called,
        caller_operator=operator,
        cost=None if cost is None else Decimal(str(cost)).quantize(CENTS),
        duration_s=row[9],
        started_at=row[10],
        ended_at=row[11],
        revision=row[12],
        line_type=row[13],
        extra=_canonical(row[14]),
    )


def row_of(call: CallRecord, stored_at: str) -> tuple[Any, ...]:
    return (
        call.id,
        call.line_id,
        call.line_number,
        call.state,
        call.direction,
        call.caller,
        call.called,
        call.caller_operator,
        None if call.cost is None else str(call.cost),
        call.duration_s,
        sql_time(call.started_at),
        None if call.ended_at is None else sql_time(call.ended_at),
        call.revision,
        call.line_type,
        call.extra,
        int(call.stage),
        stored_at,
    )
