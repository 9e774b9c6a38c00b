"""Stored times that are compared with now: the clock may have been ahead when they were stored."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone


def is_due(at: datetime | None, *, within_s: float) -> bool:
    """Whether the time has come; None: always.

    One that is further ahead than `within_s`, the most that anybody waits, was stored while a clock
    was ahead: it is due, too.
    """
    return at is None or not 0 < (at - timezone.now()).total_seconds() <= within_s


def is_within(at: datetime, span: timedelta) -> bool:
    """Whether that was at most `span` ago; a time that lies as far ahead says nothing."""
    return abs(timezone.now() - at) <= span
