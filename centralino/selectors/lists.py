"""The blacklist and the allow list, without expired entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from centralino.models import ListEntry
from centralino.numbers import prefixes
from centralino.types import ListedNumber

_PAGE_SIZE: Final = 2_000


@dataclass(frozen=True)
class ListFilter:
    """Which entries are wanted; `after` is the (created_at, number) of the last one seen."""

    allowed: bool = False
    number: str | None = None  # E.164: its own entry, and the prefixes it begins with
    reason: str | None = None
    after: tuple[datetime, str] | None = None


def listed(wanted: ListFilter, *, limit: int) -> list[ListedNumber]:
    """The entries that match, newest first, at most `limit`."""
    return [record(entry) for entry in _matching(wanted)[:limit]]


def entry(number: str) -> ListedNumber | None:
    """The blacklist's entry of exactly that number or prefix, if in force."""
    found = ListEntry.objects.filter(_in_force(), number=number, allowed=False).first()
    return record(found) if found else None


def all_listed(wanted: ListFilter) -> Iterator[ListedNumber]:
    """Every entry that matches, newest first, read page by page: memory stays flat."""
    while page := listed(wanted, limit=_PAGE_SIZE):
        yield from page
        wanted = replace(wanted, after=(page[-1].created_at, page[-1].number))


def _matching(wanted: ListFilter) -> QuerySet[ListEntry]:
    entries = ListEntry.objects.filter(_in_force(), allowed=wanted.allowed)
    if wanted.number is not None:
        entries = entries.filter(number__in=[wanted.number, *prefixes(wanted.number)])
    if wanted.reason is not None:
        entries = entries.filter(reason=wanted.reason)
    if wanted.after is not None:
        at, number = wanted.after
        # The first condition uses the index; the second pages within one instant.
        entries = entries.filter(Q(created_at__lte=at), Q(created_at__lt=at) | Q(number__gt=number))
    return entries.order_by("-created_at", "number")


def _in_force() -> Q:
    return Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())


def record(entry: ListEntry) -> ListedNumber:
    """The row as the record that other modules use."""
    return ListedNumber(
        number=entry.number,
        reason=entry.reason,
        created_at=entry.created_at,
        expires_at=entry.expires_at,
        note=entry.note,
        allowed=entry.allowed,
    )
