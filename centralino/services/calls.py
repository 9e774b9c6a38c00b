"""Finished PBX calls and the live state of a server, stored together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

import msgspec
from django.db import transaction
from django.utils import timezone

from centralino.channel_table import Table, readable_table
from centralino.models import LiveState, PbxCall, PbxServer, fitting
from centralino.types import PbxCallRecord
from core.lib.numbers import e164

SAME: Final = timedelta(seconds=60)  # calls that are further apart are two, whatever their linkedid


@transaction.atomic
def store_state(
    server: str,
    table: Table,
    count: int,
    finished: Sequence[PbxCallRecord],
    dropped: int = 0,
) -> None:
    """Store the live state (`count` channels) and the finished calls, in one transaction.

    `dropped` counts the messages that callers had forged, since the server is known.

    So a call is either in progress or stored, whenever the process is killed: the next one restores
    the state and learns from Asterisk what has ended. A call is stored once; another call that has
    the linkedid of one, after a clock was set back, is stored with `~` and its end behind it.
    """
    PbxCall.objects.bulk_create(_rows(server, finished), ignore_conflicts=True)
    document = {"count": count, "dropped": dropped, "table": msgspec.to_builtins(table)}
    LiveState.objects.update_or_create(
        key=state_key(server), defaults={"document": document, "updated_at": timezone.now()}
    )


def stored_table(server: str) -> Table:
    """The last table of `store_state`; empty when there is none, or it is unreadable."""
    state = LiveState.objects.filter(key=state_key(server)).first()
    return readable_table(state.document) if state else Table()


def stored_dropped(server: str) -> int:
    """The last `dropped` of `store_state`; 0 when there is none."""
    state = LiveState.objects.filter(key=state_key(server)).first()
    return int(state.document.get("dropped", 0)) if state else 0


def forget_other_states(servers: Collection[str]) -> None:
    """Delete the states of servers that are not among `servers`."""
    states = LiveState.objects.filter(key__endswith=".ami")
    states.exclude(key__in=map(state_key, servers)).delete()


def state_key(server: str) -> str:
    """The key of a server's AMI state."""
    return f"{server}.ami"


def _rows(server: str, finished: Sequence[PbxCallRecord]) -> list[PbxCall]:
    if not finished:
        return []
    without_plus = PbxServer.objects.filter(name=server, e164_without_plus=True).exists()
    rows = [_row(record, without_plus=without_plus) for record in finished]
    linkedids = {row.linkedid for row in rows}
    stored = PbxCall.objects.filter(server=server, linkedid__in=linkedids)
    known = {row.linkedid: row for row in stored}
    for row in rows:
        if _is_another(known.setdefault(row.linkedid, row), row):
            row.linkedid = f"{row.linkedid[:130]}~{int(row.ended_at.timestamp())}"
    return rows


def _is_another(known: PbxCall, row: PbxCall) -> bool:
    apart = (row.started_at - known.started_at, row.ended_at - known.ended_at)
    follows = row.started_at > known.ended_at or row.ended_at < known.started_at
    return follows or row.caller != known.caller or any(abs(one) > SAME for one in apart)


def _row(record: PbxCallRecord, *, without_plus: bool) -> PbxCall:
    return PbxCall(
        server=record.server,
        linkedid=fitting(record.linkedid, 150),
        caller=fitting(record.caller),
        number=e164(record.caller, without_plus=without_plus),
        caller_name=fitting(record.caller_name),
        exten=fitting(record.exten),
        started_at=record.started_at,
        answered_at=record.answered_at,
        ended_at=record.ended_at,
        duration_s=int((record.ended_at - record.started_at).total_seconds()),
        cause=record.cause,
        cause_text=fitting(record.cause_text),
    )
