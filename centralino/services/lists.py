"""The blacklist and the allow list: adding, extending, releasing and expiring entries.

Numbers are canonical (`core.lib.numbers`). A released number stays in the table for a while
as an expired entry, so that every monitor sees it among the changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from centralino.events import BlacklistAdded, BlacklistRemoved
from centralino.models import ListEntry
from centralino.selectors.lists import record
from centralino.types import ListedNumber, Reason
from core.lib.locks import lock_for_transaction
from core.lib.numbers import national
from core.realtime.publish import publish_on_commit

RELEASED: Final = "released"  # the reason of an entry that only marks a removal
REMEMBERED: Final = timedelta(minutes=10)
CHUNK_SIZE: Final = 1_000


@dataclass(frozen=True)
class Listing:
    """The result of listing a number: a new entry, an extended one, or neither."""

    entry: ListedNumber
    created: bool
    prolonged: bool


def blacklist_number(
    number: str, *, hours: int | None, reason: str = Reason.MANUAL, note: str = ""
) -> Listing:
    """Keep a number (or prefix) out for `hours`, or permanently (None).

    An existing entry is extended, never shortened.
    """
    return _list(number, hours=hours, reason=reason, note=note, allowed=False)


def allow_number(number: str, *, hours: int | None = None, note: str = "") -> Listing:
    """Let a number (or prefix) in despite the blacklist, for `hours` or permanently (None)."""
    return _list(number, hours=hours, reason=Reason.MANUAL, note=note, allowed=True)


@transaction.atomic
def prolong(number: str, *, hours: int, allowed: bool = False) -> Listing | None:
    """Extend an entry by `hours`; None if it is not listed. A permanent one stays so."""
    lock_for_transaction("centralino.lists")
    now = timezone.now()
    entry = ListEntry.objects.filter(number=number, allowed=allowed).first()
    if entry is None or _is_expired(entry, now):
        return None
    if entry.expires_at is not None:
        entry.expires_at += timedelta(hours=hours)
        entry.changed_at = now
        entry.save()
        if not allowed:
            publish_on_commit(BlacklistAdded(record(entry)))
    return Listing(record(entry), created=False, prolonged=entry.expires_at is not None)


def release_number(number: str) -> bool:
    """Remove a number from the blacklist; False if it is not on it."""
    return _release(number, allowed=False)


@transaction.atomic
def restore(number: str, before: ListedNumber | None) -> None:
    """Undo a change: restore the blacklist's entry of `number`, or remove it (None)."""
    lock_for_transaction("centralino.lists")
    now = timezone.now()
    if before is None or (before.expires_at is not None and before.expires_at <= now):
        _release(number, allowed=False)
        return
    entry, _ = ListEntry.objects.update_or_create(
        number=number,
        allowed=False,
        defaults={
            "reason": before.reason,
            "note": before.note,
            "created_at": before.created_at,
            "expires_at": before.expires_at,
            "changed_at": now,
        },
    )
    publish_on_commit(BlacklistAdded(record(entry)))


def disallow_number(number: str) -> bool:
    """Remove a number from the allow list; False if it is not on it."""
    return _release(number, allowed=True)


def make_permanent(number: str, *, allowed: bool = False) -> Listing:
    """List the number permanently."""
    reason = Reason.MANUAL if allowed else Reason.MANUAL_PERMANENT
    return _list(number, hours=None, reason=reason, note="", allowed=allowed)


@transaction.atomic
def expire() -> int:
    """Delete expired entries and publish their removal; returns how many there were."""
    lock_for_transaction("centralino.lists")
    now = timezone.now()
    ListEntry.objects.filter(reason=RELEASED, changed_at__lt=now - REMEMBERED).delete()
    expired = ListEntry.objects.filter(expires_at__lte=now).exclude(reason=RELEASED)
    chunk = list(expired.order_by("expires_at")[:CHUNK_SIZE])
    ListEntry.objects.filter(pk__in=[entry.pk for entry in chunk]).delete()
    publish_on_commit(
        *(BlacklistRemoved(national(e.number), "expired") for e in chunk if not e.allowed)
    )
    return len(chunk)


@transaction.atomic
def count_hits(hits: Mapping[str, int], at: datetime) -> None:
    """Count the callers that entries of the blacklist have blocked."""
    for number, count in sorted(hits.items()):
        ListEntry.objects.filter(number=number, allowed=False).update(
            hits=F("hits") + count, last_hit_at=at
        )


def changed_since(at: datetime | None) -> Iterable[tuple[str, bool, datetime | None, datetime]]:
    """The entries changed since then, or all (None): number, allowed, expires_at, changed_at.

    In any order; a million are never in memory at once.
    """
    entries = (
        ListEntry.objects.all() if at is None else ListEntry.objects.filter(changed_at__gte=at)
    )
    rows = entries.values_list("number", "allowed", "expires_at", "changed_at")
    return rows.iterator(chunk_size=5_000)


@transaction.atomic
def _list(number: str, *, hours: int | None, reason: str, note: str, allowed: bool) -> Listing:
    lock_for_transaction("centralino.lists")
    now = timezone.now()
    expires_at = None if hours is None else now + timedelta(hours=hours)
    entry = ListEntry.objects.filter(number=number, allowed=allowed).first()
    created = entry is None or _is_expired(entry, now)
    if entry is None:
        entry = ListEntry(number=number, allowed=allowed)
    prolonged = not created and _is_longer(expires_at, entry.expires_at)
    if created:
        entry.created_at, entry.hits, entry.last_hit_at, entry.note = now, 0, None, ""
    if created or prolonged:
        entry.expires_at, entry.reason = expires_at, str(reason)
    entry.note = note or entry.note
    entry.changed_at = now
    entry.save()
    listed = record(entry)
    if not allowed and (created or prolonged):
        publish_on_commit(BlacklistAdded(listed))
    return Listing(listed, created, prolonged)


@transaction.atomic
def _release(number: str, *, allowed: bool) -> bool:
    lock_for_transaction("centralino.lists")
    now = timezone.now()
    entry = ListEntry.objects.filter(number=number, allowed=allowed).first()
    if entry is None or _is_expired(entry, now):
        return False
    entry.reason, entry.changed_at = RELEASED, now
    entry.created_at = min(entry.created_at, now - timedelta(microseconds=1))
    entry.expires_at = now
    entry.save()
    if not allowed:
        publish_on_commit(BlacklistRemoved(national(number), RELEASED))
    return True


def _is_expired(entry: ListEntry, now: datetime) -> bool:
    return entry.expires_at is not None and entry.expires_at <= now


def _is_longer(new: datetime | None, old: datetime | None) -> bool:
    return old is not None and (new is None or new > old)
