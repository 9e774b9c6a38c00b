"""Open, close and publish the alerts of staff's rules.

An open alert is a row without an end, one for each rule: so any process may judge the rules, at any
interval, and restarts do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max, Q

from core.lib.locks import lock_for_transaction
from core.realtime.publish import publish_on_commit
from webtv.events import StreamAlert
from webtv.models import Alert, AlertRule, Stream, ViewerSample
from webtv.types import TOTAL

FRESH: Final = timedelta(seconds=30)
YOUNG: Final = timedelta(days=1)  # on a stream's first day every number is a record
Kind = AlertRule.Kind


@dataclass(frozen=True, slots=True)
class Audience:
    """Input of a rule: the newest sample and the maximum of viewers in the rule's minutes."""

    at: datetime | None
    viewers: int | None
    maximum: int | None


@transaction.atomic
def judge(*, now: datetime) -> list[Alert]:
    """Open the alerts whose rules are met and close those that no longer are; returns both."""
    lock_for_transaction("webtv.alerts")
    streams = Q(stream__enabled=True) | Q(stream__name=TOTAL)
    rules = list(AlertRule.objects.filter(streams).select_related("stream"))
    opened = {alert.rule_id: alert for alert in Alert.objects.filter(ended_at=None)}
    newest = _newest_samples([rule.stream for rule in rules], now)
    changed = []
    for rule in rules:
        open_alert = opened.pop(rule.pk, None)
        detail = _met(rule, _audience(rule, newest, now), now) if rule.enabled else ""
        if detail and open_alert is None:
            _, viewers = newest.get(rule.stream_id, (None, None))
            alert = Alert(rule=rule, began_at=now, viewers=viewers, detail=detail)
            alert.save()
            changed.append((alert, rule))
        elif open_alert and not detail:
            changed.append((_ended(open_alert, now), rule))
    for alert in opened.values():  # of disabled streams
        changed.append((_ended(alert, now), alert.rule))
    publish_on_commit(*(_event(alert, rule) for alert, rule in changed))
    return [alert for alert, _ in changed]


def _ended(alert: Alert, now: datetime) -> Alert:
    alert.ended_at = now
    alert.save(update_fields=["ended_at"])
    return alert


def _event(alert: Alert, rule: AlertRule) -> StreamAlert:
    return StreamAlert(
        stream=rule.stream.name,
        kind=rule.kind,
        state="cleared" if alert.ended_at else "raised",
        detail=alert.detail,
        viewers=alert.viewers,
        percent=rule.percent,
        minutes=rule.minutes,
        at=alert.ended_at or alert.began_at,
    )


def _newest_samples(streams: Sequence[Stream], now: datetime) -> dict[int, tuple[datetime, int]]:
    """The last sample of each stream, by one index lookup each.

    One in the future, of a clock that was ahead, is none.
    """
    found = {}
    for stream_id in {stream.pk for stream in streams}:
        row = (
            ViewerSample.objects.filter(stream_id=stream_id, at__lte=now + FRESH)
            .order_by("-at")
            .values_list("at", "viewers")
            .first()
        )
        if row:
            found[stream_id] = row
    return found


def _audience(rule: AlertRule, newest: dict[int, tuple[datetime, int]], now: datetime) -> Audience:
    at, viewers = newest.get(rule.stream_id, (None, None))
    maximum = None
    if rule.kind == Kind.FALL:
        since = now - timedelta(minutes=rule.minutes)
        recent = ViewerSample.objects.filter(stream_id=rule.stream_id, at__gte=since, at__lte=now)
        maximum = recent.aggregate(maximum=Max("viewers"))["maximum"]
    return Audience(at, viewers, maximum)


def _met(rule: AlertRule, seen: Audience, now: datetime) -> str:
    """Why the rule is met, in a few words; empty when it is not met."""
    return _JUDGES[Kind(rule.kind)](rule, seen, now)


def _fallen(rule: AlertRule, seen: Audience, now: datetime) -> str:
    if seen.at is None or seen.viewers is None or seen.maximum is None or seen.at < now - FRESH:
        return ""  # unknown is not zero
    if seen.maximum < max(rule.least_viewers, 1):
        return ""
    fall_pct = (seen.maximum - seen.viewers) / seen.maximum * 100
    if fall_pct < rule.percent:
        return ""
    return f"{seen.maximum} -> {seen.viewers} viewers (-{fall_pct:.0f} %) in {rule.minutes} min"


def _silent(rule: AlertRule, seen: Audience, now: datetime) -> str:
    since = max(seen.at or rule.stream.created_at, rule.stream.created_at)
    if now - since < timedelta(minutes=rule.minutes):
        return ""
    return f"No samples for {rule.minutes} min"


def _record(rule: AlertRule, seen: Audience, now: datetime) -> str:
    stream = rule.stream
    if stream.peak_at is None or stream.peak_viewers is None:
        return ""
    if stream.peak_viewers < rule.least_viewers or stream.peak_at - stream.created_at < YOUNG:
        return ""
    if now - stream.peak_at >= timedelta(minutes=rule.minutes):
        return ""
    return f"New all-time peak: {stream.peak_viewers} viewers"


_JUDGES: Final = {Kind.FALL: _fallen, Kind.SILENCE: _silent, Kind.RECORD: _record}
