"""Locks that end with their transaction or connection: a killed process never leaves one."""

from __future__ import annotations

import threading
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_local: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def _number(name: str) -> int:
    return zlib.crc32(name.encode()) + (0x4152 << 32)  # "AR": clear of other advisory locks


def lock_for_transaction(name: str) -> None:
    """Wait until no other transaction holds `name`; held until this one ends.

    SQLite allows one writer at a time (transactions are IMMEDIATE): nothing to do there.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_number(name)])


@contextmanager
def only_one(name: str) -> Iterator[bool]:
    """True for the one holder of `name` at a time, False (at once) for the others.

    Among all machines on PostgreSQL; within this process on SQLite, which only one gateway process
    uses.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_number(name)])
            held = bool(cursor.fetchone()[0])
        try:
            yield held
        finally:
            if held and connection.connection and not connection.connection.closed:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [_number(name)])
    else:
        held = _local[name].acquire(blocking=False)
        try:
            yield held
        finally:
            if held:
                _local[name].release()
