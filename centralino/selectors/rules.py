"""The screening rules, and what a class of callers would have meant yesterday."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from django.db.models import Q
from django.utils import timezone

from centralino.models import LineRule, ListEntry, PbxServer, ScreenedCall
from centralino.screening import PERMANENT, Numbers, Rule, Screening, line_of
from centralino.types import Why
from core.lib.days import day_bounds

CLASSES: Final[dict[Why, str]] = {  # and the switch of each
    Why.FOREIGN: "block_foreign",
    Why.IMPOSSIBLE: "block_impossible",
    Why.SHORT: "block_short",
    Why.REPEATED: "block_repeated",
}
_SWITCHES: Final = (*CLASSES.values(), "block_anonymous", "block_listed")


@dataclass(frozen=True)
class DryRun:
    """How many callers a line had, and how many of them each class would have refused."""

    callers: int
    refused: Counter[Why]


def rule_of(row: LineRule) -> Rule:
    """The row as the rule that decides."""
    values = {field.name: getattr(row, field.name) for field in fields(Rule)}
    return Rule(**values | {"foreign_except": tuple(row.foreign_except.split())})


def dry_run(row: LineRule, day: date) -> DryRun:
    """What each class would have refused of that local day's callers, the allow list above it.

    By the function that decides about callers, each class alone. A rule without a number stands
    for the lines that have none of their own.
    """
    allowed = _allowed()
    trials = [(why, _trial(row, switch, allowed)) for why, switch in CLASSES.items()]
    callers, refused = 0, Counter[Why]()
    for call in _callers(row, day):
        callers += 1
        refused.update(why for why, trial in trials if trial.decide(**call).why is why)
    return DryRun(callers, refused)


def _trial(row: LineRule, switch: str, allowed: Numbers) -> Screening:
    """A screening whose only rule is `row`, with one class switched on."""
    trial = Screening()
    trial.allowed = allowed
    switches = {name: name == switch for name in _SWITCHES}
    rule = rule_of(row)
    trial.set_rules([("", Rule(**vars(rule) | switches | {"enabled": True}))])
    return trial


def _allowed() -> Numbers:
    numbers, now = Numbers(), timezone.now()
    in_force = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    for entry in ListEntry.objects.filter(in_force, allowed=True).values_list("number", flat=True):
        numbers.put(entry, PERMANENT)
    return numbers


def _callers(row: LineRule, day: date) -> Iterator[dict[str, Any]]:
    """The callers of the rule's lines on that day, in order, as `Screening.decide` wants them."""
    start, end = day_bounds(day)
    lines = {line_of(called) for called in LineRule.objects.values_list("called", flat=True)}
    own = line_of(row.called) if row.called else ""
    without_plus = dict(PbxServer.objects.values_list("name", "e164_without_plus"))
    calls = ScreenedCall.objects.filter(at__gte=start, at__lt=end).order_by("at", "id")
    columns = ("server", "channel_id", "caller", "called", "at")
    for server, channel_id, caller, called, at in calls.values_list(*columns).iterator():
        line = line_of(called)
        if line == own if own else line not in lines:
            yield {
                "caller": caller,
                "called": called,
                "now": at.timestamp(),
                "channel_id": channel_id,
                "without_plus": without_plus.get(server, False),
            }
