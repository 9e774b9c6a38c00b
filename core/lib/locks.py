"""Locks that end with their transaction: a killed process never leaves one."""

from __future__ import annotations

import zlib

from django.db import connection


def _number(name: str) -> int:
    return zlib.crc32(name.encode()) + (0x4152 << 32)  # "AR": clear of other advisory locks


def lock_for_transaction(name: str) -> None:
    """Wait until no other transaction holds `name`; held until this one ends.

    SQLite allows one writer at a time (transactions are IMMEDIATE): nothing to do there.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_number(name)])
