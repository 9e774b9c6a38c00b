"""`itertools.batched` for Python 3.11, and deleting many rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.db.models import QuerySet

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`, in order; the source is read one list at a time.

    An error of the source is raised after what came before it was given.
    """
    batch: list[T] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def delete_in_batches(rows: QuerySet[Any], size: int) -> int:
    """Delete the rows in short transactions, so that nothing waits for it; returns how many."""
    deleted = 0
    while ids := list(rows.values_list("pk", flat=True)[:size]):
        deleted += rows.model._default_manager.filter(pk__in=ids).delete()[0]
    return deleted
