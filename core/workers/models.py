from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.admin.tables import StaffTable


class Health(models.TextChoices):
    HEALTHY = "healthy", _("Working")
    DEGRADED = "degraded", _("In trouble")
    DOWN = "down", _("Down")
    DISABLED = "disabled", _("Switched off")


class WorkerStatus(models.Model):
    """How one job or listener is doing; `name` is `<app>.<job>`, for example `webcom.calls`."""

    staff_table = StaffTable(icon="monitor_heart")

    name = models.CharField(_("name"), max_length=64, primary_key=True)
    health = models.CharField(
        _("health"), max_length=10, choices=Health.choices, default=Health.HEALTHY
    )
    last_run_at = models.DateTimeField(_("last run at"), null=True)
    last_ok_at = models.DateTimeField(_("last ok at"), null=True)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    failures = models.PositiveIntegerField(_("failures"), default=0)  # in a row
    retry_at = models.DateTimeField(_("next try"), null=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """Who may work under a name, until when by the database's clock; see `core.workers.leases`.

    `token` grows with every change of the holder: what an earlier one writes is recognised by it.
    """

    name = models.CharField(max_length=100, primary_key=True)
    holder = models.CharField(max_length=200, blank=True)  # empty: nobody
    token = models.PositiveBigIntegerField(default=0)
    taken_at = models.DateTimeField()
    renewed_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return self.name
