"""Leases: rows that say who may work under a name, until when, and which tenure it is.

A holder renews its lease while it works. Whoever finds one expired takes it, with a higher token: a
holder that was late (frozen, cut off) is refused by `hold` in whatever it still wants to write.
Times are the database's own: the clocks of the machines need not agree.

SQLite belongs to one gateway process, guarded by a lock on DATA_DIR: there the lease of another
process is a dead one's, and free at once.
"""

from __future__ import annotations

import os
import secrets
import socket
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.db.models.functions import Now

from core.workers import witness
from core.workers.models import Lease

LEASE_S: Final = 6.0  # so long after its last renewal a lease is free
MAX_IDLE_MS: Final = 5_000  # of a transaction of the holder's: it is over before the lease is

_PROCESS: Final = secrets.token_hex(4)


class LeaseLost(Exception):
    """Another process has the lease: what was to be written is not."""


def holder() -> str:
    """This process, among all machines and all its own earlier lives."""
    return f"{socket.gethostname()[:150]}:{os.getpid()}:{_PROCESS}"


def take(name: str) -> int | None:
    """Take the lease if it is free; its token, which is higher than every earlier one, or None."""
    lease = Lease.objects.filter(name=name)
    # Reading first: those that stand by ask twice a second, and lock nothing.
    is_free = ExpressionWrapper(_free(), BooleanField())
    found = lease.annotate(is_free=is_free).values_list("token", "is_free").first()
    if found is None:
        never = Lease(name=name, taken_at=Now(), renewed_at=Now(), expires_at=Now())
        Lease.objects.bulk_create([never], ignore_conflicts=True)
    token, free = found or (0, True)
    if not free:
        return None
    taken = lease.filter(_free(), token=token).update(
        holder=holder(), token=token + 1, taken_at=Now(), renewed_at=Now(), expires_at=_end()
    )
    if not taken:
        return None
    witness.announce(name, token + 1)
    return token + 1


def renew(name: str, token: int) -> bool:
    """Renew the lease, even an expired one that nobody has taken; False when it was taken."""
    lease = Lease.objects.filter(name=name, token=token)
    return bool(lease.update(renewed_at=Now(), expires_at=_end()))


def release(name: str, token: int) -> None:
    """Free the lease at once. The token ends with it: so does what is still to be written."""
    Lease.objects.filter(name=name, token=token).update(
        holder="", token=F("token") + 1, expires_at=Now()
    )


def limit_idle() -> None:
    """Let PostgreSQL end this transaction if it idles: that of a process which is frozen.

    Its locks would stop whoever takes over.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = {MAX_IDLE_MS}")


def hold(name: str, token: int) -> None:
    """Keep the lease to the end of this transaction; LeaseLost when another process has it.

    As the last statement of a transaction it makes sure that what was written is committed by the
    holder or not at all.
    """
    if connection.vendor == "postgresql":
        table = Lease._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM {table} WHERE name = %s AND token = %s FOR SHARE", [name, token]
            )
            held = cursor.fetchone() is not None
    else:
        held = Lease.objects.filter(name=name, token=token).exists()
    if not held:
        raise LeaseLost(name)


def _end() -> object:
    return Now() + timedelta(seconds=LEASE_S)


def _free() -> Q:
    """Expired; or with an end that no holder can have set: the clock was ahead for a moment."""
    free = Q(expires_at__lte=Now()) | Q(expires_at__gt=Now() + timedelta(seconds=2 * LEASE_S))
    return free | ~Q(holder=holder()) if connection.vendor == "sqlite" else free
