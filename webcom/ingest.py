"""Store the carrier's facts once. Pull, push, webhook and file import all end here.

Every function is safe to run twice, late, out of order and on several machines at once.
"""

from __future__ import annotations

import logging
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
import orjson
from django.db import transaction
from django.utils import timezone

from core.lib.locks import lock_for_transaction
from core.lib.upsert import upsert
from core.realtime.publish import publish_on_commit
from webcom import rollups
from webcom.call_merge import merged
from webcom.call_rows import known_calls, write_calls
from webcom.events import CallEvent, RebatesUpdated
from webcom.line_types import forget_line_types, line_type
from webcom.models import Call, Delivery, Line, Rebate, Unreadable
from webcom.types import (
    CallRecord,
    LineRecord,
    PushMessage,
    RebateRecord,
    RecordError,
    Stage,
    parse_call,
    parse_line,
    parse_rebates,
    without_nul,
)

logger = logging.getLogger(__name__)

MAX_UNREADABLE: Final = 65_536  # characters of a payload


@dataclass(frozen=True, slots=True)
class Stored:
    """Result of a batch: new calls, changed calls, and updates that changed nothing."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.created + other.created,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
        )


@transaction.atomic
def store_calls(records: Sequence[CallRecord], *, announce: bool = True) -> Stored:
    """Store a batch of call updates, mark the figures they change, publish changes after commit.

    A lock lets one batch in at a time, so updates are always merged with what the database holds.
    `announce=False` is for history; calls that are in progress, or were until now, are published
    all the same.
    """
    lock_for_transaction("webcom.calls")
    known = known_calls({record.id for record in records})
    results: dict[str, CallRecord] = {}
    events: list[CallEvent] = []
    dirty: set[int] = set()
    for record in records:
        old = results.get(record.id) or known.get(record.id)
        new = merged(old, _typed(record))
        if new is old:
            continue
        results[new.id] = new
        dirty |= _changed_figures(old, new)
        if announce or _was_watched(old, new):
            events.append(CallEvent(new))
    fresh = [call for call in results.values() if call.id not in known]
    changed = [call for call in results.values() if call.id in known]
    write_calls(new=fresh, changed=changed, at=timezone.now())
    rollups.mark_dirty(dirty)
    publish_on_commit(*events)
    return Stored(len(fresh), len(changed), len(records) - len(results))


def _was_watched(old: CallRecord | None, new: CallRecord) -> bool:
    """Whether a dashboard may show it: the call is or was in progress."""
    return new.stage < Stage.LOST or (old is not None and old.stage < Stage.LOST)


def _typed(record: CallRecord) -> CallRecord:
    kind = line_type(record.line_id, record.line_number or record.called)
    return msgspec.structs.replace(record, line_type=kind) if kind != record.line_type else record


def _changed_figures(old: CallRecord | None, new: CallRecord) -> set[int]:
    """The starts (epoch seconds) whose counted figures are no longer right."""
    if old is None:
        return {new.started_at}
    if (old.started_at, old.line_type, old.duration_s, old.cost) == (
        new.started_at,
        new.line_type,
        new.duration_s,
        new.cost,
    ):
        return set()
    return {old.started_at, new.started_at}


@transaction.atomic
def store_lines(records: Sequence[LineRecord]) -> int:
    """Store the carrier's lines; returns how many. Earlier calls of a new line get its type."""
    lock_for_transaction("webcom.calls")
    now = timezone.now()
    columns = ["line_id", "number", "line_type", "group", "relations", "name", "updated_at"]
    unique = {record.line_id: record for record in records}
    listed = set(Line.objects.values_list("line_id", flat=True))
    upsert(
        Line,
        columns,
        [
            (
                r.line_id,
                r.number,
                r.line_type,
                r.group,
                msgspec.json.encode(r.relations).decode(),
                r.name,
                f"{now:%F %T}",
            )
            for r in unique.values()
        ],
        key="line_id",
    )
    for record in (record for line_id, record in unique.items() if line_id not in listed):
        untyped = Call.objects.filter(line_id=record.line_id, line_type="")
        starts = list(untyped.values_list("started_at", flat=True))
        if starts:
            untyped.update(line_type=record.line_type)
            rollups.mark_dirty(int(at.timestamp()) for at in starts)
    forget_line_types()  # for calls in this transaction
    # For other threads, which may have read the old ones in the meantime.
    transaction.on_commit(forget_line_types)
    return len(unique)


@transaction.atomic
def store_rebates(record: RebateRecord) -> bool:
    """Replace the month's rebates with the carrier's; True if anything changed.

    A record older than the stored one is ignored. Rows that it no longer lists are deleted.
    """
    lock_for_transaction("webcom.rebates")
    stored = {(r.type, r.operator): r for r in Rebate.objects.filter(month=record.month)}
    updated_at = datetime.fromtimestamp(record.updated_at, UTC)
    if any(row.updated_at > updated_at for row in stored.values()):
        return False
    before = {key: (row.cost, row.counter) for key, row in stored.items()}
    after = {(row.type, row.operator): (row.cost, row.counter) for row in record.rebates}
    if before == after and all(row.updated_at == updated_at for row in stored.values()):
        return False
    Rebate.objects.filter(month=record.month).delete()
    Rebate.objects.bulk_create(
        Rebate(month=record.month, updated_at=updated_at, **msgspec.structs.asdict(row))
        for row in record.rebates
    )
    publish_on_commit(RebatesUpdated(record))
    return True


def store_pushes(messages: Sequence[PushMessage]) -> Stored:
    """Store pushed messages in one transaction.

    Raises RecordError if one is bad, storing none.
    """
    calls = [parse_call(message.body) for message in messages if message.kind == "call"]
    lines = [parse_line(message.body) for message in messages if message.kind == "line"]
    rebates = [parse_rebates(message.body) for message in messages if message.kind == "rebates"]
    with transaction.atomic():
        lock_for_transaction("webcom.calls")  # always the first lock: two writers cannot deadlock
        if lines:
            store_lines(lines)
        for record in rebates:
            store_rebates(record)
        return store_calls(calls) if calls else Stored()


@transaction.atomic
def store_delivery(delivery_id: str, messages: Sequence[PushMessage]) -> Stored | None:
    """Store a webhook delivery once; None if its id is known. RecordError as `store_pushes`."""
    lock_for_transaction("webcom.calls")
    _, is_new = Delivery.objects.get_or_create(
        id=delivery_id, defaults={"received_at": timezone.now()}
    )
    return store_pushes(messages) if is_new else None


def readable(payloads: Sequence[Any], *, source: str) -> list[CallRecord]:
    """The calls among `payloads`; the rest is stored as `Unreadable` and logged when new."""
    records: list[CallRecord] = []
    for payload in payloads:
        try:
            records.append(parse_call(payload))
        except RecordError as exc:
            store_unreadable(payload, source=source, reason=str(exc))
    return records


def _as_text(payload: Any) -> str:
    try:
        return orjson.dumps(payload, default=repr).decode()
    except orjson.JSONEncodeError:  # deeper than 254 levels: store an abbreviation
        return reprlib.repr(payload)


def store_unreadable(payload: Any, *, source: str, reason: str) -> None:
    """Store a payload that cannot be read, once, for staff to inspect; log it when it is new."""
    text = without_nul(_as_text(payload))[:MAX_UNREADABLE]
    now = timezone.now()
    _, is_new = Unreadable.objects.update_or_create(
        digest=sha256(text.encode()).hexdigest(),
        defaults={"last_at": now},
        create_defaults={
            "source": source,
            "reason": reason[:300],
            "payload": text,
            "first_at": now,
            "last_at": now,
        },
    )
    if is_new:
        logger.warning("webcom.unreadable source=%s reason=%s", source, reason)
