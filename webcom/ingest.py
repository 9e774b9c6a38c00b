"""Store the carrier's facts once. Pull, push, webhook and file import all end here.

Every function is safe to run twice, late, out of order and on several machines at once.
"""

from __future__ import annotations

import json
import logging
import re
import reprlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.lib import odd_json
from core.lib.locks import lock_for_transaction
from core.lib.upsert import upsert
from core.realtime.publish import publish_on_commit
from webcom import rollups
from webcom.call_files import check_numbers
from webcom.call_merge import merged
from webcom.call_rows import known_calls, write_calls
from webcom.events import CallEvent, RebatesUpdated
from webcom.line_types import forget_line_types, line_type
from webcom.models import Call, Delivery, Line, Rebate, RebateMonth, Unreadable
from webcom.types import (
    CallRecord,
    LineRecord,
    PushMessage,
    RebateRecord,
    RebateRow,
    RecordError,
    Stage,
    parse_call,
    parse_line,
    parse_rebates,
    parse_rebates_by_row,
    push_message,
    without_nul,
)

logger = logging.getLogger(__name__)

HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")
MAX_UNREADABLE: Final = 65_536  # characters of a payload
NO_MESSAGE: Final = "Expected a `call`, a `line` or `rebates` under `type`, with its content"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """Result of a batch: new calls, changed calls, and updates that changed nothing.

    `unreadable` counts the pushed messages that were stored as `Unreadable`.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    unreadable: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.created + other.created,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.unreadable + other.unreadable,
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
def store_rebates(record: RebateRecord, *, is_whole: bool = True) -> bool:
    """Replace the month's rebates with the carrier's; True if anything changed.

    A record older than the last one is ignored. Rows that it no longer lists are deleted, unless
    some of its own could not be read: not `is_whole`.
    """
    lock_for_transaction("webcom.rebates")
    stored = {(r.type, r.operator): r for r in Rebate.objects.filter(month=record.month)}
    reported = RebateMonth.objects.filter(month=record.month).values_list("updated_at", flat=True)
    updated_at = datetime.fromtimestamp(record.updated_at, UTC)
    known_at = {*reported, *(row.updated_at for row in stored.values())}
    if any(at > updated_at for at in known_at):
        return False
    before = {key: (row.cost, row.counter) for key, row in stored.items()}
    after = {(row.type, row.operator): (row.cost, row.counter) for row in record.rebates}
    if not is_whole:
        after = before | after
    if before == after and known_at == {updated_at}:
        return False
    rows = [
        RebateRow(type=kind, operator=operator, cost=cost, counter=counter)
        for (kind, operator), (cost, counter) in after.items()
    ]
    RebateMonth.objects.update_or_create(month=record.month, defaults={"updated_at": updated_at})
    Rebate.objects.filter(month=record.month).delete()
    Rebate.objects.bulk_create(
        Rebate(month=record.month, updated_at=updated_at, **msgspec.structs.asdict(row))
        for row in rows
    )
    publish_on_commit(RebatesUpdated(msgspec.structs.replace(record, rebates=rows)))
    return True


class MonthStored(NamedTuple):
    """Result of a month's rebates: `reason` is why a row, or with `is_lost` all, was not read."""

    changed: bool
    reason: str = ""
    is_lost: bool = False


def store_month(payload: Any, *, source: str) -> MonthStored:
    """Store the rows of a month's rebates that can be read.

    With one that cannot, the payload is stored as `Unreadable`, too.
    """
    try:
        record, reasons = parse_rebates_by_row(payload)
    except RecordError as exc:
        store_unreadable(payload, source=source, reason=str(exc))
        return MonthStored(changed=False, reason=str(exc), is_lost=True)
    reason = "; ".join(reasons)
    if reason:
        store_unreadable(payload, source=source, reason=reason)
    return MonthStored(store_rebates(record, is_whole=not reasons), reason)


@transaction.atomic(savepoint=False)  # all or nothing, with whatever is around it
def store_pushes(messages: Sequence[PushMessage], *, source: str = "push") -> Stored:
    """Store pushed messages in one transaction; what is bad is stored as `Unreadable`, counted."""
    lock_for_transaction("webcom.calls")  # always the first lock: two writers cannot deadlock
    bodies: dict[str, list[Any]] = {"line": [], "rebates": [], "call": [], "message": []}
    for message in messages:
        bodies[message.kind].append(message.body)
    lines = readable_lines(bodies["line"], source=f"{source} line")
    if lines:
        store_lines(lines)
    months = [store_month(payload, source=f"{source} rebates") for payload in bodies["rebates"]]
    calls = readable(bodies["call"], source=f"{source} call")
    for payload in bodies["message"]:
        store_unreadable(payload, source=f"{source} message", reason=NO_MESSAGE)
    stored = store_calls(calls) if calls else Stored()
    read = len(lines) + len(calls) + sum(not month.reason for month in months)
    return stored + Stored(unreadable=len(messages) - read)


@transaction.atomic
def store_delivery(delivery_id: str, messages: Sequence[PushMessage]) -> Stored | None:
    """Store a webhook delivery once; None if its id is known."""
    lock_for_transaction("webcom.calls")
    _, is_new = Delivery.objects.get_or_create(
        id=delivery_id, defaults={"received_at": timezone.now()}
    )
    return store_pushes(messages, source="webhook") if is_new else None


def readable(payloads: Sequence[Any], *, source: str) -> list[CallRecord]:
    """The calls among `payloads`; the rest is stored as `Unreadable` and logged when new."""
    return list(_readable(payloads, parse_call, source))


def readable_lines(payloads: Sequence[Any], *, source: str) -> list[LineRecord]:
    """The lines among `payloads`; the rest as in `readable`."""
    return list(_readable(payloads, parse_line, source))


def _readable(payloads: Sequence[Any], parse: Callable[[Any], T], source: str) -> Iterator[T]:
    for payload in payloads:
        try:
            yield parse(payload)
        except RecordError as exc:
            store_unreadable(payload, source=source, reason=str(exc))


def _as_text(payload: Any) -> str:
    """The payload's JSON, with NaN and halves of characters as they came."""
    encode = partial(json.dumps, default=repr, separators=(",", ":"))
    try:
        text = encode(payload, ensure_ascii=False)
        return encode(payload) if HALF_CHARACTER.search(text) else text
    except (ValueError, RecursionError):  # very deep: store an abbreviation
        return reprlib.repr(payload)


def store_unreadable(payload: Any, *, source: str, reason: str) -> None:
    """Store a payload that cannot be read, once, for staff to inspect; log it when it is new.

    The same one again is counted.
    """
    text = without_nul(_as_text(payload))[:MAX_UNREADABLE]
    now = timezone.now()
    _, is_new = Unreadable.objects.update_or_create(
        digest=sha256(text.encode()).hexdigest(),
        defaults={"last_at": now, "times": F("times") + 1},
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


@transaction.atomic
def retry_unreadable(row: Unreadable) -> bool:
    """Store a payload that can be read by now, and drop its row; else renew the row's reason.

    It counts as of when it last came: what was reported since stays. True if it was read.
    """
    lock_for_transaction("webcom.calls")
    try:
        _store_again(row)
    except ValueError as exc:
        Unreadable.objects.filter(pk=row.pk).update(reason=str(exc)[:300])
        return False
    row.delete()
    return True


def _store_again(row: Unreadable) -> None:
    message = _message_of(row.source, odd_json.loads(row.payload.encode()))
    if message is None:
        return
    if message.kind == "call":
        if row.source == "import":
            check_numbers(message.body)
        store_calls([parse_call(message.body)], announce=False)
    elif message.kind == "line":
        line = parse_line(message.body)
        if not Line.objects.filter(line_id=line.line_id, updated_at__gt=row.last_at).exists():
            store_lines([line])
    elif message.kind == "rebates":
        store_rebates(parse_rebates(message.body))
    else:
        raise RecordError(NO_MESSAGE)


def _message_of(source: str, payload: Any) -> PushMessage | None:
    """The unreadable payload as a message: its source ends with its kind, or it is a call's."""
    kind = source.rpartition(" ")[2]
    if kind == "message":
        return push_message(payload)
    if kind == "rebates":
        return PushMessage("rebates", payload)
    return PushMessage("line" if kind in ("line", "lines") else "call", payload)
