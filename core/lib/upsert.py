"""Batch writes in one statement.

COPY and `json_populate_recordset` on PostgreSQL, `executemany` on SQLite. Measured against Django's
`bulk_create(update_conflicts=True)` and `update_or_create`: docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, models

Row = Sequence[Any]


@lru_cache(16_384)  # rows of one moment share their seconds
def sql_time(epoch: int) -> str:
    """A UTC instant as both databases read it in raw SQL (Django keeps their sessions in UTC)."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(" ")[:19]


def upsert(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    key: str | tuple[str, ...],
) -> None:
    """Insert `rows` (values in the order of `columns`), or overwrite those whose `key` exists.

    A key of several columns names them all.

    Values are what JSON and SQLite both take: str, int, float, None; times as `sql_time`, money and
    JSON as text. A key may occur only once among the rows. Run it inside a transaction.
    """
    if not rows:
        return
    table, names = _quoted(model, columns)
    keys = (key,) if isinstance(key, str) else key
    changed = [column for column in columns if column not in keys] or columns
    changes = ", ".join(f"{q} = excluded.{q}" for q in map(connection.ops.quote_name, changed))
    unique = ", ".join(map(connection.ops.quote_name, keys))
    conflict = f"ON CONFLICT ({unique}) DO UPDATE SET {changes}"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            records = orjson.dumps(
                [dict(zip(columns, row, strict=True)) for row in _nested(model, columns, rows)]
            )
            source = f"SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json)"
            cursor.execute(f"INSERT INTO {table} ({names}) {source} {conflict}", [records.decode()])
        else:
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places}) {conflict}", rows)


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert `rows`, values as for `upsert`, whose keys are known to be new.

    On PostgreSQL by COPY, a third faster. Raises IntegrityError when one is not new. Run it inside
    a transaction.
    """
    if not rows:
        return
    table, names = _quoted(model, columns)
    if connection.vendor == "postgresql":
        with copying(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)


@contextmanager
def copying(statement: str) -> Iterator[Any]:
    """psycopg's Copy of a COPY statement. Raises Django's database errors.

    psycopg ends a COPY, and says what went wrong, where Django does not look by itself.
    """
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(statement) as copy,
    ):
        yield copy


def _quoted(model: type[models.Model], columns: Sequence[str]) -> tuple[str, str]:
    """The table and the list of columns as SQL has them."""
    quote = connection.ops.quote_name
    return quote(model._meta.db_table), ", ".join(map(quote, columns))


def _nested(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]
) -> Iterable[Row]:
    """The rows with their JSON texts as JSON instead of as strings."""
    places = [
        n for n, c in enumerate(columns) if isinstance(model._meta.get_field(c), models.JSONField)
    ]
    if not places:
        return rows
    return ([orjson.Fragment(v) if n in places else v for n, v in enumerate(row)] for row in rows)
