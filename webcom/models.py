"""Tables of the carrier's facts. Amounts are euro, times UTC."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.admin.tables import CHANGE, StaffTable
from core.lib.fields import KeyField
from webcom.types import Stage


def _money(**options: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=14, decimal_places=4, **options)


class Line(models.Model):
    """One of our phone lines; the carrier owns the facts."""

    staff_table = StaffTable(icon="phone_forwarded")

    line_id = models.CharField(_("line"), max_length=32, primary_key=True)
    number = models.CharField(_("number"), max_length=32, db_index=True)
    line_type = models.CharField(_("type"), max_length=32)
    group = models.CharField(_("group"), max_length=32, blank=True)
    relations = models.JSONField(_("relations"), default=list)
    name = models.CharField(_("name"), max_length=200, null=True, blank=True)  # noqa: DJ001  (the reference shows null)
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        ordering = ("line_id",)

    def __str__(self) -> str:
        return f"{self.number} ({self.line_id})"


class CallQuerySet(models.QuerySet["Call"]):
    def active(self) -> CallQuerySet:
        """Calls whose end is not known, by the partial index."""
        return self.filter(stage__lt=Stage.LOST.value)


class Call(models.Model):
    """A call as the carrier last reported it.

    `line_id` is not a foreign key: a call may come before its line.
    """

    staff_table = StaffTable(icon="call")

    id = KeyField(_("id"), max_length=64, primary_key=True)
    line_id = models.CharField(_("line"), max_length=32, blank=True)
    line_number = models.CharField(_("line number"), max_length=32, blank=True)
    # the line's type when the call came
    line_type = models.CharField(_("line type"), max_length=32, blank=True)
    state = models.CharField(_("state"), max_length=32)
    stage = models.PositiveSmallIntegerField(
        _("stage"), choices=[(s.value, s.name.title()) for s in Stage]
    )
    revision = models.BigIntegerField(_("revision"), default=0)
    direction = models.CharField(_("direction"), max_length=32, blank=True)
    caller = models.CharField(_("caller"), max_length=32, blank=True)
    called = models.CharField(_("called"), max_length=32, blank=True)
    caller_operator = models.CharField(_("caller operator"), max_length=32, blank=True)
    cost = _money(verbose_name=_("cost"), null=True, blank=True)
    duration_s = models.PositiveIntegerField(_("duration (s)"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    extra = models.JSONField(_("extra"), default=dict, blank=True)
    stored_at = models.DateTimeField(_("stored at"))
    # when the end of a missing call was last queried
    asked_at = models.DateTimeField(_("asked at"), null=True, blank=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
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
    """The rebate of an operator for one type of line in one month."""

    staff_table = StaffTable(icon="euro")

    month = models.CharField(_("month"), max_length=7)  # YYYY-MM
    type = models.CharField(_("type"), max_length=32)
    operator = models.CharField(_("operator"), max_length=32)
    cost = _money(verbose_name=_("cost"))
    counter = models.IntegerField(_("counter"))  # negative: a credit note
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("rebate")
        verbose_name_plural = _("rebates")
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


class RebateMonth(models.Model):
    """When the carrier last reported a month: known also for a month without rebates."""

    month = models.CharField(max_length=7, primary_key=True)  # YYYY-MM
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.month


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
    """The position up to which one of the carrier's feeds is read."""

    staff_table = StaffTable(icon="bookmark")

    feed = models.CharField(_("feed"), max_length=32, primary_key=True)
    value = models.CharField(_("value"), max_length=200)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("cursor")
        verbose_name_plural = _("cursors")

    def __str__(self) -> str:
        return self.feed


class Delivery(models.Model):
    """A webhook delivery that was stored; a repeated one is recognised by its id."""

    id = KeyField(max_length=128, primary_key=True)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return str(self.id)


class Unreadable(models.Model):
    """A payload of the carrier that could not be read, stored for staff to inspect and retry."""

    staff_table = StaffTable(icon="report", supervisor=CHANGE)

    digest = models.CharField(_("digest"), max_length=64, primary_key=True)
    source = models.CharField(_("source"), max_length=32)
    reason = models.CharField(_("reason"), max_length=300)
    payload = models.TextField(_("payload"))
    first_at = models.DateTimeField(_("first at"))
    last_at = models.DateTimeField(_("last at"), db_index=True)
    times = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        verbose_name = _("unreadable payload")
        verbose_name_plural = _("unreadable payloads")

    def __str__(self) -> str:
        return self.reason
