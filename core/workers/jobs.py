"""A job of the schedule: what each of them has in common, whatever it does."""

from __future__ import annotations

from collections.abc import Callable

from core.workers.leader import only_one
from core.workers.services import is_due, watched


def run_job(name: str, work: Callable[[], object], *expected: type[Exception]) -> None:
    """Run it, unless another run is active or its backoff is not over; its health is noted.

    Errors that are `expected` are noted only, others raised as well. The schedule runs a job that
    failed again when its backoff is over. A run whose process was frozen is not fenced off when it
    goes on: whatever a job does is safe to do twice.
    """
    with only_one(name) as mine:
        if mine and is_due(name):
            with watched(name, *expected):
                work()
