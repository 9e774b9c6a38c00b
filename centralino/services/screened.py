"""Screening in the database: one row per caller, the live state, and the rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from centralino.models import LineRule, LiveState, ScreenedCall, fitting
from centralino.screening import Rule
from centralino.selectors.rules import rule_of
from centralino.types import Decision, Verdict, Why
from core.lib.upsert import upsert

_COLUMNS: Final = (
    "server", "channel_id", "caller", "number", "called", "verdict", "why", "entry", "at",
)  # fmt: skip


@dataclass(frozen=True)
class Screened:
    """A caller and the decision; `at` in epoch seconds."""

    server: str
    channel_id: str
    caller: str
    called: str
    decision: Decision
    at: float


def store(calls: Sequence[Screened]) -> None:
    """Store screened callers, each once."""
    rows = {(call.server, call.channel_id): _row(call) for call in calls}
    with transaction.atomic():
        upsert(ScreenedCall, _COLUMNS, list(rows.values()), key=("server", "channel_id"))


def passed_channels(server: str, channel_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Number and called line of those channels that were let through, by channel id."""
    rows = ScreenedCall.objects.filter(
        server=server, channel_id__in=channel_ids, verdict=Verdict.PASSED
    ).exclude(number="")
    return {row.channel_id: (row.number, row.called) for row in rows}


def rules() -> list[tuple[str, Rule]]:
    """The rules by called number; '' is for all other lines."""
    return [(row.called, rule_of(row)) for row in LineRule.objects.all()]


def let_through(server: str, since: datetime) -> list[tuple[str, str, float, str]]:
    """The callers let through since then, oldest first: line called, number, epoch, channel."""
    rows = ScreenedCall.objects.filter(
        server=server, at__gte=since, verdict=Verdict.PASSED, why=Why.CLEAN
    )
    columns = (
        rows.exclude(number="")
        .order_by("at", "id")
        .values_list("called", "number", "at", "channel_id")
    )
    return [(called, number, at.timestamp(), channel) for called, number, at, channel in columns]


def store_state(server: str, document: dict[str, Any]) -> None:
    """Store the monitor's current state for the other processes."""
    LiveState.objects.update_or_create(
        key=_key(server), defaults={"document": document, "updated_at": timezone.now()}
    )


def forget_other_states(servers: Collection[str]) -> None:
    """Delete the states of servers that are not among `servers`."""
    states = LiveState.objects.filter(key__endswith=".ari")
    states.exclude(key__in=map(_key, servers)).delete()


def _key(server: str) -> str:
    return f"{server}.ari"


def _row(call: Screened) -> tuple[str, ...]:
    decision = call.decision
    return (
        call.server,
        fitting(call.channel_id, 150),
        fitting(call.caller),
        decision.number,
        fitting(call.called),
        decision.verdict.value,
        decision.why.value,
        decision.entry,
        f"{datetime.fromtimestamp(call.at, UTC):%F %T.%f}",
    )
