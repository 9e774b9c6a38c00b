"""Tables of the carrier's facts. Amounts are euro, times UTC."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from gateway_arq.lib.fields import KeyField
from webcom.types import Stage


def _money(**options: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=14, decimal_places=4, **options)


class Line(models.Model):
    """A phone line of ours; the carrier owns the facts."""

    line_id = models.CharField(max_length=32, primary_key=True)
    number = models.CharField(max_length=32, db_index=True)
    line_type = models.CharField("type", max_length=32)
    group = models.CharField(max_length=32, blank=True)
    relations = models.JSONField(default=list)
    name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  (the reference shows null)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("line_id",)

    def __str__(self) -> str:
        return f"{self.number} ({self.line_id})"


class CallQuerySet(models.QuerySet["Call"]):
    def active(self) -> CallQuerySet:
        """Calls whose end is not known, by the partial index."""
        return self.filter(stage__lt=Stage.LOST.value)


class Call(models.Model):
    """A call as the carrier last told it.

    `line_id` is no foreign key: a call may come before its line.
    """

    id = KeyField(max_length=64, primary_key=True)
    line_id = models.CharField("line", max_length=32, blank=True)
    line_number = models.CharField(max_length=32, blank=True)
    line_type = models.CharField(max_length=32, blank=True)  # the line's type when the call came
    state = models.CharField(max_length=32)
    stage = models.PositiveSmallIntegerField(choices=[(s.value, s.name.title()) for s in Stage])
    revision = models.BigIntegerField(default=0)
    direction = models.CharField(max_length=32, blank=True)
    caller = models.CharField(max_length=32, blank=True)
    called = models.CharField(max_length=32, blank=True)
    caller_operator = models.CharField(max_length=32, blank=True)
    cost = _money(null=True, blank=True)
    duration_s = models.PositiveIntegerField("duration (s)", null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    stored_at = models.DateTimeField()
    asked_at = models.DateTimeField(
        null=True, blank=True
    )  # when we last asked how a call that went missing ended

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ("-started_at", "-id")
        constraints = [
            models.CheckConstraint(condition=~Q(id=""), name="webcom_call_id_not_empty"),
            models.CheckConstraint(
                condition=Q(stage__in=[s.value for s in Stage]), name="webcom_call_stage_known"
            ),
            models.CheckConstraint(
                condition=Q(revision__gte=0), name="webcom_call_revision_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["started_at", "id"], name="webcom_call_started"),
            models.Index(fields=["line_id", "started_at"], name="webcom_call_line"),
            models.Index(
                fields=["caller", "started_at"],
                name="webcom_call_caller",
                opclasses=["varchar_pattern_ops", ""],
            ),
            models.Index(fields=["state", "started_at"], name="webcom_call_state"),
            models.Index(
                fields=["started_at"],
                condition=Q(stage__lt=Stage.LOST.value),
                name="webcom_call_active",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Rebate(models.Model):
    """What an operator gives back for one type of line in one month."""

    month = models.CharField(max_length=7)  # YYYY-MM
    type = models.CharField(max_length=32)
    operator = models.CharField(max_length=32)
    cost = _money()
    counter = models.PositiveIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("-month", "type", "operator")
        constraints = [
            models.UniqueConstraint(
                fields=["month", "type", "operator"], name="webcom_rebate_once"
            ),
            models.CheckConstraint(
                condition=Q(month__regex=r"^20\d\d-(0[1-9]|1[0-2])$"), name="webcom_rebate_month"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.type} {self.operator}"


class CallRollup(models.Model):
    """Calls that started in [start_at, start_at + span_s), by type of line.

    Derived: never edited, only recounted.
    """

    FIVE_MINUTES, HOUR = 300, 3600

    span_s = models.PositiveSmallIntegerField()
    start_at = models.DateTimeField()
    line_type = models.CharField(max_length=32)
    calls = models.PositiveIntegerField()
    duration_s = models.PositiveBigIntegerField()
    cost = _money()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["span_s", "start_at", "line_type"], name="webcom_rollup_once"
            ),
            models.CheckConstraint(condition=Q(span_s__in=[300, 3600]), name="webcom_rollup_span"),
        ]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M}+{self.span_s}s {self.line_type}"


class DirtyBucket(models.Model):
    """Five minutes whose calls changed since they were last counted into `CallRollup`."""

    start_at = models.DateTimeField(primary_key=True)

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M}"


class Cursor(models.Model):
    """How far we have read one of the carrier's feeds."""

    feed = models.CharField(max_length=32, primary_key=True)
    value = models.CharField(max_length=200)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.feed


class Delivery(models.Model):
    """A webhook delivery that was stored, so that a repeated one is recognised."""

    id = KeyField(max_length=128, primary_key=True)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return str(self.id)


class Unreadable(models.Model):
    """A carrier's payload that we could not read: kept, so that it can be understood later."""

    digest = models.CharField(max_length=64, primary_key=True)
    source = models.CharField(max_length=32)
    reason = models.CharField(max_length=300)
    payload = models.TextField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "unreadable payload"

    def __str__(self) -> str:
        return self.reason
