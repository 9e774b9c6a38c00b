"""Pull from the carrier: changes since our cursor, active calls, and how missing calls ended."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from core.lib.days import local_day
from core.lib.upstream import UpstreamError
from webcom import ingest
from webcom.call_rows import known_calls
from webcom.ingest import Stored, readable, readable_lines
from webcom.models import Call, Cursor
from webcom.types import CursorExpired, NotFound, RecordError, WebcomTlc, parse_line

logger = logging.getLogger(__name__)

FEED: Final = "webcom.calls"
# A cursor of this name exists once the feed's end was reached: all history is read.
LIVE: Final = "webcom.calls.live"
# How far back the first pull reaches: this month and the one before.
HISTORY: Final = timedelta(days=62)
# How far before our last call to start when the cursor has expired.
OVERLAP: Final = timedelta(days=1)
QUERY_AGAIN: Final = timedelta(seconds=30)
MAX_MISSING: Final = 20  # calls queried in one pull
GIVE_UP: Final = timedelta(hours=6)
MAX_PAGES: Final = 200


def pull_calls(carrier: WebcomTlc) -> Stored:
    """Store the changes since our cursor, the active calls, and the ends of missing calls.

    Raises UpstreamError; what was read before it is stored, and the next pull resumes from there.
    """
    stored = pull_changes(carrier)
    active = readable(carrier.active_calls(), source="active calls")
    stored += ingest.store_calls(active)
    return stored + pull_missing(carrier, {call.id for call in active})


def pull_changes(carrier: WebcomTlc) -> Stored:
    """Read the carrier's feed from our cursor to its end; each page is stored with its cursor.

    Until its end is reached for the first time it contains history, which is not published to the
    sockets, except for calls in progress. Raises UpstreamError.
    """
    stored = Stored()
    live = Cursor.objects.filter(feed=LIVE).exists()
    for _ in range(MAX_PAGES):
        cursor = Cursor.objects.filter(feed=FEED).values_list("value", flat=True).first() or ""
        try:
            page = carrier.calls_since(cursor, since=_epoch(timezone.now() - HISTORY))
        except CursorExpired:
            since = _last_start() - OVERLAP
            logger.warning("webcom.cursor_expired reading_again_from=%s", since)
            page = carrier.calls_since("", since=_epoch(since))
        records = readable(page.calls, source="changes")
        with transaction.atomic():
            stored += ingest.store_calls(records, announce=live)
            if page.cursor != cursor:
                Cursor.objects.update_or_create(feed=FEED, defaults={"value": page.cursor})
            if not (live or page.more):
                Cursor.objects.create(feed=LIVE)
        if not page.more or page.cursor == cursor:
            break
    return stored


def pull_missing(carrier: WebcomTlc, active_ids: set[str]) -> Stored:
    """Query by id the calls that are active here and that the carrier no longer lists.

    Each is queried at once, then every 30 s, until its end is known. One that the carrier does not
    know (404) and that began over six hours ago is stored as `Lost`. Raises UpstreamError.
    """
    now = timezone.now()
    missing = (
        Call.objects.active()
        # Asked in the future: a clock was ahead.
        .filter(Q(asked_at=None) | Q(asked_at__lt=now - QUERY_AGAIN) | Q(asked_at__gt=now))
        .exclude(id__in=active_ids)
        .order_by(F("asked_at").asc(nulls_first=True))
        .values_list("id", flat=True)
    )
    stored = Stored()
    for call_id in list(missing[:MAX_MISSING]):
        # First, so that one that always fails does not stop the others.
        Call.objects.filter(id=call_id).update(asked_at=now)
        try:
            stored += ingest.store_calls(readable([carrier.call(call_id)], source="call by id"))
        except NotFound:
            stored += _give_up_if_old(call_id, now)
    return stored


def _give_up_if_old(call_id: str, now: datetime) -> Stored:
    call = known_calls([call_id])[call_id]
    if call.started_at > _epoch(now - GIVE_UP):
        return Stored()
    logger.warning("webcom.call_lost id=%s", call_id)
    return ingest.store_calls([msgspec.structs.replace(call, state="Lost", ended_at=None)])


def pull_lines(carrier: WebcomTlc) -> int:
    """Store the carrier's lines; returns how many. UpstreamError, also when none can be read."""
    payloads = carrier.lines()
    records = readable_lines(payloads, source="lines")
    if payloads and not records:
        raise UpstreamError(f"lines: none can be read; the first: {_why_not(payloads[0])}")
    return ingest.store_lines(records)


def _why_not(payload: Any) -> str:
    try:
        parse_line(payload)
    except RecordError as exc:
        return str(exc)
    return ""


def pull_rebates(carrier: WebcomTlc) -> bool:
    """Store this month's and last month's rebates; True if any changed.

    One month does not stop the other: UpstreamError comes after both, also for one of which nothing
    can be read. A month that has not begun at the carrier has no rebates yet.
    """
    this_month = local_day().replace(day=1)
    changed = False
    failure: UpstreamError | None = None
    for first in (this_month - timedelta(days=1), this_month):
        try:
            changed |= _pull_month(carrier, first.strftime("%Y-%m"))
        except NotFound:
            continue
        except UpstreamError as exc:
            failure = failure or exc
    if failure:
        raise failure
    return changed


def _pull_month(carrier: WebcomTlc, month: str) -> bool:
    stored = ingest.store_month(carrier.rebates(month), source="rebates")
    if stored.is_lost:
        raise UpstreamError(f"rebates: {stored.reason}")
    return stored.changed


def _last_start() -> datetime:
    now = timezone.now()  # a clock that runs ahead at the carrier must not leave a gap
    latest: datetime | None = Call.objects.filter(started_at__lte=now).aggregate(
        at=Max("started_at")
    )["at"]
    return latest or now - HISTORY


def _epoch(at: datetime) -> int:
    return int(at.timestamp())
