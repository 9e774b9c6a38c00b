"""Empties the database after a test that commits, in a hundredth of a second instead of a tenth.

Django flushes all tables and has every app make its rows anew (content types, permissions, groups,
the schedule). They are the same each time: after the first flush of a process they are copied, and
written back after the later ones.
"""

from __future__ import annotations

from typing import Any, Final

from django.core.management.color import no_style
from django.core.management.sql import sql_flush
from django.db import connections, transaction
from django.test import TransactionTestCase

Rows = list[tuple[str, int, list[tuple[Any, ...]]]]  # table, number of columns, rows

_flush: Final = TransactionTestCase._fixture_teardown
_copies: dict[str, Rows] = {}  # by database


def install() -> None:
    """Let Django's tests empty the database in this way."""
    TransactionTestCase._fixture_teardown = _fixture_teardown


def _fixture_teardown(case: TransactionTestCase) -> None:
    names = list(case._databases_names(include_mirrors=False))
    if any(name not in _copies for name in names):
        _flush(case)
        _copies.update({name: _rows_of(name) for name in names})
        return
    for name in names:
        _restore(name, _copies[name])


def _rows_of(database: str) -> Rows:
    connection = connections[database]
    found: Rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            if rows := cursor.fetchall():
                found.append((table, len(cursor.description), rows))
    return found


def _restore(database: str, copy: Rows) -> None:
    connection = connections[database]
    with transaction.atomic(using=database), connection.cursor() as cursor:
        # References are checked when the transaction ends: the order of tables does not matter.
        for statement in sql_flush(no_style(), connection):
            cursor.execute(statement)
        for table, columns, rows in copy:
            places = ", ".join(["%s"] * columns)
            insert = f"INSERT INTO {connection.ops.quote_name(table)} VALUES ({places})"
            cursor.executemany(insert, rows)
